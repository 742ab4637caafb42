"""Files say what model they are; damaged ones are refused."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
import tiny_bert
import tiny_onnx
import tiny_torch
import torch

from jupyter_modeldeploy.errors import InvalidInput, UnsafeContent
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.sources.recognise import recognise


@pytest.fixture(scope="module")
def linear() -> torch.nn.Module:
    return torch.nn.Linear(2, 2).eval()


def test_a_classifier_tells_its_task_and_classes(tmp_path: Path) -> None:
    found = recognise(tiny_bert.make_classifier(tmp_path))
    assert (found.format, found.task, found.classes) == (Format.transformers, "text-classification", tiny_bert.CLASSES)
    assert found.primary.name == "model.safetensors"


def test_an_encoder_gives_features(tmp_path: Path) -> None:
    found = recognise(tiny_bert.make_encoder(tmp_path))
    assert (found.format, found.task, found.classes) == (Format.transformers, "feature-extraction", None)


def test_an_onnx_file_tells_its_signature(tmp_path: Path) -> None:
    found = recognise(tiny_onnx.add_one(tmp_path))
    assert (found.format, found.task) == (Format.onnx, "tensor")
    assert found.signature is not None
    assert [(spec.name, spec.dtype, spec.shape) for spec in found.signature.inputs] == [("x", "FP32", [-1, 4])]


def test_an_onnx_file_beside_a_tokenizer_has_the_task_of_its_configuration(tmp_path: Path) -> None:
    tiny_bert.make_classifier(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    tiny_onnx.add_one(tmp_path)
    found = recognise(tmp_path)
    assert (found.format, found.task, found.classes) == (Format.onnx, "text-classification", tiny_bert.CLASSES)


@pytest.mark.parametrize("format", [Format.onnx, Format.exported])
def test_a_model_of_images_needs_no_tokenizer_to_have_its_task(tmp_path: Path, format: Format) -> None:
    config = {"architectures": ["ResNetForImageClassification"], "id2label": {"1": "dog", "0": "cat"}}
    if format is Format.onnx:
        tiny_onnx.add_one(tmp_path)
    else:
        tiny_torch.exported(tmp_path, tiny_torch.Pictures(), torch.zeros(2, 3, 4, 4))
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = recognise(tmp_path)
    assert (found.format, found.task, found.classes) == (format, "image-classification", ["cat", "dog"])


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # TorchScript is no longer made, but still found
def test_pytorch_archives_are_told_apart(tmp_path: Path, linear: torch.nn.Module) -> None:
    for name in ("script", "exported", "state", "legacy"):
        (tmp_path / name).mkdir()
    torch.jit.save(torch.jit.trace(linear, torch.zeros(1, 2)), tmp_path / "script" / "m.pt")
    torch.export.save(torch.export.export(linear, (torch.zeros(1, 2),)), tmp_path / "exported" / "m.pt2")
    torch.save(linear.state_dict(), tmp_path / "state" / "m.bin")
    torch.save(linear.state_dict(), tmp_path / "legacy" / "m.bin", _use_new_zipfile_serialization=False)
    found = [recognise(tmp_path / name).format for name in ("script", "exported", "state", "legacy")]
    assert found == [Format.torchscript, Format.exported, Format.torch, Format.torch]


def test_what_is_no_model_is_unknown_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    found = recognise(tmp_path)
    assert found.format is Format.unknown
    assert "notes.txt" in found.note


def with_external_data(folder: Path, location: str, length: int = 16) -> Path:
    tiny_onnx.add_one(folder)
    model = onnx.load(folder / "model.onnx")
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(length))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "link", ""])
def test_onnx_weights_outside_the_folder_are_refused(location: str, tmp_path: Path) -> None:
    folder = with_external_data(tmp_path / "model", location)
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(UnsafeContent, match="outside its folder"):
        recognise(folder)


def test_onnx_weights_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"weights\.data"):
        recognise(with_external_data(tmp_path, "weights.data"))


def test_onnx_weights_that_are_cut_off_are_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.data").write_bytes(b"1234")
    with pytest.raises(InvalidInput, match="4 bytes"):
        recognise(with_external_data(tmp_path, "weights.data", 16))


def test_a_file_that_is_no_onnx_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"hello, I am not a protobuf")
    with pytest.raises(InvalidInput, match=r"model\.onnx"):
        recognise(tmp_path)


def test_an_index_that_names_a_missing_shard_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-1.safetensors"}}')
    with pytest.raises(InvalidInput, match=r"model-1.safetensors, which is missing"):
        recognise(tmp_path)
