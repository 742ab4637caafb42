"""The units of one version in one stage, as arrays that follow what is counted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

UNIT, REQUESTS, ERRORS, MICROSECONDS, CONFIDENCE, CONFIDENCES, FIRST_AT, ATTRIBUTES = range(8)
COLUMNS = "unit, requests, errors, microseconds, confidence, confidences, first_at, attributes"


@dataclass(frozen=True)
class Merged:
    """What a merge did to a group: `at` int64[n] are the places in the table before it in front of which units were put
    in, rising; `moved` int64[m] are the units that are new or that were seen earlier than was known, sorted."""

    at: np.ndarray
    moved: np.ndarray

    def places(self, before: np.ndarray) -> np.ndarray:
        """Where what was at these places is now."""
        return np.asarray(before + np.searchsorted(self.at, before, side="right"))


@dataclass
class Group:
    """`number` is the arm's; `table` is int64[8, units], by unit."""

    number: int
    stage: int
    version: str
    share: float
    experiment: str = ""
    table: np.ndarray = field(default_factory=lambda: np.empty((8, 0), np.int64))

    @property
    def model(self) -> str:
        return self.version.rpartition("@")[0]

    @property
    def split(self) -> tuple[int, str, str]:
        """Whose groups share no unit."""
        return self.stage, self.model, self.experiment

    @property
    def units(self) -> np.ndarray:
        return np.asarray(self.table[UNIT])

    @property
    def first_at(self) -> np.ndarray:
        """Milliseconds since the epoch."""
        return np.asarray(self.table[FIRST_AT])

    @property
    def requests(self) -> np.ndarray:
        return np.asarray(self.table[REQUESTS])

    def places(self, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where in the table each of `units` is, and whether it is there at all."""
        return places(self.units, units)

    def merge(self, rows: np.ndarray) -> Merged:
        """Put these rows int64[8, n], by unit, in the place of what was known of their units."""
        at, known = self.places(rows[UNIT])
        sooner = np.zeros(len(known), bool)
        sooner[known] = rows[FIRST_AT, known] != self.first_at[at[known]]
        self.table[:, at[known]] = rows[:, known]
        put_in = np.searchsorted(self.units, rows[UNIT, ~known])
        if len(put_in):
            self.table = np.insert(self.table, put_in, rows[:, ~known], axis=1)
        return Merged(put_in, rows[UNIT, ~known | sooner])


def places(ordered: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where in `ordered` int64[n] each of `wanted` int64[m] is, and whether it is there at all."""
    if not len(ordered):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    found = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return found, ordered[found] == wanted
