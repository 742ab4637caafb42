"""Judging a real ONNX model with its tokenizer, made here: a text is positive when it has "good" more than "bad"."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from jupyter_modeldeploy import runtimes, tasks
from jupyter_modeldeploy.datasets.reader import Example, LabelledImage
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.judging.report import report
from jupyter_modeldeploy.judging.versions import Judgement, Questions, agreement, differences, judge, questions
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Dataset, Format

CLASSES = ["negative", "positive"]
VOCABULARY = {"[PAD]": 0, "[UNK]": 1, "good": 2, "bad": 3}
Model = tuple[runtimes.Runtime, tasks.Task]
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
def model(folder: Path) -> Iterator[Model]:
    runtime = runtimes.load(Format.onnx, folder)
    yield runtime, tasks.load("text-classification", folder, runtime.signature)
    runtime.close()


def dataset(task: str = "text-classification", classes: list[str] = CLASSES) -> Dataset:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    known: dict[str, Any] = {"format": "csv", "rows": 1, "files": [], "source": "here", "created_at": at}
    return Dataset(name="told", number=1, task=task, classes=classes, **known)


def asked(model: Model, texts: list[str], labels: list[int], classes: list[str] = CLASSES) -> Questions:
    return questions(model[1], dataset(classes=classes), [Example(*row) for row in zip(texts, labels, strict=True)])


def judged(model: Model, texts: list[str], labels: list[int], **options: int) -> Judgement:
    return judge(*model, asked(model, texts, labels), Silent(), **options)


def test_answers_are_judged_in_the_order_of_the_rows(model: Model) -> None:
    texts = ["a good and rather long text", "bad", "good", "bad bad good", "so good it is"]
    judgement = judged(model, texts, [1, 0, 0, 1, 1], batch_size=2)
    assert judgement.rows[:, 0].tolist() == [1, 0, 1, 0, 1]
    assert (judgement.main, judgement.metrics["accuracy"]) == ("accuracy", pytest.approx(0.6))


def test_rows_one_at_a_time_and_in_batches_are_answered_alike(model: Model) -> None:
    texts = ["good bad " * (number % 7) + "good" for number in range(20)]
    one, several = (judged(model, texts, [1] * 20, batch_size=size) for size in (1, 6))
    assert np.allclose(one.answers, several.answers)
    assert agreement(one, several) == 1


def test_the_report_counts_the_same_answers(model: Model) -> None:
    judgement = judged(model, ["good", "good", "bad", "good bad bad"], [1, 0, 0, 0])
    made = report("told@1", judgement.held_out, judgement.answers, judgement.metrics)
    assert made.confusion is not None
    assert made.confusion.counts == [[2, 1], [0, 1]]
    accuracy = made.metrics[0]
    assert accuracy.interval is not None
    assert accuracy.interval.low < 0.75 < accuracy.interval.high
    assert (accuracy.before, accuracy.majority, accuracy.difference) == (None, None, None)


def test_the_difference_of_two_judgements_is_paired(model: Model) -> None:
    base = judged(model, ["good", "bad"] * 50, [1, 0] * 50)
    candidate = judged(model, ["good", "bad"] * 45 + ["bad", "bad"] * 5, [1, 0] * 50)
    found = differences(candidate, base)["accuracy"].difference
    assert found.value == pytest.approx(-0.05)
    assert found.low < -0.05 < found.high < 0
    assert agreement(candidate, base) == pytest.approx(0.95)
    assert differences(base, base)["accuracy"].difference.value == 0
    with pytest.raises(InvalidInput, match="1 rows are not the same ones"):
        differences(base, judged(model, ["good"], [1]))


def test_a_dataset_may_name_the_classes_in_another_order(model: Model) -> None:
    turned = asked(model, ["good", "bad"], [0, 1], ["positive", "negative"])
    assert judge(*model, turned, Silent()).metrics["accuracy"] == 1


def test_classes_that_the_dataset_does_not_have_come_last(model: Model) -> None:
    only = asked(model, ["good", "bad"], [0, 0], ["positive"])
    assert only.held_out.classes == ["positive", "negative"]
    assert judge(*model, only, Silent()).metrics["accuracy"] == 0.5


def test_a_model_with_other_classes_is_refused(model: Model) -> None:
    with pytest.raises(InvalidInput, match="has the class 'sad', and the version knows negative, positive"):
        asked(model, ["good"], [1], ["sad", "positive"])


def test_no_rows_are_no_evaluation(model: Model) -> None:
    with pytest.raises(InvalidInput, match="no rows"):
        asked(model, [], [])


def test_rows_that_the_task_does_not_read_are_refused(model: Model, folder: Path) -> None:
    with pytest.raises(InvalidInput, match="is for image-classification, and the version does something else"):
        questions(model[1], dataset("image-classification"), [LabelledImage(folder / "cat.png", 0)])


def test_answers_of_a_task_that_knows_no_right_ones_are_not_judged(model: Model, folder: Path) -> None:
    tensor = tasks.load("tensor", folder, model[0].signature)
    with pytest.raises(InvalidInput, match="cannot be judged"):
        questions(tensor, dataset(), [Example("good", 1)])
