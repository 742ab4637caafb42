from __future__ import annotations

import json

import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Experiment, Version
from jupyter_modeldeploy.reporting import Report
from jupyter_modeldeploy.reporting.report import Comparison, LineageStep, installed


def test_the_json_form_has_the_keys_that_others_read(report: Report) -> None:
    written = json.loads(report.model_dump_json())
    assert {
        "accuracy_before",
        "accuracy_fp32",
        "accuracy_int8",
        "accuracy_difference_ci",
        "size_fp32_bytes",
        "size_int8_bytes",
        "latency_ms",
        "throughput_rps",
        "peak_memory_bytes",
        "operators",
        "comparison",
    } <= written.keys()
    assert written["accuracy_difference_ci"] == [-0.008, 0.004]
    assert {"p50", "p99"} <= written["latency_ms"]["fp32"].keys() & written["latency_ms"]["int8"].keys()
    assert {"fp32", "int8"} <= written["throughput_rps"].keys()
    assert {"name", "type", "share"} <= written["operators"][0].keys()
    assert {"metric", "difference", "low", "high", "verdict"} <= written["comparison"].keys()


def test_a_report_is_the_same_after_reading_its_json(report: Report) -> None:
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_the_comparison_puts_the_metric_in_front_that_is_asked_for(experiment: Experiment) -> None:
    assert (Comparison.of(experiment).metric, Comparison.of(experiment).verdict) == ("latency_ms", "better")
    accuracy = Comparison.of(experiment, "accuracy")
    assert (accuracy.difference, accuracy.low, accuracy.high, accuracy.verdict) == (-0.002, -0.019, 0.015, "undecided")
    with pytest.raises(InvalidInput, match="did not measure 'speed'"):
        Comparison.of(experiment, "speed")


def test_ratios_say_how_many_times_better_int8_is(report: Report) -> None:
    assert report.size_ratio == pytest.approx(3.794, abs=1e-3)
    assert report.latency_ratio == pytest.approx(2.0)
    assert report.throughput_ratio == pytest.approx(2.051, abs=1e-3)


def test_time_is_summed_by_type(report: Report) -> None:
    assert [(time.type, time.nodes, pytest.approx(time.share)) for time in report.time_by_type] == [
        ("Add", 6, 0.5),
        ("MatMul", 6, 0.5),
    ]


def test_a_step_is_told_by_its_version() -> None:
    version = Version.model_validate(
        {
            "model": "minilm",
            "number": 1,
            "format": "onnx",
            "task": "text-classification",
            "lineage": {"step": "fetched", "source": "pypi:minilm"},
            "metrics": {"accuracy": 0.9},
            "files": [{"path": "model.onnx", "size": 7, "sha256": "0" * 64}],
            "created_at": "2026-11-21T00:00:00Z",
        }
    )
    assert LineageStep.of(version).model_dump() == {
        "ref": "minilm@1",
        "step": "fetched",
        "format": "onnx",
        "size_bytes": 7,
        "detail": "pypi:minilm",
        "accuracy": 0.9,
    }


def test_the_packages_that_a_measurement_depends_on_are_named() -> None:
    assert installed().keys() >= {"jupyter_modeldeploy", "numpy", "onnxruntime"}
