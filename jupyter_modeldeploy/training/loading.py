"""The order in which rows are read, and what reads them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader, Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices

from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.problem import IGNORED, Batch, Problem, Row, Rows

STANDS_IN = "stands in"


class Shuffled(Sampler[int]):
    """A shuffled order of the rows; where they have lengths, neighbours are of a like one: less padding, faster steps.

    The order of an epoch depends on `seed` and the epoch alone. (The Trainer's own grouping draws from the global
    generator, so a run that is resumed in its second epoch would see the rows in another order.) The last `left_out`
    rows of each order are not read."""

    def __init__(self, rows: Rows, batch_size: int, seed: int, left_out: int = 0) -> None:
        self._rows, self._batch_size, self._seed, self._left_out = rows, batch_size, seed, left_out
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch
        if hasattr(self._rows, "set_epoch"):
            self._rows.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self._rows) - self._left_out

    def __iter__(self) -> Iterator[int]:
        return iter(self._order()[: len(self)])

    def _order(self) -> list[int]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)
        lengths = self._rows.lengths
        if lengths is None:
            shuffled: list[int] = torch.randperm(len(self._rows), generator=generator).tolist()
            return shuffled
        order: list[int] = get_length_grouped_indices(  # type: ignore[no-untyped-call]
            list(lengths), self._batch_size, generator=generator
        )
        return order


class Share(Sampler[list[int]]):
    """One process's rows of each batch, in the parts that it computes them in: all processes have as many parts.

    Where a process has no row for a part, it stands in with another's: `-1 - row`, from which nothing is learnt."""

    def __init__(self, order: Shuffled, plan: Plan, rank: int) -> None:
        self.sampler = order  # by this name it is told the epoch
        self._plan, self._rank = plan, rank

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self._plan.batch_size)
        return whole * self._plan.parts + self._parts(rest)

    def __iter__(self) -> Iterator[list[int]]:
        order, plan = list(self.sampler), self._plan
        for first in range(0, len(order), plan.batch_size):
            batch = order[first : first + plan.batch_size]
            own = batch[self._rank :: plan.processes]
            for part in range(self._parts(len(batch))):
                rows = own[part * plan.rows_at_a_time : (part + 1) * plan.rows_at_a_time]
                yield rows or [-1 - batch[0]]

    def _parts(self, rows: int) -> int:
        """Of a batch with so many rows."""
        return math.ceil(math.ceil(rows / self._plan.processes) / self._plan.rows_at_a_time)


@dataclass(frozen=True)
class Standing:
    """The rows of a problem, with those that stand in."""

    problem: Problem

    def __len__(self) -> int:
        return len(self.problem.train)

    def __getitem__(self, index: int) -> Row:
        return self.problem.train[index] if index >= 0 else {STANDS_IN: self.problem.train[-1 - index]}

    def collate(self, rows: list[Row]) -> Batch:
        if STANDS_IN not in rows[0]:
            return self.problem.collate(rows)
        batch = self.problem.collate([rows[0][STANDS_IN]])
        return {**batch, "labels": torch.full_like(batch["labels"], IGNORED)}


def train_loader(problem: Problem, plan: Plan, rank: int = 0, pin_memory: bool = False) -> DataLoader[Any]:
    """The training rows of one process in the plan's order, as many at a time as it computes."""
    rows = Standing(problem)
    order = Shuffled(problem.train, plan.batch_size, plan.options.seed, _left_over(problem, plan))
    return DataLoader(
        rows,  # type: ignore[arg-type]
        batch_sampler=Share(order, plan, rank),
        collate_fn=rows.collate,
        num_workers=problem.workers,
        pin_memory=pin_memory,
        # Drawn from a generator of its own: the global one must be where an undisturbed run has it.
        generator=torch.Generator().manual_seed(plan.options.seed),
    )


def _left_over(problem: Problem, plan: Plan) -> int:
    """The fewest rows to leave out of an epoch, others in each, so that no process gets a row alone, of which batch
    normalization may not be able to take a mean; 0 for models without it, and where that cannot be."""
    if plan.rows_at_a_time == 1 or not any(isinstance(module, _BatchNorm) for module in problem.model.modules()):
        return 0
    rows = len(problem.train)
    return next((left for left in range(min(rows, plan.batch_size)) if not _leaves_one(rows - left, plan)), 0)


def _leaves_one(rows: int, plan: Plan) -> bool:
    """Whether in the last batch of so many rows some process computes a part of one row, its own or another's."""
    rest = rows % plan.batch_size
    fewest, most = rest // plan.processes, math.ceil(rest / plan.processes)
    before_last = (math.ceil(most / plan.rows_at_a_time) - 1) * plan.rows_at_a_time
    return rest > 0 and fewest - before_last <= 1
