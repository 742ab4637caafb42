"""Which cause is looked for in what evidence, and what a trial must show to become advice."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from jupyter_modeldeploy import intervals
from jupyter_modeldeploy.profiling.advice import bodies, rules
from jupyter_modeldeploy.profiling.advice.evidence import Evidence, Layout, Preparation
from jupyter_modeldeploy.profiling.advice.trials import Gain
from jupyter_modeldeploy.profiling.load.inputs import HEADER_LENGTH, infer_body
from jupyter_modeldeploy.records import TensorSpec
from jupyter_modeldeploy.records.loads import Stage

SOUND = Evidence(
    service="reviews",
    version="sentiment@3",
    format="onnx",
    cores=2,
    int8_dot=True,
    layout=Layout(),
    concurrency=16,
    stages=[
        Stage(name="network", mean_ms=0.2),
        Stage(name="queue", mean_ms=10.0),
        Stage(name="compute", mean_ms=9.5),
        Stage(name="encode", mean_ms=0.3),
    ],
    operators={"MatMulInteger": 0.7, "Softmax": 0.3},
    cores_busy=1.9,
)
"""A quantized model on a service that chooses its own layout."""

SLOW = {
    "float-weights": {"operators": {"MatMul": 0.62, "Softmax": 0.38}},
    "no-batching": {"layout": Layout(max_batch_rows=1)},
    "threads": {"layout": Layout(instances=8, threads=8), "switches_per_s": 4000.0},
    "preparation": {"preparation": Preparation(mean_ms=4.0, run_ms=1.0, needed=0.1, enough=1200)},
    "json": {
        "json_tensors": True,
        "body_bytes": 3_000_000,
        "stages": [Stage(name="encode", mean_ms=12.0), Stage(name="compute", mean_ms=9.0)],
    },
}


def test_a_sound_service_gives_nothing_to_try() -> None:
    assert rules.candidates(SOUND) == []


@pytest.mark.parametrize("cause", SLOW)
def test_each_cause_is_found_by_its_own_evidence_alone(cause: str) -> None:
    (found,) = rules.candidates(replace(SOUND, **SLOW[cause]))
    assert found.cause == cause
    assert found.evidence
    assert found.action.commands or found.action.how


def test_the_evidence_is_told_with_its_figures() -> None:
    (found,) = rules.candidates(replace(SOUND, **SLOW["float-weights"]))
    assert "62%" in found.evidence
    assert "MatMul" in found.evidence
    assert found.action.commands[0] == "modeldeploy quantize sentiment@3"
    (found,) = rules.candidates(replace(SOUND, **SLOW["threads"]))
    assert "64 threads compete for 2 cores" in found.evidence


def test_convolutions_are_quantized_with_ranges_found_beforehand() -> None:
    (found,) = rules.candidates(replace(SOUND, operators={"Conv": 0.9, "Gemm": 0.1}))
    assert found.quantized == "static-int8"


def test_cores_that_idle_are_put_to_use() -> None:
    (found,) = rules.candidates(replace(SOUND, layout=Layout(instances=1), cores_busy=1.0))
    assert "50% of the cores idle" in found.evidence


@pytest.mark.parametrize(
    ("ratios", "worth"), [([1.9, 1.8, 2.0], True), ([0.8, 1.6, 1.1], False), ([1.02, 1.02, 1.021], False)]
)
def test_only_a_gain_beyond_its_noise_is_advice(ratios: list[float], worth: bool) -> None:
    speed_up = intervals.ratio_of_pairs(ratios, [1.0] * len(ratios))
    assert Gain(speed_up, None, failed=0.0, seconds=1.0, rounds=3).worth is worth
    assert not Gain(speed_up, None, failed=0.2, seconds=1.0, rounds=3).worth


def test_json_tensors_become_the_same_in_binary() -> None:
    spec = TensorSpec("x", "FP32", [1, 3])
    body = infer_body([spec], {"x": np.array([[1, 2, 3]], np.float32)})
    (binary,) = bodies.binary([body])
    size = int(binary.headers[HEADER_LENGTH])
    assert np.frombuffer(binary.content[size:], np.float32).tolist() == [1, 2, 3]
    assert json.loads(binary.content[:size])["inputs"][0]["shape"] == [1, 3]
    assert bodies.json_tensors(binary) is None
