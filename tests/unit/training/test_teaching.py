"""Students learn what their teachers answer, and a training that is killed comes to the same student."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from digit_images import TINY_RESNET, digit_folder, digit_photos, untrained_tiny_yolo
from image_trainings import image_training
from killed_trainings import killed
from safetensors.torch import load_file
from tiny_bert import CLASSES, make_classifier, make_encoder
from torch.nn import functional
from trainings import multi_label_training, text_training
from transformers import AutoModelForSequenceClassification, ResNetConfig, ResNetForImageClassification

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.optimize.pruning.layers import shorten
from jupyter_modeldeploy.optimize.pruning.unstructured import prune
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.training import image_classification, object_detection, text_classification
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.run import Teaching, Trainer, Training
from jupyter_modeldeploy.training.teaching import LOGITS, softened

STEPS, CHECKPOINT_EVERY = 12, 4
OPTIONS = FinetuneOptions(
    max_steps=STEPS, batch_size=8, checkpoint_every=CHECKPOINT_EVERY, deterministic=True, learning_rate=1e-3
)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier that tells good from bad."""
    folder = tmp_path_factory.mktemp("teacher")
    options = FinetuneOptions(max_steps=60, batch_size=8, learning_rate=3e-3, precision="fp32")
    text_classification.finetune(text_training(make_classifier(folder / "base"), folder, options))
    return folder / "out"


