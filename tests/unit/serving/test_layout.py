"""The cores are shared out by what a model shows at its warm-up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_onnx
from onnx import TensorProto, helper

from jupyter_modeldeploy.records import Format, ServiceSpec
from jupyter_modeldeploy.serving.execution import layout
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.metrics import Metrics
from jupyter_modeldeploy.serving.plan import PlannedVersion


def served(folder: Path) -> ServedVersion:
    planned = PlannedVersion(number=1, weight=1, format=Format.onnx, task="tensor", folder=folder)
    version = ServedVersion("model", planned, Metrics(folder, 0).version("model", "1"))
    version.warm_up()
    return version


@pytest.fixture
def heavy(tmp_path: Path) -> ServedVersion:
    """Some milliseconds a run: a few large products."""
    size = 768
    weights = {f"w{n}": np.full((size, size), 1 / size, np.float32) for n in range(6)}
    names = ["x", *(f"h{n}" for n in range(5)), "y"]
    nodes = [helper.make_node("MatMul", [names[n], f"w{n}"], [names[n + 1]]) for n in range(6)]
    value = [tiny_onnx.value(name, TensorProto.FLOAT, [128, size]) for name in ("x", "y")]
    return served(tiny_onnx.save(tmp_path / "heavy", nodes, value[:1], value[1:], weights))


def test_a_fast_model_gets_an_instance_for_each_core(tmp_path: Path) -> None:
    version = served(tiny_onnx.add_one(tmp_path / "tiny"))
    assert version.typical_ms < layout.WORTH_MS
    assert layout.choose_instances([version], 4) == 4
    assert version.threads == 1


@pytest.mark.parametrize(("asked", "instances"), [({"threads": 2}, 2), ({"threads": 8}, 1), ({"instances": 4}, 4)])
def test_what_is_asked_for_is_not_measured(asked: dict[str, int], instances: int) -> None:
    spec = ServiceSpec.model_validate({"name": "one", "models": [{"model": "m", "arms": [{"version": 1}]}], **asked})
    assert layout.instances_of(spec, [], 4) == instances


def test_a_run_uses_the_threads_that_are_asked_for(tmp_path: Path) -> None:
    folder = tiny_onnx.add_one(tmp_path / "tiny")
    planned = PlannedVersion(number=1, weight=1, format=Format.onnx, task="tensor", folder=folder)
    version = ServedVersion("model", planned, Metrics(folder, 0).version("model", "1"), threads=2)

    assert version.threads == 2
    version.release()
    version.load()
    assert version.threads == 2


def test_one_core_leaves_no_choice(heavy: ServedVersion) -> None:
    assert layout.choose_instances([heavy], 1) == 1


@pytest.mark.parametrize("gain", [0.0, 1e9])
def test_the_layout_that_answers_more_is_used(
    heavy: ServedVersion, monkeypatch: pytest.MonkeyPatch, gain: float
) -> None:
    monkeypatch.setattr(layout, "WORTH_MS", 0.0)
    monkeypatch.setattr(layout, "SLOW_MS", 1e6)
    monkeypatch.setattr(layout, "GAIN", gain)
    inputs = {"x": np.ones((128, 768), np.float32)}
    before = heavy.runtime.run(inputs)["y"]

    wide = gain == 0.0
    assert layout.choose_instances([heavy], 2) == (1 if wide else 2)
    assert heavy.threads == (2 if wide else 1)
    assert np.allclose(heavy.runtime.run(inputs)["y"], before, rtol=1e-4)
