"""What was counted, as arrays in memory that follow the file: after a change only what changed is read again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from jupyter_modeldeploy.experiments.groups import COLUMNS, UNIT, Group, Merged, places
from jupyter_modeldeploy.experiments.kept import Kept
from jupyter_modeldeploy.experiments.outcomes import Outcomes

_CHANGED = " AND unit IN (SELECT unit FROM changed_units WHERE arm = ?1)"
_SAMPLES = "SELECT unit, microseconds FROM samples WHERE arm = ?1"
_CHANGED_SAMPLES = "SELECT unit FROM changed_samples WHERE arm = ?1"
_REPEATS = """
SELECT coalesce(requests.unit, outcomes.unit), repeats.count FROM repeats JOIN outcomes USING (number)
LEFT JOIN requests ON requests.request = outcomes.unit WHERE metric IN ({})"""
_METRICS = """
WITH RECURSIVE names (name) AS (
    SELECT min(metric) FROM outcomes
    UNION ALL SELECT (SELECT min(metric) FROM outcomes WHERE metric > name) FROM names WHERE name IS NOT NULL)
SELECT name FROM names WHERE name IS NOT NULL"""
"""From one name to the next in the index, not over all outcomes."""


class Counted:
    """The `groups` are ordered by stage. Raises what `Kept` raises."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        with kept.changes():
            self._load()

    def follow(self) -> None:
        """Take in what has changed since; where that is not known any more, all is read again."""
        with self._kept.changes() as known:
            if not known:
                self._load()
                return
            merged = self._merge()
            self._follow_outcomes(merged)
            self._follow_samples()

    def metrics(self) -> list[str]:
        """The names of the outcomes that have come."""
        return [name for (name,) in self._kept.connection.execute(_METRICS)]

    def crossed(self, group: Group) -> np.ndarray:
        """The units that got several versions of its split, sorted."""
        return self._crossed.get(group.split, np.empty(0, np.int64))

    def outcomes(self, metric: str, model: str) -> Outcomes:
        key = metric, model
        if key not in self._outcomes:
            self._outcomes[key] = Outcomes(self._kept, metric, self._of(model))
        return self._outcomes[key]

    def samples(self, group: Group) -> np.ndarray:
        """int64[2, samples]: units and microseconds."""
        if group.number not in self._samples:
            self._samples[group.number] = self._kept.whole_numbers(_SAMPLES, [group.number], 2).T
        return self._samples[group.number]

    def before(self, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """The units of which something is known from before, sorted, and what their outcomes added up to then."""
        if metric not in self._before:
            where = "FROM outcomes WHERE metric = ? AND before = 1 GROUP BY unit ORDER BY unit"
            units = self._kept.whole_numbers(f"SELECT unit {where}", [metric], 1)[:, 0]
            self._before[metric] = units, self._kept.floats(f"SELECT sum(value) {where}", [metric])
        return self._before[metric]

    def repeats(self, metrics: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
        """Of each outcome of these metrics that came again: its unit, and how often."""
        names = [*metrics]
        query = _REPEATS.format(", ".join("?" * len(names)))
        units, counts = self._kept.whole_numbers(query, names, 2).T
        return units, counts

    def attributes(self, number: int) -> Mapping[str, str]:
        """The set of attributes with that number."""
        if number not in self._attributes:
            query = "SELECT document FROM attributes WHERE number = ?"
            self._attributes[number] = json.loads(self._kept.connection.execute(query, [number]).fetchone()[0])
        return self._attributes[number]

    def _of(self, model: str) -> list[Group]:
        return [group for group in self.groups if group.model == model]

    def _load(self) -> None:
        self.groups: list[Group] = []
        self._crossed: dict[tuple[int, str, str], np.ndarray] = {}
        self._outcomes: dict[tuple[str, str], Outcomes] = {}
        self._samples: dict[int, np.ndarray] = {}
        self._before: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._attributes: dict[int, Mapping[str, str]] = {}
        self._find_groups()
        for group in self.groups:
            self._cross(group, group.merge(self._rows(group)).moved)

    def _find_groups(self) -> None:
        known = {group.number for group in self.groups}
        query = "SELECT number, stage, version, share, experiment FROM arms ORDER BY stage, number"
        arms = self._kept.connection.execute(query)
        self.groups += [Group(*arm) for arm in arms if arm[0] not in known]
        self.groups.sort(key=lambda group: (group.stage, group.number))

    def _rows(self, group: Group, changed_alone: bool = False) -> np.ndarray:
        where = f"WHERE arm = ?1{_CHANGED if changed_alone else ''}"
        query = f"SELECT {COLUMNS} FROM exposures {where} ORDER BY unit"
        return np.ascontiguousarray(self._kept.whole_numbers(query, [group.number], 8).T)

    def _merge(self) -> dict[int, Merged]:
        self._find_groups()
        changed = {number for (number,) in self._kept.connection.execute("SELECT DISTINCT arm FROM changed_units")}
        merged = {}
        for group in self.groups:
            if group.number in changed:
                merged[group.number] = group.merge(self._rows(group, changed_alone=True))
                self._cross(group, merged[group.number].moved)
        return merged

    def _cross(self, group: Group, units: np.ndarray) -> None:
        """Find those that another version of its stage has, too."""
        for other in self.groups:
            if other is not group and other.split == group.split:
                both = units[other.places(units)[1]]
                self._crossed[group.split] = np.union1d(self.crossed(group), both)

    def _follow_samples(self) -> None:
        for number, known in self._samples.items():
            changed = self._kept.whole_numbers(f"{_CHANGED_SAMPLES} ORDER BY unit", [number], 1)[:, 0]
            if len(changed):
                left = known[:, ~places(changed, known[0])[1]]
                now = self._kept.whole_numbers(f"{_SAMPLES} AND unit IN ({_CHANGED_SAMPLES})", [number], 2).T
                self._samples[number] = np.concatenate([left, now], axis=1)

    def _follow_outcomes(self, merged: Mapping[int, Merged]) -> None:
        for named in self._named():
            self._kept.change_outcomes(named)
        changed = self._kept.whole_numbers("SELECT DISTINCT number FROM changed_outcomes ORDER BY number", [], 1)[:, 0]
        for (metric, model), outcomes in list(self._outcomes.items()):
            if not outcomes.follow(self._of(model), merged, changed):
                del self._outcomes[metric, model]
        for (metric,) in self._kept.connection.execute("SELECT DISTINCT metric FROM changed_outcomes WHERE before = 1"):
            self._before.pop(metric, None)

    def _named(self) -> Iterator[np.ndarray]:
        """The numbers of outcomes for requests of which it has become known whose they were."""
        requests = self._kept.whole_numbers("SELECT request FROM changed_requests ORDER BY request", [], 1)[:, 0]
        return (outcomes.named(requests) for outcomes in self._outcomes.values())


def units_of(groups: Sequence[Group]) -> np.ndarray:
    """Those of all of these groups, as often as they are there."""
    return np.concatenate([np.empty(0, np.int64), *(group.table[UNIT] for group in groups)])
