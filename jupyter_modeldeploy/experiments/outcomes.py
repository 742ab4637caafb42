"""The outcomes of one metric, each with the version that its unit had at its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from jupyter_modeldeploy.experiments.groups import Group, Merged, places
from jupyter_modeldeploy.experiments.kept import Kept

CLOCKS_MS = 60_000
"""By so much may an outcome seem to come before its unit was first seen: clocks differ."""

_NUMBERS = """
SELECT number, outcomes.unit, coalesce(requests.unit, outcomes.unit), coalesce(requests.at, outcomes.at)"""
_FROM = """
FROM outcomes LEFT JOIN requests ON requests.request = outcomes.unit
WHERE metric = ? AND before = 0"""
_CHANGED = " AND number IN (SELECT number FROM changed_outcomes)"
_NUMBER, _NAMED, _UNIT, _AT = range(4)


class Outcomes:
    """Of the `groups` of one model: `values` float64[outcomes]; `group` says to which group each belongs, by its
    number, −1 to none, and `place` where in it its unit is."""

    def __init__(self, kept: Kept, metric: str, groups: Sequence[Group]) -> None:
        self._kept, self._metric = kept, metric
        self._table, self.values = self._read()
        self.group = np.full(len(self.values), -1)
        self.place = np.zeros(len(self.values), np.int64)
        self._assign(np.arange(len(self.values)), groups)

    def named(self, requests: np.ndarray) -> np.ndarray:
        """The numbers of those that came for one of these requests or units, sorted."""
        return np.asarray(self._table[_NUMBER, places(requests, self._table[_NAMED])[1]])

    def follow(self, groups: Sequence[Group], merged: Mapping[int, Merged], changed: np.ndarray) -> bool:
        """Take in what `merged` did to the groups, by their numbers, and the outcomes with the numbers `changed`. False
        where one of them was of another metric before: then all have to be read again."""
        table, values = self._read(changed_alone=True)
        numbers = self._table[_NUMBER]
        at, known = places(numbers, table[_NUMBER])
        left = int(places(numbers, changed)[1].sum()) - int(known.sum())
        if left or (len(numbers) and (table[_NUMBER, ~known] < numbers[-1]).any()):
            return False
        for number, one in merged.items():
            mine = self.group == number
            self.place[mine] = one.places(self.place[mine])
        self._table[:, at[known]], self.values[at[known]] = table[:, known], values[known]
        fresh = int((~known).sum())
        self._table = np.concatenate([self._table, table[:, ~known]], axis=1)
        self.values = np.concatenate([self.values, values[~known]])
        self.group = np.concatenate([self.group, np.full(fresh, -1)])
        self.place = np.concatenate([self.place, np.zeros(fresh, np.int64)])
        moved = np.unique(np.concatenate([np.empty(0, np.int64), *(one.moved for one in merged.values())]))
        again = places(moved, self._table[_UNIT])[1]
        again[at[known]] = True
        again[len(again) - fresh :] = True
        self._assign(np.flatnonzero(again), groups)
        return True

    def _read(self, changed_alone: bool = False) -> tuple[np.ndarray, np.ndarray]:
        where = f"{_FROM}{_CHANGED if changed_alone else ''} ORDER BY number"
        table = self._kept.whole_numbers(_NUMBERS + where, [self._metric], 4)
        return np.ascontiguousarray(table.T), self._kept.floats(f"SELECT value{where}", [self._metric])

    def _assign(self, which: np.ndarray, groups: Sequence[Group]) -> None:
        """To the latest stage whose unit was seen before; else to its first, where clocks may explain that."""
        units, at = self._table[_UNIT, which], self._table[_AT, which]
        latest, earliest = np.full(len(units), np.iinfo(np.int64).min), np.full(len(units), np.iinfo(np.int64).max)
        within, first = np.full(len(units), -1), np.full(len(units), -1)
        for number, group in enumerate(groups):
            if not len(group.units):
                continue
            where, there = group.places(units)
            seen = group.first_at[where]
            better = there & (seen <= at) & (seen > latest)
            within[better], latest[better] = number, seen[better]
            sooner = there & (seen <= at + CLOCKS_MS) & (seen < earliest)
            first[sooner], earliest[sooner] = number, seen[sooner]
        chosen = np.where(within >= 0, within, first)
        self.group[which] = -1
        for number, group in enumerate(groups):
            if (mine := chosen == number).any():
                self.group[which[mine]] = group.number
                self.place[which[mine]] = group.places(units[mine])[0]
