"""Fine-tune a text classifier, with one label or several for each text, from an encoder checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerBase

from jupyter_modeldeploy.datasets.reader import Example, MultiLabelExample, Split
from jupyter_modeldeploy.training.data import read
from jupyter_modeldeploy.training.defaults import TAUGHT_TEXT_CLASSIFICATION, TEXT_CLASSIFICATION
from jupyter_modeldeploy.training.fit import fit
from jupyter_modeldeploy.training.losses import balanced, balanced_ones, binary_cross_entropy, cross_entropy
from jupyter_modeldeploy.training.options import FinetuneOptions, FinetuneResult
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.problem import Loss, Problem
from jupyter_modeldeploy.training.run import Training
from jupyter_modeldeploy.training.teaching import softened
from jupyter_modeldeploy.training.text import Padding, TokenRows, in_head, load_classifier, load_tokenizer, saving


def finetune(training: Training) -> FinetuneResult:
    """Fine-tune the checkpoint in `training.base`. `out` gets config.json with the class names, model.safetensors and
    the tokenizer's files. Raises InvalidInput for a teacher that is no classifier into the dataset's classes."""
    split = read(training)

    def make(plan: Plan) -> Problem:
        problem = _problem(training, training.base, split, plan.options)
        if training.teaching is None:
            return problem
        return replace(problem, teacher=_problem(training, training.teaching.folder, split, plan.options, teaches=True))

    return fit(training, TEXT_CLASSIFICATION if training.teaching is None else TAUGHT_TEXT_CLASSIFICATION, make)


def _problem(
    training: Training, base: Path, split: Split[Any], options: FinetuneOptions, teaches: bool = False
) -> Problem:
    """The rows as the tokenizer in `base` reads them, and its model."""
    classes, several = training.dataset.classes, training.dataset.multi_label
    tokenizer = load_tokenizer(base, options.max_length)
    kind = "multi_label_classification" if several else "single_label_classification"
    model = load_classifier(AutoModelForSequenceClassification, base, classes, teaches, problem_type=kind)
    train = _rows(split.train, tokenizer, len(classes))
    return Problem(
        kind="multi-label" if several else "single-label",
        model=model,
        train=train,
        validation=_rows(split.validation, tokenizer, len(classes)) if split.validation else None,
        test=_rows(split.test, tokenizer, len(classes)),
        collate=Padding(tokenizer),
        loss=_loss(train.labels, len(classes), several, options),
        answers=logits_of_rows,
        save=saving(tokenizer),
        classes=classes,
        in_head=in_head(model),
        text=lambda index: split.test[index].text,
        describe=lambda index, answer: _named(answer, classes, several),
        distance=partial(softened, several=several),
    )


def logits_of_rows(outputs: Any, labels: torch.Tensor) -> Sequence[np.ndarray]:
    """float32[classes] for each row."""
    return list(outputs["logits"].float().cpu().numpy())


def _rows(
    examples: Sequence[Example | MultiLabelExample], tokenizer: PreTrainedTokenizerBase, classes: int
) -> TokenRows:
    encoded = tokenizer([example.text for example in examples], truncation=True)
    return TokenRows(
        [
            {**{name: values[index] for name, values in encoded.items()}, "labels": _label(example, classes)}
            for index, example in enumerate(examples)
        ]
    )


def _label(example: Example | MultiLabelExample, classes: int) -> int | list[float]:
    if isinstance(example, Example):
        return example.label
    return [float(index in example.labels) for index in range(classes)]


def _loss(labels: Sequence[Any], classes: int, several: bool, options: FinetuneOptions) -> Loss:
    even = options.class_weights == "none"
    if several:
        return binary_cross_entropy(None if even else balanced_ones(np.array(labels)))
    return cross_entropy(None if even else balanced(labels, classes))


def _named(answer: np.ndarray, classes: Sequence[str], several: bool) -> str:
    chosen = np.flatnonzero(answer > 0).tolist() if several else [int(answer.argmax())]
    return ", ".join(classes[index] for index in chosen) or "none"
