"""What was counted, as it is handed to the judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jupyter_modeldeploy.experiments import groups
from jupyter_modeldeploy.experiments.counted import Counted
from jupyter_modeldeploy.experiments.groups import Group
from jupyter_modeldeploy.experiments.observed import Observed, Rows
from jupyter_modeldeploy.experiments.spool import OWN_FIGURES
from jupyter_modeldeploy.records import Metric


def observed(
    counted: Counted, base: str, candidate: str, metrics: Sequence[Metric], since: int, experiment: str = ""
) -> list[Observed]:
    """As `Collector.observed`."""
    mine = groups_of(counted, base, candidate, since, experiment)
    return [_Handed(counted, group).observed(metrics) for group in mine]


def groups_of(counted: Counted, base: str, candidate: str, since: int, experiment: str) -> list[Group]:
    """Those that are held against each other, stage by stage, the base first."""
    wanted = {base: 0, candidate: 1}
    mine = [group for group in counted.groups if group.version in wanted and group.experiment == experiment]
    return sorted((one for one in mine if one.stage >= since), key=lambda one: (one.stage, wanted[one.version]))


def outcomes_of(metrics: Sequence[Metric]) -> set[str]:
    """The names of the outcomes that these metrics are made from."""
    return {name for one in metrics for name in (one.of, one.per) if name is not None} - OWN_FIGURES


@dataclass(frozen=True)
class _Handed:
    """The units of one group without those that crossed."""

    counted: Counted
    group: Group

    def observed(self, metrics: Sequence[Metric]) -> Observed:
        group = self.group
        kept = self._kept()
        table = group.table if kept is None else group.table[:, kept]
        named = outcomes_of(metrics) & {*self.counted.metrics()}
        outcomes = {name: self._of_group(name, kept) for name in sorted(named)}
        units = table.shape[1]
        rows = {}
        for metric in metrics:
            if metric.kind == "percentile" and metric.of == "latency_ms":
                rows[metric.of] = self._latencies(table[groups.UNIT])
            elif metric.kind == "percentile" and metric.of in outcomes:
                rows[metric.of] = outcomes[metric.of]
        sums = {name: np.bincount(each.units, each.values, units) for name, each in outcomes.items()}
        return Observed(
            version=group.version,
            stage=group.stage,
            weight=group.share,
            units=units,
            sums={**_own_sums(table), **sums},
            rows=rows,
            before={name: one for name in outcomes if (one := self._before(table[groups.UNIT], name)) is not None},
            attributes=self._attributes(table[groups.ATTRIBUTES]),
            first_at=table[groups.FIRST_AT] / 1000,
        )

    def _kept(self) -> np.ndarray | None:
        """bool[units]; None for all of them."""
        crossed = self.counted.crossed(self.group)
        if not len(crossed):
            return None
        kept = np.ones(len(self.group.units), bool)
        places, there = self.group.places(crossed)
        kept[places[there]] = False
        return kept

    def _of_group(self, name: str, kept: np.ndarray | None) -> Rows:
        outcomes = self.counted.outcomes(name, self.group.model)
        mine = outcomes.group == self.group.number
        units, values = outcomes.place[mine], outcomes.values[mine]
        if kept is None:
            return Rows(values, units)
        places = np.cumsum(kept) - 1
        return Rows(values[kept[units]], places[units[kept[units]]])

    def _latencies(self, units: np.ndarray) -> Rows:
        owners, microseconds = self.counted.samples(self.group)
        places, there = groups.places(units, owners)
        return Rows(microseconds[there] / 1000, places[there])

    def _before(self, units: np.ndarray, name: str) -> np.ndarray | None:
        """What each unit's outcomes added up to before the experiment; None where nothing is known of any."""
        known, sums = self.counted.before(name)
        if not len(known):
            return None
        places, there = groups.places(known, units)
        return np.where(there, sums[places], np.nan)

    def _attributes(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        sets, which = _distinct(numbers)
        told = [self.counted.attributes(number) for number in sets]
        names = sorted({name for one in told for name in one})
        return {name: np.array([one.get(name, "") for one in told], np.object_)[which] for name in names}


def _distinct(numbers: np.ndarray) -> tuple[list[int], np.ndarray]:
    """As `np.unique` with its inverse, of small numbers and without sorting them."""
    sets = np.flatnonzero(np.bincount(numbers))
    places = np.zeros(int(sets.max(initial=0)) + 1, np.int64)
    places[sets] = np.arange(len(sets))
    return sets.tolist(), places[numbers]


def _own_sums(table: np.ndarray) -> dict[str, np.ndarray]:
    sums = {
        "requests": table[groups.REQUESTS].astype(np.float64),
        "errors": table[groups.ERRORS].astype(np.float64),
        "latency_ms": table[groups.MICROSECONDS] / 1000,
    }
    if table[groups.CONFIDENCES].any():
        sums["confidence"] = table[groups.CONFIDENCE] / 1e6
        sums["confidences"] = table[groups.CONFIDENCES].astype(np.float64)
    return sums
