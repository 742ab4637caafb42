"""Models of OpenVINO: converted from ONNX, run side by side, and refused with a reason."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_onnx

from jupyter_modeldeploy import runtimes
from jupyter_modeldeploy.errors import ConversionFailed, InvalidInput, NotFound, Unavailable
from jupyter_modeldeploy.optimize.converting.from_onnx import onnx_to_openvino
from jupyter_modeldeploy.optimize.quantizing.bfloat16 import bfloat16
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime
from jupyter_modeldeploy.runtimes.openvino import OpenVinoRuntime

IDS = np.array([[2, 4, 6, 3], [2, 5, 6, 3]])
TEXTS = {"input_ids": IDS, "attention_mask": np.ones_like(IDS), "token_type_ids": np.zeros_like(IDS)}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A text classifier as ONNX, and converted."""
    folder = tmp_path_factory.mktemp("openvino")
    onnx_to_openvino(tiny_onnx.classifier(folder / "onnx"), folder / "openvino", Silent())
    return folder / "onnx", folder / "openvino"


def test_it_answers_as_the_model_that_it_was_made_of(classifier: tuple[Path, Path]) -> None:
    before, after = OnnxRuntime(classifier[0]), runtimes.load(Format.openvino, classifier[1])

    assert after.signature == before.signature
    for name, values in before.run(TEXTS).items():
        np.testing.assert_allclose(after.run(TEXTS)[name], values, atol=1e-5)
    assert {path.name for path in classifier[1].iterdir()} >= {"model.xml", "model.bin", "tokenizer.json"}


def test_runs_side_by_side_do_not_mix(tmp_path: Path) -> None:
    onnx_to_openvino(tiny_onnx.add_one(tmp_path / "onnx"), tmp_path / "openvino", Silent())
    runtime = OpenVinoRuntime(tmp_path / "openvino", threads=1)

    def call(number: int) -> bool:
        rows = np.full((1 + number % 3, 4), number, np.float32)
        return bool((runtime.run({"x": rows})["y"] == rows + 1).all())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(call, range(200)))
    first = runtime.run({"x": np.zeros((1, 4), np.float32)})["y"]
    runtime.run({"x": np.ones((1, 4), np.float32)})
    assert (first == 1).all()  # an answer is its caller's own


def test_bf16_is_half_as_large_and_answers_nearly_alike(classifier: tuple[Path, Path], tmp_path: Path) -> None:
    weights = np.random.default_rng(0).standard_normal((64, 512), np.float32)
    product = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    shapes = [tiny_onnx.value(name, onnx.TensorProto.FLOAT, [None, size]) for name, size in (("x", 64), ("y", 512))]
    tiny_onnx.save(tmp_path / "onnx", [product], shapes[:1], shapes[1:], {"w": weights})
    onnx_to_openvino(tmp_path / "onnx", tmp_path / "openvino", Silent())

    made = bfloat16(tmp_path / "openvino", tmp_path / "bf16", Silent())

    assert made.ratio > 1.8
    rows = np.random.default_rng(1).standard_normal((8, 64), np.float32)
    exact, rounded = (OpenVinoRuntime(tmp_path / name).run({"x": rows})["y"] for name in ("openvino", "bf16"))
    assert np.abs(exact - rounded).max() < 0.02 * np.abs(exact).max()
    with pytest.raises(InvalidInput, match="already"):
        bfloat16(tmp_path / "bf16", tmp_path / "again", Silent())
    with pytest.raises(NotFound):
        bfloat16(classifier[0], tmp_path / "none", Silent())


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({**TEXTS, "input_ids": IDS + 10**6}, "beyond the vocabulary"),
        ({**TEXTS, "input_ids": IDS - 100}, "beyond the vocabulary"),
        ({**TEXTS, "input_ids": IDS[:, :3]}, "cannot take these values"),
        ({**TEXTS, "input_ids": IDS.astype(np.float32)}, "input_ids"),
        ({"input_ids": IDS}, "attention_mask"),
    ],
)
def test_wrong_values_are_refused(classifier: tuple[Path, Path], tmp_path: Path, inputs: dict, words: str) -> None:
    folder = shutil.copytree(classifier[1], tmp_path / "model")
    config = json.loads((folder / "config.json").read_text()) if (folder / "config.json").exists() else {}
    (folder / "config.json").write_text(json.dumps({**config, "vocab_size": len(tiny_onnx.WORDS)}))

    with pytest.raises(InvalidInput, match=words):
        OpenVinoRuntime(folder).run(inputs)


def test_damaged_files_and_other_devices_are_refused(classifier: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="processors"):
        OpenVinoRuntime(classifier[1], device="cuda")
    folder = shutil.copytree(classifier[1], tmp_path / "model")
    (folder / "model.bin").write_bytes(b"")
    with pytest.raises(InvalidInput, match=r"cannot load model\.xml"):
        OpenVinoRuntime(folder)
    (folder / "model.xml").write_text('<?xml version="1.0"?><net name="cut off"')
    with pytest.raises(InvalidInput, match=r"cannot load model\.xml"):
        OpenVinoRuntime(folder)
    (folder / "model.xml").write_text("node { op: 'Placeholder' }")  # what another of its readers takes
    with pytest.raises(InvalidInput, match="no model of OpenVINO"):
        OpenVinoRuntime(folder)
    (folder / "openvino.json").write_text('{"precision": "f8"}')
    with pytest.raises(InvalidInput, match="f8"):
        OpenVinoRuntime(folder)


def test_operators_that_it_does_not_have_are_told(tmp_path: Path) -> None:
    node = onnx.helper.make_node("CDist", ["x", "x"], ["y"], domain="com.microsoft", metric="euclidean")
    values = [tiny_onnx.value(name, onnx.TensorProto.FLOAT, [None, 4]) for name in ("x", "y")]
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("com.microsoft", 1)]
    graph = onnx.helper.make_graph([node], "tiny", values[:1], values[1:])
    (tmp_path / "onnx").mkdir()
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "onnx" / "model.onnx")

    with pytest.raises(ConversionFailed, match="CDist"):
        onnx_to_openvino(tmp_path / "onnx", tmp_path / "openvino", Silent())
    assert not (tmp_path / "openvino").exists()


def test_the_import_tells_nobody(tmp_path: Path) -> None:
    """OpenVINO's own import tells Intel of it and leaves an identifier in the home folder."""
    program = "from jupyter_modeldeploy.runtimes import openvino; openvino.module().convert_model"
    subprocess.run([sys.executable, "-c", program], env={**os.environ, "HOME": str(tmp_path), "CI": ""}, check=True)
    assert not [path for path in tmp_path.rglob("*") if "intel" in str(path.relative_to(tmp_path)).lower()]
