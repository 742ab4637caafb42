"""Texts become the model's tensors, and its tensors become labels or embeddings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_onnx

from jupyter_modeldeploy import tasks
from jupyter_modeldeploy.errors import InvalidInput, NotFound, TooLarge
from jupyter_modeldeploy.records import Signature
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime
from jupyter_modeldeploy.tasks.feature_extraction import FeatureExtraction
from jupyter_modeldeploy.tasks.model_config import max_tokens
from jupyter_modeldeploy.tasks.probabilities import probabilities
from jupyter_modeldeploy.tasks.text import MAX_CHARACTERS, MAX_TEXTS
from jupyter_modeldeploy.tasks.text_classification import TextClassification


def made(folder: Path, name: str = "text-classification") -> tuple[OnnxRuntime, Any]:
    runtime = OnnxRuntime(folder)
    return runtime, tasks.load(name, folder, runtime.signature)


@pytest.fixture
def classifier(tmp_path: Path) -> tuple[OnnxRuntime, TextClassification]:
    return made(tiny_onnx.classifier(tmp_path / "classifier"))


@pytest.mark.parametrize("body", [{"text": "good film"}, {"texts": ["good film"]}, "good film", ["good film"]])
def test_texts_come_in_four_forms(classifier: tuple[OnnxRuntime, TextClassification], body: Any) -> None:
    assert classifier[1].parse(body) == ["good film"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        7,
        {},
        [],
        {"texts": []},
        {"texts": "one"},
        {"text": ["one"]},
        {"text": 7},
        {"text": "a", "texts": ["b"]},
        {"text": "a", "other": 1},
        ["a", None],
        [["a"]],
        ["a"] * (MAX_TEXTS + 1),
    ],
)
def test_what_is_no_text_is_refused(classifier: tuple[OnnxRuntime, TextClassification], body: Any) -> None:
    with pytest.raises(InvalidInput):
        classifier[1].parse(body)


def test_a_text_beyond_the_limit_is_too_large(classifier: tuple[OnnxRuntime, TextClassification]) -> None:
    task = classifier[1]
    with pytest.raises(TooLarge, match=f"max_text_characters is {MAX_CHARACTERS}"):
        task.parse(["a", "a" * (MAX_CHARACTERS + 1)])
    task.max_text_characters = 2
    with pytest.raises(TooLarge, match="3 characters; the limit max_text_characters is 2"):
        task.parse("abc")
    task.max_text_characters = MAX_CHARACTERS


def test_an_answer_has_the_likeliest_label_and_all_probabilities(
    classifier: tuple[OnnxRuntime, TextClassification],
) -> None:
    runtime, task = classifier
    answers = task.decode(runtime.run(task.encode(["the good film", "bad bad film"])))
    assert [answer["label"] for answer in answers] == ["positive", "negative"]
    assert answers[0]["score"] == pytest.approx(1 / (1 + np.exp(-2)))
    assert answers[0]["scores"]["negative"] == pytest.approx(1 - answers[0]["score"])


def test_padding_to_the_longest_changes_no_answer(classifier: tuple[OnnxRuntime, TextClassification]) -> None:
    runtime, task = classifier
    alone = task.decode(runtime.run(task.encode(["good"])))[0]
    padded = task.decode(runtime.run(task.encode(["good", "the film the film the film"])))[0]
    assert padded["scores"] == pytest.approx(alone["scores"])


def test_texts_are_cut_to_what_the_model_takes(classifier: tuple[OnnxRuntime, TextClassification]) -> None:
    assert classifier[1].encode(["film " * 500])["input_ids"].shape == (1, 16)


def test_only_the_inputs_of_the_signature_are_made(tmp_path: Path) -> None:
    _, task = made(tiny_onnx.classifier(tmp_path / "plain", token_types=False))
    assert set(task.encode(["good"])) == {"input_ids", "attention_mask"}


def test_the_model_limit_is_the_least_of_tokenizer_and_positions(tmp_path: Path) -> None:
    assert max_tokens(tmp_path) == 512
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 1e30}))
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 128}))
    assert max_tokens(tmp_path) == 128
    (tmp_path / "config.json").write_text(
        json.dumps({"max_position_embeddings": 514, "model_type": "roberta", "pad_token_id": 1})
    )
    assert max_tokens(tmp_path) == 512


def test_a_fixed_length_is_padded_and_cut_to(tmp_path: Path) -> None:
    folder = tiny_onnx.classifier(tmp_path / "classifier")
    signature = OnnxRuntime(folder).signature
    fixed = [replace(spec, shape=[-1, 8]) for spec in signature.inputs]
    task = TextClassification(folder, Signature(inputs=fixed, outputs=signature.outputs))
    assert task.encode(["good"])["input_ids"].shape == (1, 8)
    assert task.encode(["good " * 50])["input_ids"].shape == (1, 8)


def test_a_missing_and_a_broken_tokenizer_are_told(tmp_path: Path) -> None:
    folder = tiny_onnx.classifier(tmp_path / "classifier")
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(InvalidInput, match="cannot be read"):
        made(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(NotFound, match=r"no tokenizer\.json"):
        made(folder)


def test_labels_that_do_not_fit_the_logits_are_told(classifier: tuple[OnnxRuntime, TextClassification]) -> None:
    with pytest.raises(InvalidInput, match="2 labels"):
        classifier[1].decode({"logits": np.zeros((1, 3), np.float32)})


def test_probabilities_sum_to_one_even_for_large_logits() -> None:
    rows = probabilities(np.array([[1000.0, -1000.0, 999.0]], np.float32))
    assert rows.sum() == pytest.approx(1.0)
    assert np.isfinite(rows).all()


def test_an_embedding_is_the_mean_of_its_own_tokens_at_unit_length(tmp_path: Path) -> None:
    folder = tiny_onnx.encoder(tmp_path / "encoder")
    runtime, task = made(folder, "feature-extraction")
    inputs = task.encode(["good", "the film bad the film bad"])
    first, second = task.decode({**inputs, **runtime.run(inputs)})
    words = np.load(folder / "table.npy")[[2, tiny_onnx.WORDS.index("good"), 3]].mean(axis=0)
    assert first["embedding"] == pytest.approx((words / np.linalg.norm(words)).tolist(), rel=1e-5)
    assert np.linalg.norm(second["embedding"]) == pytest.approx(1.0)


def test_embeddings_need_the_mask_when_the_model_gives_tokens(tmp_path: Path) -> None:
    runtime, task = made(tiny_onnx.encoder(tmp_path / "encoder"), "feature-extraction")
    assert isinstance(task, FeatureExtraction)
    with pytest.raises(InvalidInput, match="mask"):
        task.decode(runtime.run(task.encode(["good"])))
