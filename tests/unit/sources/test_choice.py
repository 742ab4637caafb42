"""One kind of weights is chosen before the first byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.sources import Selection
from jupyter_modeldeploy.sources.choosing.choice import choose, placed, reason
from jupyter_modeldeploy.sources.choosing.layout import model_folder

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
    assert placed(chosen) == ["config.json", "model.onnx", "model.onnx_data"]


def test_pickles_are_the_last_choice_and_training_state_is_none() -> None:
    names = ["config.json", "optimizer.bin", "pytorch_model.bin", "training_args.bin"]
    assert choose(names, "hf:a/b") == ["config.json", "pytorch_model.bin"]


def test_all_shards_are_taken_but_no_second_precision() -> None:
    shards = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    names = ["config.json", *shards, "model.safetensors.index.json", "consolidated.safetensors"]
    assert choose(names, "hf:a/b") == ["config.json", *shards, "model.safetensors.index.json"]


def test_no_weights_is_said_with_what_there_is() -> None:
    with pytest.raises(InvalidInput, match="no weights") as refused:
        choose(["config.json", "training_args.bin"], "hf:a/b")
    assert refused.value.hint == "It holds config.json, training_args.bin."


@pytest.mark.parametrize(
    ("framework", "weights"),
    [
        ("safetensors", ["model.safetensors"]),
        ("onnx", ["onnx/model.onnx"]),
        ("pytorch", ["pytorch_model.bin"]),
        ("tensorflow", ["tf_model.h5"]),
        ("openvino", ["openvino/openvino_model.bin", "openvino/openvino_model.xml"]),
    ],
)
def test_a_framework_can_be_asked_for(framework: Any, weights: list[str]) -> None:
    chosen = choose(SENTENCE_TRANSFORMER, "hf:a/b", Selection(framework=framework))
    assert [name for name in chosen if Path(name).suffix not in (".json", ".md", ".txt")] == weights
    assert "config.json" in chosen


def test_a_framework_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidInput, match="with gguf") as refused:
        choose(SENTENCE_TRANSFORMER, "hf:a/b", Selection(framework="gguf"))
    assert "safetensors, onnx, onnx O1, openvino, pytorch, tensorflow" in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["config.json", "tf_model.h5"], ["config.json", "tf_model.h5"]),
        (["best.pt", "results.csv", "args.yaml"], ["best.pt", "args.yaml"]),
        (["model.skops", "config.json"], ["model.skops", "config.json"]),
        (
            ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001", "x.png"],
            ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"],
        ),
        (["consolidated.00.pth", "consolidated.01.pth", "params.json"], None),
    ],
)
def test_what_has_only_other_weights_comes_with_those(names: list[str], chosen: list[str] | None) -> None:
    assert choose(names, "hf:a/b") == (chosen or names)


def test_a_variant_is_taken_and_named_as_libraries_look_for_it() -> None:
    names = ["config.json", "model.fp16.safetensors", "model.safetensors", "model.bf16.safetensors"]
    assert choose(names, "hf:a/b") == ["config.json", "model.safetensors"]
    chosen = choose(names, "hf:a/b", Selection(variant="fp16"))
    assert (chosen, placed(chosen)) == (["config.json", "model.fp16.safetensors"], ["config.json", "model.safetensors"])


@pytest.mark.parametrize("shard", ["model.fp16-0000{}-of-00002.safetensors", "model-0000{}-of-00002.fp16.safetensors"])
def test_a_variant_in_shards_comes_with_its_own_index(shard: str) -> None:
    shards = [shard.format(number) for number in (1, 2)]
    plain = ["model-00001-of-00001.safetensors", "model.safetensors.index.json"]
    index = "model.safetensors.index.fp16.json"
    chosen = choose([*shards, *plain, index], "hf:a/b", Selection(variant="fp16"))
    assert chosen == [*shards, index]
    assert placed(chosen) == [*shards, "model.safetensors.index.json"]


def test_a_variant_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidInput, match="no variant 'int4'") as refused:
        choose(["model.fp16.safetensors", "model.safetensors"], "hf:a/b", Selection(variant="int4"))
    assert "fp16" in (refused.value.hint or "")


def test_the_only_variant_needs_no_name_and_several_do() -> None:
    assert choose(["model.fp16.safetensors"], "hf:a/b") == ["model.fp16.safetensors"]
    with pytest.raises(InvalidInput, match="2 variants: bf16, fp16"):
        choose(["model.fp16.safetensors", "model.bf16.safetensors"], "hf:a/b")


def test_one_file_is_taken_rather_than_its_shards_and_a_missing_shard_is_said() -> None:
    shards = [f"model-0000{number}-of-00003.safetensors" for number in (1, 2, 3)]
    index = "model.safetensors.index.json"
    assert choose(["model.safetensors", *shards, index], "hf:a/b") == ["model.safetensors"]
    with pytest.raises(InvalidInput, match=r"lacks 1 of the 3 shards of model\.safetensors, the first is 2"):
        choose([shards[0], shards[2], index], "hf:a/b")


def test_the_index_of_other_weights_is_left_out() -> None:
    shards = [f"{name}-00001-of-00001.{kind}" for name, kind in (("model", "safetensors"), ("pytorch_model", "bin"))]
    indexes = ["model.safetensors.index.json", "pytorch_model.bin.index.json"]
    assert choose([*shards, *indexes], "hf:a/b") == [shards[0], indexes[0]]


def test_a_pipeline_of_diffusers_comes_by_its_folders() -> None:
    parts = ["unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model", "text_encoder/model"]
    plain = [f"{part}.safetensors" for part in parts]
    half = [f"{part}.fp16.safetensors" for part in parts[:2]]
    pickled = ["unet/diffusion_pytorch_model.bin", "safety_checker/pytorch_model.bin"]
    names = ["model_index.json", "v1-5-pruned.ckpt", "v1-5-pruned.safetensors", *plain, *half, *pickled]
    assert choose(names, "hf:a/b") == ["model_index.json", *plain, pickled[1]]
    chosen = choose(names, "hf:a/b", Selection(variant="fp16"))
    assert chosen == ["model_index.json", plain[2], *half, pickled[1]]
    assert set(placed(chosen)) == {"model_index.json", *plain, pickled[1]}


def test_an_adapter_comes_with_its_configuration() -> None:
    names = ["adapter_config.json", "adapter_model.bin", "adapter_model.safetensors", "optimizer.pt"]
    assert choose(names, "hf:a/b") == ["adapter_config.json", "adapter_model.safetensors"]


def test_one_quantization_of_a_gguf_repository_is_taken() -> None:
    files = [f"llama-7b.{kind}.gguf" for kind in ("Q2_K", "Q4_K_M", "Q8_0")]
    names = ["config.json", *files, "mmproj-llama-f16.gguf", "mmproj-llama-f32.gguf"]
    assert choose(names, "hf:a/b") == ["config.json", files[1], "mmproj-llama-f16.gguf"]
    assert choose(names, "hf:a/b", Selection(variant="q2_k"))[1] == files[0]
    with pytest.raises(InvalidInput, match="2 GGUF models: llama-7b, other"):
        choose([*files, "other.Q4_K_M.gguf"], "hf:a/b")


def test_patterns_name_exactly_what_comes() -> None:
    everything = [*SENTENCE_TRANSFORMER, "checkpoint-5/model.safetensors"]
    assert choose(everything, "hf:a/b", Selection(include=["*.py", "onnx/"], exclude=["*_O1*"])) == [
        "onnx/model.onnx",
        "train_script.py",
    ]
    assert "pytorch_model.bin" in choose(everything, "hf:a/b", Selection(exclude=["*.safetensors", "onnx/*"]))
    with pytest.raises(InvalidInput, match=r"No file of hf:a/b matches '\*.gguf'") as refused:
        choose(everything, "hf:a/b", Selection(include=["*.gguf"]))
    assert "It holds weights for safetensors" in (refused.value.hint or "")


def test_without_weights_configuration_and_tokenizer_come() -> None:
    assert sorted(choose(SENTENCE_TRANSFORMER, "hf:a/b", Selection(include_weights=False))) == sorted(
        [*(name for name in KEPT if name != "model.safetensors"), "vocab.txt"]
    )


def test_a_models_own_code_comes_along_but_no_other_scripts() -> None:
    own = ["config.json", "model.safetensors", "modeling_own.py", "attention.py"]
    assert choose(own, "hf:a/b") == own
    assert "train_script.py" not in choose(SENTENCE_TRANSFORMER, "hf:a/b")


def test_what_was_chosen_is_told_with_what_else_there_is() -> None:
    chosen = choose(SENTENCE_TRANSFORMER, "hf:a/b")
    assert reason(SENTENCE_TRANSFORMER, chosen) == (
        "7 of 16 files, weights: safetensors (left out: onnx, onnx O1, openvino, pytorch, tensorflow)"
    )


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
