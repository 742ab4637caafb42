"""The rows of a training."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, TypeVar

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.datasets.reader import Split
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.run import Training

E = TypeVar("E")


def read(training: Training) -> Split[Any]:
    """The dataset's split by its task's reader, cut to `train_rows`. Where the training is to be evaluated as it goes
    and the dataset has no validation rows, a share of the training rows becomes them."""
    options = training.options
    split: Split[Any] = plugins.load("datasets", training.dataset.task).read(training.data, training.dataset)
    for side, rows in (("training", split.train), ("held-out", split.test)):
        if not rows:
            raise InvalidInput(f"There are no {side} rows.", "Give more rows, or another share of held-out rows.")
    train = chosen(split.train, options.train_rows, options.seed)
    if split.validation or not options.evaluated_as_it_goes:
        return Split(train, split.validation, split.test)
    return _set_aside(train, split.test, options)


def chosen(rows: Sequence[E], count: int | None, seed: int) -> list[E]:
    """`count` of the rows at random, in their order: the first ones of a sorted file may be of one class only."""
    if count is None or count >= len(rows):
        return list(rows)
    return [rows[index] for index in sorted(random.Random(seed).sample(range(len(rows)), count))]


def _set_aside(train: Sequence[E], test: Sequence[E], options: FinetuneOptions) -> Split[E]:
    if len(train) < 2:
        raise InvalidInput("One training row leaves none to evaluate on.", "Give more rows.")
    count = min(len(train) - 1, max(1, round(options.validation_share * len(train))))
    aside = set(random.Random(options.seed + 1).sample(range(len(train)), count))
    return Split(
        [row for index, row in enumerate(train) if index not in aside],
        [row for index, row in enumerate(train) if index in aside],
        list(test),
    )
