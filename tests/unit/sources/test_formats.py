"""Each kind of model is told by its files, with what can be done with it, and nothing of it is run."""

from __future__ import annotations

import json
import pickle
import struct
import zlib
from pathlib import Path

import model_files
import pytest
import tiny_bert
import torch
from safetensors.torch import save_file
from transformers import (
    AutoModel,
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    DistilBertModel,
    RobertaConfig,
    RobertaModel,
)

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Embedding, Format, Signature, TensorSpec
from jupyter_modeldeploy.runtimes.transformers import load_encoder
from jupyter_modeldeploy.sources.recognise import recognise

SMALL = {"vocab_size": 20, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
CHECKPOINTS = {
    "bert": lambda: AutoModel.from_config(BertConfig(hidden_size=8, **SMALL)),
    "bert-classifier": lambda: BertForSequenceClassification(BertConfig(hidden_size=8, num_labels=3, **SMALL)),
    "roberta": lambda: RobertaModel(RobertaConfig(hidden_size=8, type_vocab_size=1, **SMALL)),
    "distilbert": lambda: DistilBertModel(DistilBertConfig(vocab_size=20, dim=8, n_layers=1, n_heads=2, hidden_dim=8)),
    "distilbert-classifier": lambda: DistilBertForSequenceClassification(
        DistilBertConfig(vocab_size=20, dim=8, n_layers=1, n_heads=2, hidden_dim=8)
    ),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_checkpoints_configuration_tells_the_signature_that_it_has_when_it_is_loaded(
    name: str, tmp_path: Path
) -> None:
    CHECKPOINTS[name]().save_pretrained(tmp_path)
    assert recognise(tmp_path).signature == load_encoder(tmp_path).signature


def as_sentence_transformers(folder: Path, pooling: dict[str, object], *more: str) -> Path:
    tiny_bert.make_encoder(folder)
    types = ["Transformer", "Pooling", *more]
    modules = [
        {
            "idx": i,
            "name": str(i),
            "path": "" if i == 0 else f"{i}_{kind}",
            "type": f"sentence_transformers.models.{kind}",
        }
        for i, kind in enumerate(types)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **pooling}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 128}))
    return folder


def test_a_sentence_transformer_tells_how_it_makes_one_vector(tmp_path: Path) -> None:
    found = recognise(as_sentence_transformers(tmp_path, {"pooling_mode_mean_tokens": True}, "Normalize"))
    assert (found.format, found.task, found.framework) == (
        Format.transformers,
        "feature-extraction",
        "sentence-transformers",
    )
    assert found.embedding == Embedding(pooling="mean", normalized=True, dimensions=32, max_tokens=128)
    assert found.note == ""


def test_a_pooling_that_is_not_served_is_said(tmp_path: Path) -> None:
    found = recognise(as_sentence_transformers(tmp_path, {"pooling_mode_cls_token": True}))
    assert found.embedding == Embedding(pooling="cls", normalized=False, dimensions=32, max_tokens=128)
    assert "pools by cls" in found.note


def test_layers_behind_the_pooling_are_said(tmp_path: Path) -> None:
    found = recognise(as_sentence_transformers(tmp_path, {"pooling_mode_mean_tokens": True}, "Dense"))
    assert "without its layers Dense" in found.note


@pytest.mark.parametrize(
    ("kind", "task"),
    [
        ("DetectionModel", "object-detection"),
        ("SegmentationModel", "image-segmentation"),
        ("ClassificationModel", "image-classification"),
        ("PoseModel", "keypoint-detection"),
    ],
)
def test_a_yolo_checkpoint_tells_its_task_and_classes(kind: str, task: str, tmp_path: Path) -> None:
    found = recognise(model_files.yolo(tmp_path / "yolo11n.pt", kind).parent)
    assert (found.format, found.task, found.classes) == (Format.ultralytics, task, ["person", "bicycle"])
    assert (found.framework, found.architecture) == ("ultralytics", "yolo11n")
    assert ("[vision]" if task == "object-detection" else "yolo export model=yolo11n.pt format=onnx") in found.note


def test_a_description_of_a_yolo_network_is_a_detector_that_has_learnt_nothing(tmp_path: Path) -> None:
    (tmp_path / "yolo11s.yaml").write_text("nc: 80\nbackbone:\n  - [-1, 1, Conv, [64, 3, 2]]\nhead: []\n")
    found = recognise(tmp_path)
    assert (found.format, found.task, found.architecture) == (Format.ultralytics, "object-detection", "yolo11s")
    assert "has learnt nothing" in found.note


def test_a_fine_tuned_detector_tells_its_classes(tmp_path: Path) -> None:
    (tmp_path / "network.yaml").write_text("scale: n\nbackbone: []\nhead: []\n")
    (tmp_path / "config.json").write_text('{"id2label": {"0": "cat", "1": "dog"}, "image_size": 640}')
    save_file({"weight": torch.zeros(3)}, tmp_path / "model.safetensors")
    found = recognise(tmp_path)
    assert (found.format, found.task, found.classes) == (Format.ultralytics, "object-detection", ["cat", "dog"])


def test_an_image_classifiers_configuration_alone_is_a_start_from_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "resnet", "architectures": ["ResNetForImageClassification"]}')
    found = recognise(tmp_path)
    assert (found.format, found.task) == (Format.transformers, "image-classification")
    assert "has learnt nothing" in found.note


def test_an_image_classifiers_tensors_are_told(tmp_path: Path) -> None:
    config = {"model_type": "vit", "architectures": ["ViTForImageClassification"], "image_size": 32}
    (tmp_path / "config.json").write_text(json.dumps(config | {"id2label": {"0": "a", "1": "b", "2": "c"}}))
    save_file({"weight": torch.zeros(3)}, tmp_path / "model.safetensors")
    signature = recognise(tmp_path).signature
    assert signature is not None
    assert [spec.shape for spec in (*signature.inputs, *signature.outputs)] == [[-1, 3, 32, 32], [-1, 3]]


