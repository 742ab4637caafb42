"""Fine-tune a text classifier, with one label or several for each text, from an encoder checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerBase

from jupyter_modeldeploy.datasets.reader import Example, MultiLabelExample
from jupyter_modeldeploy.training.data import read
from jupyter_modeldeploy.training.defaults import TEXT_CLASSIFICATION
from jupyter_modeldeploy.training.fit import fit
from jupyter_modeldeploy.training.losses import balanced, balanced_ones, binary_cross_entropy, cross_entropy
from jupyter_modeldeploy.training.options import FinetuneOptions, FinetuneResult
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.problem import Loss, Problem
from jupyter_modeldeploy.training.run import Training
from jupyter_modeldeploy.training.text import Padding, TokenRows, in_head, load_classifier, load_tokenizer, saving


def finetune(training: Training) -> FinetuneResult:
    """Fine-tune the checkpoint in `training.base`. `out` gets config.json with the class names, model.safetensors and
    the tokenizer's files."""
    split = read(training)
    classes, several = training.dataset.classes, training.dataset.multi_label

    def make(plan: Plan) -> Problem:
        tokenizer = load_tokenizer(training.base, plan.options.max_length)
        model = load_classifier(
            AutoModelForSequenceClassification,
            training.base,
            classes,
            problem_type="multi_label_classification" if several else "single_label_classification",
        )
        train = _rows(split.train, tokenizer, len(classes))
        test = _rows(split.test, tokenizer, len(classes))
        return Problem(
            kind="multi-label" if several else "single-label",
            model=model,
            train=train,
            validation=_rows(split.validation, tokenizer, len(classes)) if split.validation else None,
            test=test,
            collate=Padding(tokenizer),
            loss=_loss(train.labels, len(classes), several, plan.options),
            answers=logits_of_rows,
            save=saving(tokenizer),
            classes=classes,
            in_head=in_head(model),
            text=lambda index: split.test[index].text,
            describe=lambda index, answer: _named(answer, classes, several),
        )

    return fit(training, TEXT_CLASSIFICATION, make)


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
