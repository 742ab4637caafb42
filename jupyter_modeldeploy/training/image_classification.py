"""Fine-tune an image classifier, from a checkpoint of transformers or timm or from a configuration alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoModelForImageClassification, PretrainedConfig, PreTrainedModel

from jupyter_modeldeploy import devices
from jupyter_modeldeploy.datasets.reader import LabelledImage, Split
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.runtimes import timm_wrapper
from jupyter_modeldeploy.runtimes.transformers import (
    configuration,
    has_weights,
    load_checkpoint,
    load_image_classifier,
    save_checkpoint,
)
from jupyter_modeldeploy.training import heads, memory
from jupyter_modeldeploy.training.augmentation import PRESETS, Variation
from jupyter_modeldeploy.training.data import read
from jupyter_modeldeploy.training.defaults import (
    AUGMENTATION,
    IMAGE_CLASSIFICATION,
    IMAGE_CLASSIFICATION_FROM_NOTHING,
    TAUGHT_IMAGE_CLASSIFICATION,
)
from jupyter_modeldeploy.training.fit import fit
from jupyter_modeldeploy.training.labelled_images import ImageRows, Preparation, collate
from jupyter_modeldeploy.training.losses import balanced, cross_entropy
from jupyter_modeldeploy.training.options import FinetuneOptions, FinetuneResult
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.problem import Problem
from jupyter_modeldeploy.training.run import Training
from jupyter_modeldeploy.training.teaching import softened
from jupyter_modeldeploy.training.text import in_head
from jupyter_modeldeploy.training.text_classification import logits_of_rows

KEPT = 0.05
"""The share of the free memory that decoded images to learn from may take, and as much those to validate on."""


def finetune(training: Training) -> FinetuneResult:
    """Fine-tune the checkpoint in `training.base`, or train from nothing where that is config.json without weights.
    `out` gets config.json with the class names, model.safetensors and preprocessor_config.json. Raises InvalidInput for
    a teacher that is no classifier into the dataset's classes."""
    split = read(training)
    trained = has_weights(training.base)

    def make(plan: Plan) -> Problem:
        problem, preparation = _problem(training, split, trained)
        if training.teaching is None:
            return problem
        return replace(problem, teacher=_teacher(training, split, problem, preparation))

    usual = IMAGE_CLASSIFICATION if training.teaching is None else TAUGHT_IMAGE_CLASSIFICATION
    return fit(training, usual if trained else IMAGE_CLASSIFICATION_FROM_NOTHING, make)


def _problem(training: Training, split: Split[LabelledImage], trained: bool) -> tuple[Problem, Preparation]:
    options, classes = training.options, training.dataset.classes
    # What worker processes read beside a GPU they would keep for an epoch alone, each for itself.
    room = int(KEPT * memory.free_memory() / options.processes) if training.device == "cpu" else 0
    config = _configuration(training.base, classes, options.image_size)
    model = _trained(training.base, config, classes) if trained else _untrained(training.base, config)
    preparation = Preparation(training.base, model.config, options.image_size)
    variation = _variation(options)
    train = ImageRows(split.train, preparation, variation, options.seed, room)
    even = options.class_weights == "none"

    def save(done: PreTrainedModel, out: Path) -> None:
        save_checkpoint(done, out)
        preparation.write(out)

    problem = Problem(
        kind="single-label",
        model=model,
        train=train,
        validation=ImageRows(split.validation, preparation, room=room) if split.validation else None,
        test=ImageRows(split.test, preparation),
        collate=collate,
        loss=cross_entropy(None if even else balanced(train.labels, len(classes))),
        answers=logits_of_rows,
        save=save,
        classes=classes,
        in_head=_in_head(model),
        workers=0 if training.device == "cpu" else min(8, devices.usable_cores()),
        text=lambda index: split.test[index].path.name,
        describe=lambda index, answer: classes[int(np.argmax(answer))],
        distance=softened,
        rows_vary=variation is not None,
    )
    return problem, preparation


def _teacher(training: Training, split: Split[LabelledImage], problem: Problem, preparation: Preparation) -> Problem:
    """The teacher's model, with the student's rows where it takes images that are prepared as the student's are."""
    assert training.teaching is not None
    base, classes, options = training.teaching.folder, training.dataset.classes, training.options
    model = load_image_classifier(base).model
    if not heads.align(model, model.config.id2label, classes, _in_head(model)):
        raise heads.teaches_other_classes(model.config.id2label, classes)
    own = Preparation(base, model.config, None)
    if own.gives_the_same(preparation):
        return replace(problem, model=model)
    train = ImageRows(split.train, own, _variation(options), options.seed)
    return replace(problem, model=model, train=train, test=ImageRows(split.test, own))


def _variation(options: FinetuneOptions) -> Variation | None:
    return PRESETS[options.augmentation or AUGMENTATION["image-classification"]]


def _configuration(base: Path, classes: Sequence[str], side: int | None) -> PretrainedConfig:
    config = configuration(base, side)
    config.id2label = dict(enumerate(classes))
    config.label2id = {name: index for index, name in enumerate(classes)}
    return config


def _trained(base: Path, config: PretrainedConfig, classes: Sequence[str]) -> PreTrainedModel:
    """The model in `base`, its head's outputs in the order of the classes, drawn by the global seed where it is for
    others."""
    model = load_checkpoint(
        AutoModelForImageClassification, base, lambda model, name: _in_head(model)(name), config=config
    )
    heads.align(model, configuration(base).id2label, classes, _in_head(model))
    return model


def _in_head(model: PreTrainedModel) -> Callable[[str], bool]:
    if model.config.model_type == timm_wrapper.TYPE:
        return lambda name: name.startswith(timm_wrapper.head_of(model))
    return in_head(model)


def _untrained(base: Path, config: PretrainedConfig) -> PreTrainedModel:
    """The model that the configuration describes, all drawn by the global seed."""
    try:
        auto_class: Any = AutoModelForImageClassification
        model: PreTrainedModel = auto_class.from_config(config, trust_remote_code=False)
    except (ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
        raise InvalidInput(f"{base.name} describes no image classifier: {error}", "Check its config.json.") from error
    return model
