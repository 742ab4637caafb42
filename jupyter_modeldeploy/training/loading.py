"""The order in which rows are read, and what reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices

from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.problem import Problem, Rows


class Shuffled(Sampler[int]):
    """A shuffled order of the rows; where they have lengths, neighbours are of a like one: less padding, faster steps.

    The order of an epoch depends on `seed` and the epoch alone. (The Trainer's own grouping draws from the global
    generator, so a run that is resumed in its second epoch would see the rows in another order.)"""

    def __init__(self, rows: Rows, batch_size: int, seed: int) -> None:
        self._rows, self._batch_size, self._seed = rows, batch_size, seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch
        if hasattr(self._rows, "set_epoch"):
            self._rows.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)
        lengths = self._rows.lengths
        if lengths is None:
            return iter(torch.randperm(len(self._rows), generator=generator).tolist())
        order: list[int] = get_length_grouped_indices(  # type: ignore[no-untyped-call]
            list(lengths), self._batch_size, generator=generator
        )
        return iter(order)


def train_loader(problem: Problem, plan: Plan, pin_memory: bool = False) -> DataLoader[Any]:
    """The training rows in the plan's order, as many at a time as the plan computes."""
    order = Shuffled(problem.train, plan.batch_size, plan.options.seed)
    return DataLoader(
        problem.train,  # type: ignore[arg-type]
        plan.rows_at_a_time,
        sampler=order,
        collate_fn=problem.collate,
        num_workers=problem.workers,
        pin_memory=pin_memory,
        # Drawn from a generator of its own: the global one must be where an undisturbed run has it.
        generator=torch.Generator().manual_seed(plan.options.seed),
    )
