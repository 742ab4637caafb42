from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny_bert import make_classifier, make_encoder

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import TensorSpec
from jupyter_modeldeploy.runtimes.transformers import TransformersRuntime

IDS = np.array([[2, 7, 9, 3], [2, 8, 3, 0]])
INPUTS = {"input_ids": IDS, "attention_mask": (IDS > 0).astype(np.int64), "token_type_ids": np.zeros_like(IDS)}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> TransformersRuntime:
    return TransformersRuntime(make_classifier(tmp_path_factory.mktemp("models") / "classifier"))


def test_a_classifier_takes_tokens_and_gives_logits(classifier: TransformersRuntime) -> None:
    assert classifier.signature.inputs == [TensorSpec(name=name, dtype="INT64", shape=[-1, -1]) for name in INPUTS]
    assert classifier.signature.outputs == [TensorSpec(name="logits", dtype="FP32", shape=[-1, 2])]

    logits = classifier.run(INPUTS)["logits"]

    assert logits.shape == (2, 2)
    assert logits.dtype == np.float32


def test_an_encoder_gives_its_last_hidden_state(tmp_path: Path) -> None:
    runtime = TransformersRuntime(make_encoder(tmp_path / "encoder"))

    assert runtime.run(INPUTS)["last_hidden_state"].shape == (2, 4, 32)


def test_the_same_input_gives_the_same_answer(classifier: TransformersRuntime) -> None:
    assert np.array_equal(classifier.run(INPUTS)["logits"], classifier.run(INPUTS)["logits"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_ids": IDS.astype(np.int32)}, "INT32"),
        ({"input_ids": IDS[0]}, "shape"),
        ({"attention_mask": IDS[:, :2]}, "shape"),
        ({"input_ids": IDS + 1000}, "1009"),
        ({"input_ids": IDS - 5}, "-5"),
        ({"token_type_ids": IDS}, "token_type_ids holds 9"),
        ({"labels": IDS}, "labels"),
        ({name: np.ones((1, 161), np.int64) for name in INPUTS}, "161 tokens"),
        ({name: np.ones((0, 4), np.int64) for name in INPUTS}, "shape"),
    ],
)
def test_wrong_inputs_are_refused(classifier: TransformersRuntime, change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        classifier.run({**INPUTS, **change})


def test_a_missing_input_is_named(classifier: TransformersRuntime) -> None:
    with pytest.raises(InvalidInput, match="attention_mask"):
        classifier.run({"input_ids": IDS, "token_type_ids": np.zeros_like(IDS)})


def test_pickled_weights_are_not_opened(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "encoder")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()

    with pytest.raises(InvalidInput, match="safetensors"):
        TransformersRuntime(folder)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "encoder")
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:500])

    with pytest.raises(InvalidInput, match="not a checkpoint"):
        TransformersRuntime(folder)


def test_code_in_the_folder_is_never_run(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "encoder")
    config = json.loads((folder / "config.json").read_text())
    code = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "unheard-of", "auto_map": code}))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")

    with pytest.raises(InvalidInput):
        TransformersRuntime(folder)

    assert not (tmp_path / "ran").exists()
