"""The rows of a loader, divided among processes so that all together see the batches that one would see."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset
from torch.utils.data.distributed import DistributedSampler

from jupyter_modeldeploy.errors import InvalidInput


@dataclass(frozen=True)
class Share:
    """One process's part of a global batch: what the loader's `collate_fn` made of `rows` rows.

    A process that has no row gets one of another's with `rows` 0, since all have to take each step together."""

    batch: Any
    rows: int
    rows_of_all: int


@dataclass(frozen=True)
class Rows:
    """What is taken over from a loader. Batches are made of it anew, `batch_size` rows for all processes together."""

    dataset: Dataset[Any]
    sampler: Iterable[int]
    collate: Callable[[list[Any]], Any]
    batch_size: int
    drop_last: bool

    def batches(self, seed: int) -> list[list[int]]:
        """The rows of each global batch: the same in every process that gives the same seed."""
        with torch.random.fork_rng(devices=[]):
            seed_all(seed)
            order = list(self.sampler)
        batches = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        return batches[:-1] if self.drop_last and len(batches[-1]) < self.batch_size else batches

    def share(self, batch: list[int], rank: int, processes: int) -> Share:
        """Every `processes`-th row of a global batch from the `rank`-th on."""
        own = batch[rank::processes]
        return Share(self.collate([self.dataset[row] for row in own or batch[:1]]), len(own), len(batch))

    def shares(self, rank: int, processes: int) -> Iterator[Share]:
        """This process's parts of all batches, without those in which it has no row: nobody waits for it there."""
        shares = (self.share(batch, rank, processes) for batch in self.batches(0) if len(batch) > rank)
        yield from shares


def rows_of(loader: Any, name: str, batch_size: int | None = None) -> Rows:
    """Take over dataset, order and `collate_fn` of `loader`, with another batch size where one is given.

    Raises InvalidInput for anything but a DataLoader of a dataset whose rows have numbers."""
    if not isinstance(loader, DataLoader):
        raise InvalidInput(f"{name} is a {type(loader).__name__}.", "Give a torch.utils.data.DataLoader.")
    if isinstance(loader.dataset, IterableDataset):
        raise InvalidInput(
            f"{name} reads an IterableDataset, whose rows cannot be divided.", "Use one with __len__ and __getitem__."
        )
    if type(loader.batch_sampler) is not BatchSampler or loader.batch_size is None:
        raise InvalidInput(f"{name} makes its batches itself.", "Give a DataLoader with batch_size, without a sampler.")
    if isinstance(loader.sampler, DistributedSampler):
        raise InvalidInput(f"{name} divides its rows already.", "Leave the DistributedSampler out.")
    sampler = copy.copy(loader.sampler)
    if isinstance(getattr(sampler, "generator", None), torch.Generator):
        sampler.generator = None  # type: ignore[attr-defined]  # the order comes from our seed, also after a restart
    if len(sampler) == 0:  # type: ignore[arg-type]
        raise InvalidInput(f"{name} has no rows.", "Give a dataset that is not empty.")
    return Rows(loader.dataset, sampler, loader.collate_fn, batch_size or loader.batch_size, loader.drop_last)


def seed_all(seed: int) -> None:
    """Set every generator that a model or a dataset may ask. Random numbers so depend on nothing but the step, and a
    training that goes on from a checkpoint needs no state of theirs."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
