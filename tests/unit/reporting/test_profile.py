"""The page of a version's profile: the run as a picture, then its operators, then its memory."""

from __future__ import annotations

from datetime import UTC, datetime

from jupyter_modeldeploy.records.profiles import DISPATCH, MemoryParts, Operator, Span
from jupyter_modeldeploy.reporting.profile import ProfilePage

MB = 1_000_000


def page(name: str = "query") -> ProfilePage:
    return ProfilePage(
        version="text@1",
        operators=[
            Operator(name=name, type="MatMul", layer="encoder.layer.0", share=0.7, time_ms=7, calls=2),
            Operator(name="(between operators)", type=DISPATCH, share=0.3, time_ms=3, calls=1),
        ],
        timeline=[
            Span(name="outer", type="Loop", start_ms=0, duration_ms=10),
            Span(name=name, type="MatMul", start_ms=0, duration_ms=5, depth=1),
            Span(name="unseen", type="MatMul", start_ms=6, duration_ms=0.001, depth=1),
        ],
        memory=MemoryParts(
            peak_bytes=100 * MB,
            interpreter_bytes=50 * MB,
            runtime_bytes=20 * MB,
            weights_bytes=25 * MB,
            activations_bytes=5 * MB,
            model_file_bytes=25 * MB,
        ),
        peak_memory_bytes=100 * MB,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_the_run_is_drawn_first_with_inner_calls_below_those_around_them() -> None:
    html = page().html()
    places = [html.index(each) for each in ("<svg", "By type", "By layer", "The costliest operators", "25.0\u00a0MB")]
    assert places == sorted(places)
    assert '<rect class="fp32" x="0.0" y="18.0" width="500.0"' in html
    assert "unseen" not in html
    assert "70\u00a0% of a run is in MatMul" in html


def test_the_page_needs_nothing_beside_it_and_names_are_text() -> None:
    html = page("<script>alert(1)</script>").html()
    assert "<script" not in html
    assert "src=" not in html
    assert "href=" not in html
