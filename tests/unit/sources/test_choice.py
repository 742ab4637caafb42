"""One kind of weights is chosen before the first byte."""

from __future__ import annotations

import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.sources.choice import choose, flattened
from jupyter_modeldeploy.sources.layout import model_folder

SENTENCE_TRANSFORMER = [
    *(".gitattributes", "1_Pooling/config.json", "README.md", "config.json", "model.safetensors", "modules.json"),
    *("onnx/model.onnx", "onnx/model_O1.onnx", "openvino/openvino_model.bin", "openvino/openvino_model.xml"),
    *("pytorch_model.bin", "rust_model.ot", "tf_model.h5", "tokenizer.json", "train_script.py", "vocab.txt"),
]
KEPT = ["1_Pooling/config.json", "README.md", "config.json", "model.safetensors", "modules.json", "tokenizer.json"]


def test_safetensors_are_preferred_and_other_frameworks_left_out() -> None:
    assert sorted(choose(SENTENCE_TRANSFORMER, "hf:a/b")) == sorted([*KEPT, "vocab.txt"])


def test_without_safetensors_the_onnx_folder_is_chosen_over_nothing() -> None:
    chosen = choose(["config.json", "onnx/model.onnx", "onnx/model.onnx_data", "onnx/model_int8.onnx"], "hf:a/b")
    assert chosen == ["config.json", "onnx/model.onnx", "onnx/model.onnx_data"]
    assert [flattened(name, chosen) for name in chosen] == ["config.json", "model.onnx", "model.onnx_data"]


def test_pickles_are_the_last_choice_and_training_state_is_none() -> None:
    names = ["config.json", "optimizer.bin", "pytorch_model.bin", "training_args.bin"]
    assert choose(names, "hf:a/b") == ["config.json", "pytorch_model.bin"]


def test_all_shards_are_taken_but_no_second_precision() -> None:
    shards = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    names = ["config.json", *shards, "model.safetensors.index.json", "consolidated.safetensors"]
    assert choose(names, "hf:a/b") == ["config.json", *shards, "model.safetensors.index.json"]


def test_no_weights_is_said() -> None:
    with pytest.raises(InvalidInput, match="no weights"):
        choose(["config.json", "tf_model.h5"], "hf:a/b")


def test_a_packages_model_is_found_by_its_files() -> None:
    names = [
        "pkg/__init__.py",
        "pkg/model/config.json",
        "pkg/model/model.safetensors",
        "pkg/model/1_Pooling/config.json",
    ]
    assert model_folder(names, "pypi:pkg") == "pkg/model"


def test_several_models_in_a_package_are_listed() -> None:
    names = [f"pkg/{name}/{file}" for name in ("a", "b") for file in ("config.json", "model.safetensors")]
    with pytest.raises(InvalidInput, match="pkg/a, pkg/b"):
        model_folder(names, "pypi:pkg")