def test_weights_of_torch_alone_say_what_they_lack(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "weights.pt")
    found = recognise(tmp_path)
    assert found.format is Format.torch
    assert "without the program" in found.note


def test_a_gguf_file_tells_its_architecture(tmp_path: Path) -> None:
    model_files.gguf(tmp_path / "m.gguf", {"general.architecture": "llama"}, {"w": ("F16", [4, 4])})
    found = recognise(tmp_path)
    assert (found.format, found.task, found.architecture) == (Format.gguf, "text-generation", "llama")
    assert "llama.cpp" in found.note


def test_a_gguf_file_is_known_by_its_content(tmp_path: Path) -> None:
    model_files.gguf(tmp_path / "model.bin", {"general.architecture": "bert"}, {"w": ("F16", [4, 4])})
    found = recognise(tmp_path)
    assert (found.format, found.task) == (Format.gguf, "feature-extraction")


def header(tensors: int = 0, keys: int = 0, rest: bytes = b"", version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys) + rest


KEY = struct.pack("<Q", 1) + b"k"


@pytest.mark.parametrize(
    "content",
    [
        header(tensors=1 << 60),
        header(keys=1 << 60),
        header(version=99),
        header(keys=1, rest=struct.pack("<Q", 1 << 60)),
        header(keys=1, rest=KEY + struct.pack("<IQ", 8, 1 << 40)),
        header(keys=1, rest=KEY + struct.pack("<IIQ", 9, 0, 1 << 50)),
        header(keys=1, rest=KEY + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 1000),
        header(keys=1, rest=KEY + struct.pack("<I", 77)),
        header(tensors=1, rest=KEY + struct.pack("<I", 1 << 30)),
        header()[:-4],
    ],
    ids=["tensors", "keys", "version", "name", "text", "list", "nested lists", "type", "dimensions", "cut off"],
)
def test_a_gguf_header_that_claims_too_much_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"m\.gguf"):
        recognise(tmp_path)


SERVED = Signature([TensorSpec("x", "FP32", [-1, 4])], [TensorSpec("scores", "FP32", [-1, 3])])


def test_a_saved_model_tells_its_signature(tmp_path: Path) -> None:
    found = recognise(model_files.saved_model(tmp_path))
    assert (found.format, found.signature) == (Format.savedmodel, SERVED)
    assert "tf2onnx" in found.note


@pytest.mark.parametrize("content", [b"", b"\xff" * 32, b"\x12\xff\xff\xff\x7f"])
def test_a_damaged_saved_model_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(InvalidInput):
        recognise(tmp_path)


@pytest.mark.parametrize(
    ("name", "architecture"), [("model.keras", "Functional"), ("model.h5", "Sequential"), ("weights.h5", None)]
)
def test_keras_models_are_told_from_their_weights(name: str, architecture: str | None, tmp_path: Path) -> None:
    write = model_files.keras_archive if name.endswith(".keras") else model_files.keras_hdf5
    write(tmp_path / name, *([True] if name.startswith("weights") else []))
    found = recognise(tmp_path)
    assert (found.format, found.architecture) == (Format.keras, architecture)
    assert ("Weights of Keras" in found.note) is (architecture is None)


def test_a_paddle_model_tells_its_signature(tmp_path: Path) -> None:
    found = recognise(model_files.paddle(tmp_path, {"w": [4, 3]}))
    assert found.format is Format.paddle
    assert found.signature == Signature([TensorSpec("x", "FP32", [-1, 4])], [TensorSpec("y", "FP32", [-1, 3])])
    assert "--params_filename inference.pdiparams" in found.note


def test_a_paddle_program_in_json_is_known(tmp_path: Path) -> None:
    (tmp_path / "inference.json").write_text('{"base_code": {"magic": "pir", "version": 1}, "program": {}}')
    assert recognise(tmp_path).format is Format.paddle


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib"])
def test_an_estimator_of_scikit_learn_is_known_by_its_class(name: str, tmp_path: Path) -> None:
    model_files.scikit_learn(tmp_path / name)
    if name.endswith(".joblib"):
        (tmp_path / name).write_bytes(zlib.compress((tmp_path / name).read_bytes()))
    found = recognise(tmp_path)
    assert (found.format, found.architecture) == (Format.sklearn, "LogisticRegression")
    assert "skl2onnx" in found.note


def test_a_pickle_of_anything_else_is_no_estimator(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"a": 1}))
    assert recognise(tmp_path).format is Format.torch


def test_an_adapter_names_its_base(tmp_path: Path) -> None:
    config = {"peft_type": "LORA", "task_type": "SEQ_CLS", "base_model_name_or_path": "org/base"}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    save_file({"a": torch.zeros(4, 2)}, tmp_path / "adapter_model.safetensors")
    found = recognise(tmp_path)
    assert (found.format, found.task, found.architecture) == (Format.adapter, "text-classification", "LORA")
    assert "of org/base" in found.note


def test_a_pipeline_of_diffusers_is_known(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    found = recognise(tmp_path)
    assert (found.format, found.task) == (Format.diffusers, "text-to-image")


def test_a_pickle_that_unfolds_without_end_is_read_in_no_time(tmp_path: Path) -> None:
    doubled = b"".join(b"q%cX\x01\x00\x00\x00ah%ch%c\x86" % (i, i, i) for i in range(60))
    (tmp_path / "m.pkl").write_bytes(b"\x80\x02)" + doubled + b".")
    assert recognise(tmp_path).format is Format.torch
