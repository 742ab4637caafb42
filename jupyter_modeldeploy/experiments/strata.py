"""What is compared within itself: a stage of the traffic's split, or some of its units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jupyter_modeldeploy.experiments.observed import Observed, Rows
from jupyter_modeldeploy.records import Metric


@dataclass(frozen=True)
class Stratum:
    """What the units of both versions did while the split stayed the same."""

    base: Observed
    candidate: Observed

    @property
    def sides(self) -> tuple[Observed, Observed]:
        return self.base, self.candidate

    def only(self, metric: Metric) -> Stratum:
        """With what the metric is of alone, so that parts of it are cheap to make."""
        names = {metric.of, metric.per or "requests"}
        base, candidate = (
            replace(
                one,
                sums={name: each for name, each in one.sums.items() if name in names},
                rows={name: each for name, each in one.rows.items() if name in names},
                before={name: each for name, each in one.before.items() if name in names},
                attributes={},
                first_at=None,
            )
            for one in self.sides
        )
        return Stratum(base, candidate)


def strata(observed: Sequence[Observed], base: str, candidate: str, also_empty: bool = False) -> list[Stratum]:
    """In the order of their numbers, those in which both versions had a share of the traffic, and units unless they are
    `also_empty`: units that a version kept while the split gave it nothing are compared with nobody."""
    known = {(one.version, one.stage): one for one in observed if one.weight > 0 and (one.units or also_empty)}
    numbers = sorted({number for _, number in known})
    both = [(known.get((base, number)), known.get((candidate, number))) for number in numbers]
    return [Stratum(one, other) for one, other in both if one and other]


def among(one: Observed, chosen: np.ndarray) -> Observed:
    """Only the units that are `chosen` bool[units]."""
    places = np.cumsum(chosen) - 1
    rows = {}
    for name, each in one.rows.items():
        kept = chosen[each.units]
        rows[name] = Rows(each.values[kept], places[each.units[kept]])
    return replace(
        one,
        units=int(chosen.sum()),
        sums=_of(one.sums, chosen),
        rows=rows,
        before=_of(one.before, chosen),
        attributes=_of(one.attributes, chosen),
        first_at=None if one.first_at is None else one.first_at[chosen],
    )


def _of(columns: Mapping[str, np.ndarray], chosen: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[chosen] for name, values in columns.items()}
