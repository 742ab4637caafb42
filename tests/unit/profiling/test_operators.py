from __future__ import annotations

import tempfile
from pathlib import Path

import profiled_models as tiny
import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.profiling.operators import profile_onnx
from jupyter_modeldeploy.progress import Silent


def test_operators_come_by_their_time_with_shares_that_sum_to_one(tmp_path: Path) -> None:
    operators = profile_onnx(tiny.dense(tmp_path), [tiny.rows(512), tiny.rows(256)], repeats=3, reporter=Silent())
    assert [(operator.name, operator.type) for operator in operators] == [("heavy", "MatMul"), ("light", "Relu")]
    assert sum(operator.share for operator in operators) == pytest.approx(1)
    assert operators[0].time_ms > operators[1].time_ms > 0


def test_every_measured_run_is_counted_and_the_first_one_is_not(tmp_path: Path) -> None:
    operators = profile_onnx(tiny.dense(tmp_path), [tiny.rows(4), tiny.rows(2)], repeats=3, reporter=Silent())
    assert [operator.calls for operator in operators] == [6, 6]


def test_a_loop_is_not_charged_with_the_nodes_it_runs(tmp_path: Path) -> None:
    operators = profile_onnx(tiny.loop(tmp_path, turns=50), [tiny.rows(512)], repeats=2, reporter=Silent())
    by_name = {operator.name: operator for operator in operators}
    assert by_name["inner"].calls == 100
    assert by_name["inner"].share > by_name["outer"].share > 0
    assert sum(operator.share for operator in operators) == pytest.approx(1)


def test_no_file_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny.dense(tmp_path / "model")
    (scratch := tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    profile_onnx(folder, [tiny.rows(4)], repeats=1, reporter=Silent())
    assert list(scratch.iterdir()) == []
    assert [path.name for path in folder.iterdir()] == ["model.onnx"]


def test_inputs_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    folder = tiny.dense(tmp_path)
    for inputs in ([], [{"x": tiny.rows(4)["x"][:, :3]}]):
        with pytest.raises(InvalidInput):
            profile_onnx(folder, inputs, repeats=1, reporter=Silent())
