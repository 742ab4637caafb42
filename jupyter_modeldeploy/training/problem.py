"""What a task hands to the core that trains it (`fit`): a model, rows, and what is made of the model's answers.

A trainer is mostly one function that builds a `Problem`:

    def finetune(training: Training) -> FinetuneResult:
        split = read(training)
        return fit(training, DEFAULTS, lambda plan: Problem(model=…, train=…, test=…, …))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from transformers import PreTrainedModel

from jupyter_modeldeploy.judging.metrics import Kind
from jupyter_modeldeploy.training.defaults import Defaults as Defaults

IGNORED = -100
"""The label of what is not to be learnt."""
Row = dict[str, Any]
Batch = dict[str, torch.Tensor]
Loss = Callable[[Any, torch.Tensor, "torch.Tensor | int"], torch.Tensor]
Distance = Callable[[Any, Any, float], torch.Tensor]


class Rows(Protocol):
    """Examples as what `collate` takes, by index. May have `set_epoch(epoch)`, called before each pass, for rows that
    vary (augmentation): row `i` in epoch `e` has to depend on the seed, `i` and `e` alone, or a resumed training is not
    the undisturbed one.

    `lengths` groups rows of a like length into batches (None: they are all alike). `labels` are what answers are
    judged by: a class index, a vector of 0 and 1, or an array of tag indices for each row."""

    @property
    def lengths(self) -> Sequence[int] | None: ...

    @property
    def labels(self) -> Sequence[Any]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Row: ...


@dataclass(frozen=True)
class Problem:
    """What is learnt. Everything is on the CPU; the core moves it.

    `model` takes the tensors that `collate` makes of rows, but for `labels`. `collate` gives "labels" too, with −100
    where nothing is to be learnt. `loss(outputs, labels, items)` is the sum of the losses divided by `items`, the
    number of labels to be learnt in the whole batch, of which these rows may be a part (see `losses`).
    `answers(outputs, labels)` gives one numpy array for each row: what `judging.metrics` takes for this `kind`.
    `in_head(name)` tells the parameters of the new head. `save` writes the trained model for a version; the core hands
    it the model without what training put around it, with LoRA adapters merged or not. `workers` are processes that
    read rows ahead, for rows that cost more to make than to learn. `text(index)` is what stands in a test row,
    `describe(index, answer)` puts the answer to it into words; of a model that writes, `respond(model, index)` gives
    what a test row asks and what is written. `unquantized` loads the base in full where `model` holds it in 4 bits.

    `teacher` is what is learnt from beside the labels: a problem of the same rows as its model sees them.
    `distance(outputs, said, temperature)` is how far the model's outputs are from what a teacher said to the same rows,
    summed over them. `rows_vary` says that a training row is another in each epoch."""

    kind: Kind
    model: PreTrainedModel
    train: Rows
    test: Rows
    collate: Callable[[list[Row]], Batch]
    loss: Loss
    answers: Callable[[Any, torch.Tensor], Sequence[np.ndarray]]
    save: Callable[[PreTrainedModel, Path], None]
    validation: Rows | None = None
    classes: Sequence[str] = ()
    in_head: Callable[[str], bool] = lambda name: False
    workers: int = 0
    describe: Callable[[int, np.ndarray], str] | None = None
    respond: Callable[[Any, int], tuple[str, str]] | None = None
    text: Callable[[int], str] | None = None
    judged_at_a_time: int = 64
    unquantized: Callable[[], PreTrainedModel] | None = None
    teacher: Problem | None = None
    distance: Distance | None = None
    rows_vary: bool = False

    def items(self, labels: torch.Tensor) -> int:
        """How many of the labels are to be learnt. A language model learns each token from those before it, the first
        from none."""
        learnt = labels[:, 1:] if self.kind == "language-model" else labels
        return int(learnt.ne(IGNORED).sum())
