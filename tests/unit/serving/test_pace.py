"""Rows share a run where that answers them faster, as tried on a model whose time is told by the test."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.serving.execution import pace
from jupyter_modeldeploy.serving.execution.batching import Batching
from jupyter_modeldeploy.signatures import Signature, TensorSpec

ROW: Tensors = {"x": np.zeros((1, 8), np.float32)}


class Model:
    """Doubles its input. A run takes `fixed_s`, and so much a row: more beyond `cached` rows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fixed_s: float, row_s: float, cached: int = 1000) -> None:
        self._fixed_s, self._row_s, self._cached = fixed_s, row_s, cached
        self.now = 0.0
        self.rows: list[int] = []
        monkeypatch.setattr(pace.time, "perf_counter", self.clock)

    def clock(self) -> float:
        return self.now

    def __call__(self, tensors: Tensors) -> Tensors:
        rows = len(tensors["x"])
        self.rows.append(rows)
        self.now += self._fixed_s + self._row_s * (rows + 3 * max(0, rows - self._cached))
        return {"y": 2 * tensors["x"]}


def fastest(model: Model) -> float:
    return pace.fastest_size(model, ROW, 64, model.clock)


def test_runs_grow_while_that_makes_their_rows_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fastest(Model(monkeypatch, 0.001, 0.001, cached=4)) == 4 * 8
    assert fastest(Model(monkeypatch, 0.001, 0.0001)) == math.inf


def test_rows_that_gain_nothing_run_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fastest(Model(monkeypatch, 0.0001, 0.02)) == 8


def test_a_slow_model_does_not_keep_the_service_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(monkeypatch, 0.0, 2 * pace.TRIAL_S)
    assert fastest(model) == 8
    assert set(model.rows) == {1}


def test_a_fast_model_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(monkeypatch, 0.0001, 0.0001)
    assert fastest(model) == math.inf
    assert set(model.rows) == {1}


def test_what_was_found_splits_and_joins_unless_the_service_says_how_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = TensorSpec(name="x", dtype="FP32", shape=[-1, 8])
    batching = Batching(Signature(inputs=[spec], outputs=[TensorSpec(name="y", dtype="FP32", shape=[-1, 8])]))
    model = Model(monkeypatch, 0.001, 0.001, cached=4)
    batching.learn(model, 1)
    batching.learn_pace(model, ROW, model.clock)
    assert (batching.rows_at_once(8), batching.rows_at_once(1), batching.rows_at_once(800)) == (4, 32, 1)

    model.rows.clear()
    many = {"x": np.arange(80, dtype=np.float32).reshape(10, 8)}
    assert np.array_equal(batching.run(model, [many])[0]["y"], 2 * many["x"])
    assert model.rows == [4, 4, 2]

    batching.configure(16)
    model.rows.clear()
    batching.run(model, [many])
    assert model.rows == [10]
    batching.configure(0)
    assert batching.rows_at_once(8) == 4
