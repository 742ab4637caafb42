"""What was counted, as arrays: whose units they are, what each did, and to which version its outcomes belong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jupyter_modeldeploy.experiments.kept import Kept
from jupyter_modeldeploy.experiments.observed import Observed, Rows
from jupyter_modeldeploy.experiments.spool import OWN_FIGURES
from jupyter_modeldeploy.records import Metric

CLOCKS_MS = 60_000
"""By so much may an outcome seem to come before its unit was first seen: clocks differ."""

_UNIT, _REQUESTS, _ERRORS, _MICROSECONDS, _CONFIDENCE, _CONFIDENCES, _FIRST_AT, _ATTRIBUTES = range(8)
_COLUMNS = "unit, requests, errors, microseconds, confidence, confidences, first_at, attributes"
_OUTCOMES = """
FROM outcomes LEFT JOIN requests ON requests.request = outcomes.unit
WHERE metric = ? AND before = 0 ORDER BY outcomes.number"""


@dataclass(frozen=True)
class Group:
    """The units of one version in one stage: `table` is int64[units, 8], by unit."""

    number: int
    stage: int
    version: str
    share: float
    table: np.ndarray

    @property
    def model(self) -> str:
        return self.version.rpartition("@")[0]

    @property
    def units(self) -> np.ndarray:
        return np.asarray(self.table[:, _UNIT])

    @property
    def first_at(self) -> np.ndarray:
        """Milliseconds since the epoch."""
        return np.asarray(self.table[:, _FIRST_AT])

    @property
    def requests(self) -> np.ndarray:
        return np.asarray(self.table[:, _REQUESTS])

    def places(self, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where in the table each of `units` is, and whether it is there at all."""
        if not len(self.table):
            return np.zeros(len(units), np.int64), np.zeros(len(units), bool)
        places = np.minimum(np.searchsorted(self.units, units), len(self.table) - 1)
        return places, self.units[places] == units


@dataclass(frozen=True)
class Outcomes:
    """Of one metric: whose they are, when they were, and what; `group` says to which group each belongs, −1 to none,
    and `place` where in it its unit is."""

    units: np.ndarray
    values: np.ndarray
    group: np.ndarray
    place: np.ndarray


