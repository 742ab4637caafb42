from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import profiled_models as tiny
import pytest
import tiny_bert
import tiny_torch
import torch

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.profiling.operators import Operators, Pace, profile_operators
from jupyter_modeldeploy.profiling.operators.torch_structure import structure
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.records.profiles import DISPATCH, grouped
from jupyter_modeldeploy.runtimes import openvino
from jupyter_modeldeploy.runtimes.exported import ExportedRuntime
from jupyter_modeldeploy.runtimes.torchscript import TorchScriptRuntime


def of_onnx(folder: Path, *rows: int) -> Operators:
    return profile_operators(Format.onnx, folder, [tiny.rows(count) for count in rows], Pace(0.2), 1, Silent())


def test_operators_come_by_their_time_with_shares_that_sum_to_one(tmp_path: Path) -> None:
    found = of_onnx(tiny.dense(tmp_path), 512, 256)
    operators = {operator.name: operator for operator in found.operators}
    assert found.operators[0].name == "heavy"
    assert sum(operator.share for operator in found.operators) == pytest.approx(1)
    assert operators["heavy"].time_ms > operators["light"].time_ms > 0
    assert [operators[name].calls for name in ("heavy", "light")] == [1, 1]
    assert [one.type for one in found.operators].count(DISPATCH) == 1


def test_work_follows_from_the_shapes_and_the_weights(tmp_path: Path) -> None:
    heavy = of_onnx(tiny.dense(tmp_path), 512).operators[0]
    assert heavy.shapes == "[512, 256] × [256, 256] → [512, 256]"
    assert heavy.operations == 2 * 512 * 256 * 256
    assert heavy.bytes == 4 * (512 * 256 + 256 * 256 + 512 * 256)
    assert heavy.memory_bytes == 4 * 512 * 256
    assert heavy.dtype == "FP32"


def test_a_loop_is_not_charged_with_the_nodes_it_runs(tmp_path: Path) -> None:
    by_name = {operator.name: operator for operator in of_onnx(tiny.loop(tmp_path, turns=50), 512).operators}
    assert by_name["inner"].calls == 50
    assert by_name["inner"].share > by_name["outer"].share


def test_no_file_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny.dense(tmp_path / "model")
    (scratch := tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    of_onnx(folder, 4)
    assert list(scratch.iterdir()) == []
    assert [path.name for path in folder.iterdir()] == ["model.onnx"]


def test_inputs_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    folder = tiny.dense(tmp_path)
    for inputs in ([], [{"x": tiny.rows(4)["x"][:, :3]}]):
        with pytest.raises(InvalidInput):
            profile_operators(Format.onnx, folder, inputs, Pace(0.1), 1, Silent())


def test_what_torch_runs_is_in_the_same_table_with_its_modules(tmp_path: Path) -> None:
    folder = tiny_bert.make_classifier(tmp_path)
    ids = np.ones((1, 16), dtype=np.int64)
    given = {"input_ids": ids, "attention_mask": ids, "token_type_ids": ids}
    found = profile_operators(Format.transformers, folder, [given], Pace(0.2), 1, Silent())
    products = [one for one in found.operators if one.type == "aten::addmm"]
    assert all(one.layer and one.operations and one.bytes and one.dtype == "FP32" for one in products)
    assert sum(one.share for one in found.operators) == pytest.approx(1)
    blocks = {one.name for one in grouped(found.operators, "layer")}
    assert {"model.bert.encoder.layer.0", "model.bert.encoder.layer.1", DISPATCH} <= blocks
    assert {span.layer for span in found.timeline} > {""}


def test_programs_tell_the_modules_that_they_were_made_of(tmp_path: Path) -> None:
    tiny_torch.traced(tmp_path / "script", tiny_torch.Classifier(), torch.ones(2, 4))
    tiny_torch.exported(tmp_path / "program", tiny_torch.Classifier(), torch.ones(2, 4))
    for runtime in (TorchScriptRuntime(tmp_path / "script"), ExportedRuntime(tmp_path / "program")):
        given = {spec.name: np.ones((2, 4), dtype=np.float32) for spec in runtime.signature.inputs}
        calls = structure(lambda run=runtime.run, given=given: run(given))  # type: ignore[misc]
        assert [call.layer for call in calls if call.name == "aten::addmm"] == ["layers.0", "layers.2"]
        runtime.close()


def test_the_graph_that_openvino_runs_is_drawn_by_the_names_of_its_operators(tmp_path: Path) -> None:
    model = openvino.module().Core().read_model(tiny.dense(tmp_path / "onnx") / "model.onnx")
    openvino.module().save_model(model, tmp_path / "model.xml")
    found = profile_operators(Format.openvino, tmp_path, [tiny.rows(512)], Pace(0.1), 1, Silent())
    assert found.graph is not None
    names = {node.name: node.kind for node in found.graph.nodes}
    timed = {one.name for one in found.operators if one.type != DISPATCH}
    assert timed <= names.keys()
    assert [kind for kind in names.values() if kind != "operator"] == ["input", "output"]
    assert {place for edge in found.graph.edges for place in edge[:2]} == set(range(len(found.graph.nodes)))