@pytest.fixture(scope="module")
def student(teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shorten(teacher, tmp_path_factory.mktemp("student") / "student", 1)


def taught_texts(teacher: Path, folder: Path) -> Training:
    student = shorten(teacher, folder / "student", 1)
    return replace(text_training(student, folder, OPTIONS), teaching=Teaching(teacher))


def taught_images(teacher: Path, folder: Path) -> Training:
    torch.manual_seed(0)
    known = {name: value for name, value in TINY_RESNET.items() if name not in ("architectures", "model_type")}
    deep = {**known, "depths": [2, 1], "id2label": {0: "1", 1: "0"}}  # not in the dataset's order
    ResNetForImageClassification(ResNetConfig(**deep)).save_pretrained(folder / "teacher")
    student = shorten(folder / "teacher", folder / "student", 2)
    found = digit_folder(folder / "found", 10, (0, 1))
    return replace(image_training(student, found, folder, OPTIONS), teaching=Teaching(folder / "teacher"))


@pytest.mark.parametrize(
    ("finetune", "made"),
    [(text_classification.finetune, taught_texts), (image_classification.finetune, taught_images)],
    ids=["texts", "images"],
)
def test_a_student_whose_training_is_killed_ends_with_the_loss_and_weights_of_an_undisturbed_one(
    finetune: Trainer, made: Callable[[Path, Path], Training], teacher: Path, tmp_path: Path
) -> None:
    for name in ("undisturbed", "disturbed"):
        (tmp_path / name).mkdir()
    undisturbed = finetune(made(teacher, tmp_path / "undisturbed"))

    disturbed = made(teacher, tmp_path / "disturbed")
    for step in (2, random.Random(0).randrange(CHECKPOINT_EVERY + 1, STEPS)):
        killed(finetune, disturbed, step)
    result = finetune(disturbed)

    assert result.resumed_from >= CHECKPOINT_EVERY
    assert result.loss == pytest.approx(undisturbed.loss, abs=1e-6)
    weights = "out/model.safetensors"
    assert (tmp_path / "disturbed" / weights).read_bytes() == (tmp_path / "undisturbed" / weights).read_bytes()
    assert result.metrics == undisturbed.metrics
    assert result.baseline == undisturbed.baseline


def test_what_is_learnt_from_the_teacher_alone_comes_near_to_what_it_answers(
    teacher: Path, encoder: Path, tmp_path: Path
) -> None:
    options = OPTIONS.model_copy(update={"max_steps": 80, "learning_rate": 3e-3, "checkpoint_every": None})
    training = text_training(encoder, tmp_path, options)
    result = text_classification.finetune(replace(training, teaching=Teaching(teacher, 1.0, 1.0)))

    said = load_file(tmp_path / "checkpoints" / LOGITS)["logits"]
    before, after = (logits_of(folder, training) for folder in (encoder, tmp_path / "out"))
    assert distance(after, said) < 0.1 * distance(before, said)
    assert result.evaluation is not None
    assert result.evaluation.metrics[0].before == result.baseline["accuracy"]


def test_the_baseline_is_the_teacher_and_the_order_of_its_classes_does_not_matter(
    teacher: Path, student: Path, tmp_path: Path
) -> None:
    turned = AutoModelForSequenceClassification.from_pretrained(teacher)
    names = dict(enumerate(reversed(CLASSES)))
    turned.config.id2label, turned.config.label2id = names, {name: number for number, name in names.items()}
    with torch.no_grad():
        for parameter in turned.classifier.parameters():
            parameter.copy_(parameter.flip(0))
    (tmp_path / "turned").mkdir()
    for file in teacher.iterdir():
        (tmp_path / "turned" / file.name).write_bytes(file.read_bytes())
    turned.save_pretrained(tmp_path / "turned")

    found = []
    for name, folder in (("one", teacher), ("other", tmp_path / "turned")):
        (tmp_path / name).mkdir()
        training = text_training(student, tmp_path / name, OPTIONS.model_copy(update={"max_steps": 2}))
        found.append(text_classification.finetune(replace(training, teaching=Teaching(folder))))
    assert found[0].baseline == pytest.approx(found[1].baseline)
    assert found[0].loss == pytest.approx(found[1].loss)


def test_a_teacher_of_several_labels_teaches_each(encoder: Path, tmp_path: Path) -> None:
    for name in ("teacher", "taught"):
        (tmp_path / name).mkdir()
    options = OPTIONS.model_copy(update={"max_steps": 2})
    text_classification.finetune(multi_label_training(encoder, tmp_path / "teacher", options))
    teacher = tmp_path / "teacher" / "out"
    student = shorten(teacher, tmp_path / "student", 1)

    training = multi_label_training(student, tmp_path / "taught", options)
    result = text_classification.finetune(replace(training, teaching=Teaching(teacher)))

    assert set(result.baseline) == {"loss", "accuracy", "f1_micro", "f1_macro"}


def test_a_teacher_that_takes_other_images_sees_them_as_it_takes_them(tmp_path: Path) -> None:
    training = taught_images(tmp_path, tmp_path)
    options = OPTIONS.model_copy(update={"max_steps": 2, "image_size": 16})

    result = image_classification.finetune(replace(training, options=options))

    assert json.loads((tmp_path / "out" / "preprocessor_config.json").read_text())["size"]["height"] == 16
    assert result.baseline["accuracy"] <= 1


@pytest.mark.parametrize("wrong", ["no head", "other classes"])
def test_a_teacher_that_does_not_know_the_classes_is_refused(wrong: str, student: Path, tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "encoder")
    if wrong == "other classes":
        folder = make_classifier(tmp_path / "classifier")
        config = json.loads((folder / "config.json").read_text())
        config["id2label"] = {"0": "spam", "1": "ham"}
        (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InvalidInput):
        text_classification.finetune(replace(text_training(student, tmp_path, OPTIONS), teaching=Teaching(folder)))


def test_zeros_stay_while_the_others_are_trained(teacher: Path, tmp_path: Path) -> None:
    prune(teacher, tmp_path / "sparse", 0.7, "global", Silent())
    before = load_file(tmp_path / "sparse" / "model.safetensors")

    text_classification.finetune(
        replace(text_training(tmp_path / "sparse", tmp_path, OPTIONS), teaching=Teaching(teacher), keep_zeros=True)
    )

    after = load_file(tmp_path / "out" / "model.safetensors")
    name = "bert.encoder.layer.0.intermediate.dense.weight"
    assert (before[name] == 0).float().mean() > 0.4
    assert torch.equal(before[name] == 0, after[name] == 0)
    assert not torch.equal(before[name], after[name])


@pytest.mark.parametrize("several", [False, True])
def test_the_distance_to_a_teacher_is_the_divergence_of_softened_probabilities(several: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(5, 3, generator=generator) for _ in range(2))

    found = softened({"logits": student}, {"logits": teacher}, 2.0, several)

    if several:
        p, q = (torch.sigmoid(each / 2) for each in (teacher, student))
        wanted = (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).sum() * 4
    else:
        p, q = (functional.softmax(each / 2, -1) for each in (teacher, student))
        wanted = (p * (p / q).log()).sum() * 4
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert softened({"logits": teacher}, {"logits": teacher}, 2.0, several).item() == pytest.approx(0, abs=1e-5)


def logits_of(folder: Path, training: Training) -> torch.Tensor:
    """What the model in `folder` answers to the training rows."""
    asked = replace(training, base=folder, checkpoints=training.checkpoints / "asked")
    split = text_classification.read(asked)
    problem = text_classification._problem(asked, folder, split, asked.options)
    from jupyter_modeldeploy.training.prediction import predict

    answers = predict(problem.model, problem, problem.train, torch.device("cpu")).answers
    return torch.from_numpy(np.stack(answers))


def distance(logits: torch.Tensor, said: torch.Tensor) -> Any:
    return softened({"logits": logits}, {"logits": said}, 1.0).item()


def test_a_detector_teaches_where_it_sees_what(tmp_path: Path) -> None:
    """With all of the loss from a teacher that has learnt, the distance to it falls."""
    found = digit_photos(tmp_path / "found", train=6, test=2, side=64, classes=(0, 1))
    options = FinetuneOptions(max_steps=6, batch_size=4, image_size=64, learning_rate=2e-3, augmentation="none")
    (tmp_path / "teacher").mkdir()
    teacher = image_training(untrained_tiny_yolo(tmp_path / "base"), found, tmp_path / "teacher", options)
    object_detection.finetune(teacher)

    watched = Losses()
    (tmp_path / "taught").mkdir()
    student = image_training(
        tmp_path / "base", found, tmp_path / "taught", options.model_copy(update={"max_steps": 40})
    )
    result = object_detection.finetune(replace(student, teaching=Teaching(teacher.out, 1.0, 1.0), reporter=watched))

    assert result.steps == 40
    assert watched.losses[-1] < 0.7 * watched.losses[0]


class Losses(Silent):
    """Keeps the training losses."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def metric(self, name: str, value: float, step: int) -> None:
        if name == "loss" and step:
            self.losses.append(value)