class Counted:
    """All of it at one time."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._outcomes: dict[tuple[str, str], Outcomes] = {}
        arms = kept.connection.execute("SELECT number, stage, version, share FROM arms ORDER BY stage, number")
        query = f"SELECT {_COLUMNS} FROM exposures WHERE arm = ? ORDER BY unit"
        self.groups = [
            Group(number, stage, version, share, kept.whole_numbers(query, [number], 8))
            for number, stage, version, share in arms.fetchall()
        ]

    @cached_property
    def crossed(self) -> dict[tuple[int, str], np.ndarray]:
        """By stage and model the units that got several versions in it, sorted."""
        among: dict[tuple[int, str], list[np.ndarray]] = {}
        for group in self.groups:
            among.setdefault((group.stage, group.model), []).append(group.units)
        found = {}
        for key, each in among.items():
            units, times = np.unique(np.concatenate(each), return_counts=True)
            found[key] = units[times > 1]
        return found

    def observed(self, base: str, candidate: str, metrics: Sequence[Metric], since: int) -> list[Observed]:
        """As `Collector.observed`."""
        wanted = {base: 0, candidate: 1}
        groups = [group for group in self.groups if group.version in wanted and group.stage >= since]
        return [self._one(group, metrics) for group in sorted(groups, key=lambda g: (g.stage, wanted[g.version]))]

    def metrics(self) -> list[str]:
        """The names of the outcomes that have come."""
        found = self._kept.connection.execute("SELECT DISTINCT metric FROM outcomes ORDER BY metric")
        return [name for (name,) in found]

    def outcomes(self, metric: str, model: str) -> Outcomes:
        """The outcomes of that name, each with the version that its unit had at its time."""
        key = metric, model
        if key not in self._outcomes:
            columns = "SELECT coalesce(requests.unit, outcomes.unit), coalesce(requests.at, outcomes.at)"
            table = self._kept.whole_numbers(columns + _OUTCOMES, [metric], 2)
            values = self._kept.floats("SELECT value" + _OUTCOMES, [metric])
            self._outcomes[key] = self._placed(table[:, 0], table[:, 1], values, model)
        return self._outcomes[key]

    def _placed(self, units: np.ndarray, at: np.ndarray, values: np.ndarray, model: str) -> Outcomes:
        """In the latest stage whose unit was seen before; else in its first, where clocks may explain that."""
        latest, earliest = np.full(len(units), np.iinfo(np.int64).min), np.full(len(units), np.iinfo(np.int64).max)
        within, first = np.full(len(units), -1), np.full(len(units), -1)
        for number, group in enumerate(self.groups):
            if group.model != model or not len(group.table):
                continue
            places, there = group.places(units)
            seen = group.first_at[places]
            better = there & (seen <= at) & (seen > latest)
            within[better], latest[better] = number, seen[better]
            sooner = there & (seen <= at + CLOCKS_MS) & (seen < earliest)
            first[sooner], earliest[sooner] = number, seen[sooner]
        chosen = np.where(within >= 0, within, first)
        place = np.zeros(len(units), np.int64)
        for number, group in enumerate(self.groups):
            if (mine := chosen == number).any():
                place[mine] = group.places(units[mine])[0]
        return Outcomes(units, values, chosen, place)

    def _one(self, group: Group, metrics: Sequence[Metric]) -> Observed:
        crossed = self.crossed[group.stage, group.model]
        kept = ~np.isin(group.units, crossed)
        table, there = group.table[kept], self.metrics()
        named = {name for one in metrics for name in (one.of, one.per) if name is not None} - OWN_FIGURES
        outcomes = {name: self._of_group(group, name) for name in sorted(named & {*there})}
        places = np.cumsum(kept) - 1
        rows = {}
        for metric in metrics:
            if metric.kind == "percentile" and metric.of == "latency_ms":
                rows[metric.of] = self._latencies(group, kept, places)
            elif metric.kind == "percentile" and metric.of in outcomes:
                units, values = outcomes[metric.of]
                rows[metric.of] = Rows(values[kept[units]], places[units[kept[units]]])
        sums = {name: np.bincount(units, values, len(kept))[kept] for name, (units, values) in outcomes.items()}
        return Observed(
            version=group.version,
            stage=group.stage,
            weight=group.share,
            units=len(table),
            sums={**_own_sums(table), **sums},
            rows=rows,
            before={name: one for name in outcomes if (one := self._before(table[:, _UNIT], name)) is not None},
            attributes=self._attributes(table[:, _ATTRIBUTES]),
            first_at=table[:, _FIRST_AT] / 1000,
        )

    def _of_group(self, group: Group, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Of each outcome in the group the place of its unit, and its value."""
        outcomes = self.outcomes(name, group.model)
        mine = outcomes.group == self.groups.index(group)
        return outcomes.place[mine], outcomes.values[mine]

    def _latencies(self, group: Group, kept: np.ndarray, places: np.ndarray) -> Rows:
        query = "SELECT unit, microseconds FROM samples WHERE arm = ?"
        samples = self._kept.whole_numbers(query, [group.number], 2)
        units, _ = group.places(samples[:, 0])
        chosen = kept[units] if len(kept) else np.zeros(0, bool)
        return Rows(samples[chosen, 1] / 1000, places[units[chosen]])

    def _before(self, units: np.ndarray, name: str) -> np.ndarray | None:
        """What each unit's outcomes added up to before the experiment; None where nothing is known of any."""
        where = "FROM outcomes WHERE metric = ? AND before = 1 GROUP BY unit ORDER BY unit"
        known = self._kept.whole_numbers(f"SELECT unit {where}", [name], 1)[:, 0]
        if not len(known):
            return None
        sums = self._kept.floats(f"SELECT sum(value) {where}", [name])
        places = np.minimum(np.searchsorted(known, units), len(known) - 1)
        return np.where(known[places] == units, sums[places], np.nan)

    def _attributes(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        sets, which = np.unique(numbers, return_inverse=True)
        query = "SELECT document FROM attributes WHERE number = ?"
        told = [json.loads(self._kept.connection.execute(query, [int(one)]).fetchone()[0]) for one in sets]
        names = sorted({name for one in told for name in one})
        return {name: np.array([one.get(name, "") for one in told], np.str_)[which] for name in names}


def _own_sums(table: np.ndarray) -> dict[str, np.ndarray]:
    sums = {
        "requests": table[:, _REQUESTS].astype(np.float64),
        "errors": table[:, _ERRORS].astype(np.float64),
        "latency_ms": table[:, _MICROSECONDS] / 1000,
    }
    if table[:, _CONFIDENCES].any():
        sums["confidence"] = table[:, _CONFIDENCE] / 1e6
        sums["confidences"] = table[:, _CONFIDENCES].astype(np.float64)
    return sums
