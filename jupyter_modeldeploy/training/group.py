"""The processes that share a training; one alone is a group of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import distributed

from jupyter_modeldeploy import devices

T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """This process is the `rank`-th of `size`. They do the same at the same time, but for what is done `once`."""

    rank: int = 0
    size: int = 1

    @classmethod
    def joined(cls) -> Group:
        """The group that this process has joined, if it has."""
        if not distributed.is_initialized():
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    @property
    def first(self) -> bool:
        return self.rank == 0

    def once(self, work: Callable[[], T]) -> T:
        """What the first process's `work` gives, which can be pickled; the others wait, and leave it all cores."""
        if self.size == 1:
            return work()
        told: list[Any] = [None]
        if self.first:
            share = torch.get_num_threads()
            torch.set_num_threads(devices.usable_cores())
            told = [work()]
            torch.set_num_threads(share)
        distributed.broadcast_object_list(told)
        found: T = told[0]
        return found

    def mean(self, number: torch.Tensor) -> torch.Tensor:
        """The mean of the processes' numbers, the same in each of them."""
        if self.size > 1:
            distributed.all_reduce(number)
            number /= self.size
        return number

    def total(self, number: float, device: torch.device) -> float:
        """The sum of the processes' numbers, which `device` is to add up."""
        if self.size == 1:
            return number
        return float(self.mean(torch.tensor(number, dtype=torch.float64, device=device))) * self.size
