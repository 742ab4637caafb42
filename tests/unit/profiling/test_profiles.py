"""Profiles as tables and as files."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.profiling import export
from jupyter_modeldeploy.profiling.operators.events import Recording, Run, paired
from jupyter_modeldeploy.records.profiles import DISPATCH, Operator, Profile, Span, grouped

PROFILE = Profile(
    version="text@1",
    operators=[
        Operator(
            name="a",
            type="MatMul",
            layer="encoder.layer.0.query",
            share=0.5,
            time_ms=5,
            calls=2,
            operations=1e9,
            bytes=5e6,
        ),
        Operator(name="b", type="MatMul", layer="encoder.layer.1.query", share=0.3, time_ms=3, calls=1),
        Operator(name="c", type="Relu", layer="encoder.layer.0", share=0.1, time_ms=1, calls=1, bytes=3e6),
        Operator(name="(between operators)", type=DISPATCH, share=0.1, time_ms=1, calls=1),
    ],
    timeline=[Span(name="a", type="MatMul", layer="encoder.layer.0.query", start_ms=0.5, duration_ms=2.5)],
    peak_memory_bytes=1,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def test_groups_sum_up_and_rates_are_of_those_that_are_known() -> None:
    product, rest = grouped(PROFILE.operators, "type")[:2]
    assert (product.name, product.time_ms, product.calls, product.share) == ("MatMul", 8, 3, 0.8)
    assert product.gflops == pytest.approx(1e9 / 5 / 1e6)
    assert rest.name in ("Relu", DISPATCH)
    layers = [(one.name, one.time_ms) for one in grouped(PROFILE.operators, "layer")]
    assert layers == [("encoder.layer.0", 6), ("encoder.layer.1", 3), (DISPATCH, 1)]


def test_a_trace_has_the_run_in_microseconds(tmp_path: Path) -> None:
    export.write_trace(PROFILE, tmp_path / "trace.json")
    (call,) = [each for each in json.loads((tmp_path / "trace.json").read_bytes())["traceEvents"] if each["ph"] == "X"]
    assert (call["name"], call["ts"], call["dur"], call["args"]["layer"]) == ("a", 500, 2500, "encoder.layer.0.query")


def test_a_file_is_what_its_name_says(tmp_path: Path) -> None:
    export.write(PROFILE, tmp_path / "found.json")
    assert Profile.model_validate_json((tmp_path / "found.json").read_bytes()) == PROFILE
    export.write(PROFILE, tmp_path / "found.csv")
    with (tmp_path / "found.csv").open() as file:
        assert [row["type"] for row in csv.DictReader(file)] == ["MatMul", "MatMul", "Relu", DISPATCH]
    with pytest.raises(InvalidInput, match=r"found\.xls"):
        export.write(PROFILE, tmp_path / "found.xls")


def test_calls_are_told_apart_by_their_order_though_one_is_missing() -> None:
    names = tuple(f"call {number % 7}" for number in range(100))
    assert paired(names[:50] + names[51:], names) == [(n, n + (n >= 50)) for n in range(99)]
    assert paired(names, tuple(f"other {number}" for number in range(100))) == ()


def test_a_run_that_was_disturbed_leaves_the_others_of_its_pass() -> None:
    walls = [[1.0, 90.0], [80.0, 2.0], [3.0, 4.0]]
    recording = Recording([[Run(wall, []) for wall in of_pass] for of_pass in walls], walls, 2).ranked()
    assert recording.plain == [[1.0, 2.0], [3.0, 4.0], [80.0, 90.0]]
    assert [[run.wall for run in runs] for runs in recording.profiled] == recording.plain
