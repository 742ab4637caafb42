"""The page of a served model's report: a picture first, then tables, then advice; and its summary in Markdown."""

from __future__ import annotations

import recorded_report

from jupyter_modeldeploy.reporting.service import ServicePage


def page(**changes: str) -> ServicePage:
    return ServicePage(**recorded_report.report(**changes).model_dump())


def test_the_picture_comes_first_and_the_advice_after_the_tables() -> None:
    html = page().html()
    places = [html.index(each) for each in ("<svg", "the tokenizer", "/encoder/MatMul", "<h2>Advice", "1.80 – 2.00")]
    assert places == sorted(places)
    assert "modeldeploy services change reviews --max-batch-rows 0" in html
    assert "It gains nothing." in html


def test_the_page_needs_nothing_beside_it_and_names_are_text() -> None:
    html = page(title="<script>alert(1)</script>").html()
    assert "<script" not in html
    assert "src=" not in html
    assert "href=" not in html


def test_the_markdown_tells_the_figures_and_the_advice_in_order() -> None:
    told = page().markdown()
    assert "| 4 | 120 | 32.0\u00a0ms (28.8 – 35.2) |" in told
    assert told.index("1. **Quantize") < told.index("2. **Let waiting")
