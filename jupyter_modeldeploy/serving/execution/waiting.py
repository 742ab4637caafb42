"""The requests that wait for an instance: by priority, and by age among those of one priority."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_modeldeploy.serving.execution.instances import Work

HIGHEST, DEFAULT, LOWEST = 1, 5, 9
"""Priorities. As in Triton, 1 is the highest."""


class Waiting:
    """Adding, taking and dropping a work cost the same however many there are."""

    def __init__(self) -> None:
        self._levels: dict[int, OrderedDict[Work, None]] = {
            level: OrderedDict() for level in range(HIGHEST, LOWEST + 1)
        }
        self._seconds = dict.fromkeys(self._levels, 0.0)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Work]:
        """In the order in which they are to be run."""
        for level in self._levels.values():
            yield from level

    def add(self, work: Work) -> None:
        """Behind all of its priority."""
        self._levels[work.priority][work] = None
        self._seconds[work.priority] += work.cost_s
        self._count += 1

    def remove(self, work: Work) -> None:
        """Whether or not it is there."""
        if self._levels[work.priority].pop(work, work) is None:
            self._count -= 1
            level = self._levels[work.priority]
            self._seconds[work.priority] = self._seconds[work.priority] - work.cost_s if level else 0.0

    def first(self) -> Work | None:
        """The one to be run next."""
        return next(iter(self), None) if self._count else None

    def last_below(self, priority: int) -> Work | None:
        """The latest of the lowest priority, if that is lower than `priority`."""
        for number in range(LOWEST, priority, -1):
            if level := self._levels[number]:
                return next(reversed(level))
        return None

    def seconds_before(self, priority: int) -> float:
        """How long those would run one after the other that a work of that priority has to let pass."""
        return sum(seconds for level, seconds in self._seconds.items() if level <= priority)
