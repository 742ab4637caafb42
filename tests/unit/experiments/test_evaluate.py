"""Evaluation with a real ONNX model and tokenizer, made here: a text is positive when it has "good" more than "bad"."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from jupyter_modeldeploy import runtimes, tasks
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.evaluate import Evaluation, evaluate, paired_difference
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Format

CLASSES = ["negative", "positive"]
VOCABULARY = {"[PAD]": 0, "[UNK]": 1, "good": 2, "bad": 3}
TOKEN_LOGITS = np.array([[0, 0], [0, 0.1], [0, 1], [1, 0]], dtype=np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sentiment")
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["tokens"]),
            helper.make_node("ReduceSum", ["tokens", "axis"], ["logits"], keepdims=0),
        ],
        "count",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["texts", "tokens"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["texts", 2])],
        [numpy_helper.from_array(TOKEN_LOGITS, "table"), numpy_helper.from_array(np.array([1]), "axis")],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), folder / "model.onnx"
    )
    tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"id2label": dict(enumerate(CLASSES))}))
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Iterator[tuple[runtimes.Runtime, tasks.Task]]:
    runtime = runtimes.load(Format.onnx, folder)
    yield runtime, tasks.load("text-classification", folder, runtime.signature)
    runtime.close()


def judge(
    model: tuple[runtimes.Runtime, tasks.Task], texts: list[str], labels: list[int], **options: int
) -> Evaluation:
    return evaluate(*model, texts, labels, CLASSES, Silent(), **options)


def test_answers_are_judged_in_the_order_of_the_texts(model: tuple[runtimes.Runtime, tasks.Task]) -> None:
    texts = ["a good and rather long text", "bad", "good", "bad bad good", "so good it is"]
    evaluation = judge(model, texts, [1, 0, 0, 1, 1], batch_size=2)
    assert evaluation.correct == [True, True, False, False, True]
    assert evaluation.accuracy.value == pytest.approx(0.6)
    assert evaluation.accuracy.low < 0.6 < evaluation.accuracy.high


def test_the_confusion_and_the_scores_of_each_class_count_the_same_answers(
    model: tuple[runtimes.Runtime, tasks.Task],
) -> None:
    evaluation = judge(model, ["good", "good", "bad", "good bad bad"], [1, 0, 0, 0])
    assert evaluation.confusion == [[2, 1], [0, 1]]
    negative, positive = evaluation.per_class
    assert (negative.precision, negative.recall, negative.samples) == (1.0, pytest.approx(2 / 3), 3)
    assert (positive.precision, positive.recall, positive.samples) == (0.5, 1.0, 1)


def test_a_class_that_never_occurs_has_no_scores(model: tuple[runtimes.Runtime, tasks.Task]) -> None:
    negative = judge(model, ["good", "so good"], [1, 1]).per_class[0]
    assert (negative.precision, negative.recall, negative.samples) == (None, None, 0)


def test_the_difference_of_two_evaluations_is_paired(model: tuple[runtimes.Runtime, tasks.Task]) -> None:
    texts = ["good", "bad"] * 50
    base = judge(model, texts, [1, 0] * 50)
    candidate = judge(model, ["good", "bad"] * 45 + ["bad", "bad"] * 5, [1, 0] * 50)
    difference = paired_difference(candidate, base)
    assert difference.value == pytest.approx(-0.05)
    assert difference.low < -0.05 < difference.high < 0
    assert paired_difference(base, base).value == 0
    with pytest.raises(InvalidInput):
        paired_difference(base, judge(model, ["good"], [1]))


def test_a_model_with_other_classes_is_refused(model: tuple[runtimes.Runtime, tasks.Task]) -> None:
    with pytest.raises(InvalidInput, match="'positive', which is none of the classes sad, glad"):
        evaluate(*model, ["good"], [1], ["sad", "glad"], Silent())


@pytest.mark.parametrize(("texts", "labels"), [([], []), (["good"], []), (["good"], [2]), (["good"], [-1])])
def test_texts_without_fitting_labels_are_refused(
    model: tuple[runtimes.Runtime, tasks.Task], texts: list[str], labels: list[int]
) -> None:
    with pytest.raises(InvalidInput):
        judge(model, texts, labels)
