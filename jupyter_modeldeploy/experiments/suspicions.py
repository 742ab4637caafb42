"""Units and outcomes that were left out of a comparison, or that look made up."""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from jupyter_modeldeploy.experiments.counted import Counted, units_of
from jupyter_modeldeploy.experiments.groups import Group, places
from jupyter_modeldeploy.experiments.kept import Kept
from jupyter_modeldeploy.records import Suspicion

BY_CHANCE = 0.05
"""How many units, of all, would be called busy for nothing if logarithms of requests were normal."""
AT_LEAST_TIMES = 10.0
"""Nobody is called busy who does not ask so many times as often as the unit in the middle."""
MAD_TO_DEVIATION = 0.6745
"""The median of a standard normal's absolute values."""


def of(
    counted: Counted, kept: Kept, mine: Sequence[Group], outcomes: Set[str], begun_at: float = 0.0
) -> list[Suspicion]:
    """All that there are among the units of the groups `mine` and the outcomes of these names, and what the service has
    lost since `begun_at`, in seconds since the epoch."""
    found = [
        _crossed(counted, mine),
        _busiest(mine),
        _duplicate(counted, mine, outcomes),
        _unknown(counted, outcomes),
        _dropped(kept, begun_at),
        _damaged(kept, begun_at),
    ]
    return [suspicion for suspicion in found if suspicion is not None]


def busy(requests: np.ndarray) -> np.ndarray:
    """bool[units]: which units sent absurdly many of `requests` int64[units].

    By the modified z-score of their logarithms, from the median and the median absolute deviation, which the busy ones
    themselves hardly move (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", ASQC 1993). Their limit of 3.5 is
    for a few dozen values; here it rises with the number of units, so that it holds for a million."""
    if len(requests) < 2:
        return np.zeros(len(requests), bool)
    logs = np.log(requests)
    middle = np.median(logs)
    deviation = np.median(np.abs(logs - middle)) / MAD_TO_DEVIATION
    limit = middle + special.ndtri(1 - BY_CHANCE / len(requests)) * deviation
    return np.asarray(logs > max(limit, middle + np.log(AT_LEAST_TIMES)))


def _crossed(counted: Counted, mine: Sequence[Group]) -> Suspicion | None:
    splits = {group.split: group for group in mine}
    count = sum(len(counted.crossed(group)) for group in splits.values())
    note = f"{count} units got several versions while the split stayed the same; they are left out."
    return Suspicion(kind="crossed", count=count, note=note) if count else None


def _busiest(mine: Sequence[Group]) -> Suspicion | None:
    """Over all stages and both versions: a unit is a unit, whatever it got."""
    if not mine:
        return None
    units, which = np.unique(units_of(mine), return_inverse=True)
    requests = np.bincount(which, np.concatenate([group.requests for group in mine]), len(units))
    count = int(busy(requests).sum())
    if not count:
        return None
    most, middle = int(requests.max()), int(np.median(requests))
    note = f"{count} units sent far more requests than others, up to {most:,} against {middle:,}; each counts as one."
    return Suspicion(kind="busiest", count=count, note=note)


def _duplicate(counted: Counted, mine: Sequence[Group], outcomes: Set[str]) -> Suspicion | None:
    units, times = counted.repeats(outcomes)
    count = int(times[places(np.unique(units_of(mine)), units)[1]].sum())
    note = f"{count} outcomes came again, with the same id or for the same request; the first of each counts."
    return Suspicion(kind="duplicate", count=count, note=note) if count else None


def _unknown(counted: Counted, outcomes: Set[str]) -> Suspicion | None:
    """Outcomes of no version: those of units that were never seen, or only long after. Whose units these will be is not
    known, so an experiment is told of all that have the names of its own outcomes."""
    models = {group.model for group in counted.groups} or {""}
    count = 0
    for metric in outcomes & {*counted.metrics()}:
        nowhere = [counted.outcomes(metric, model).group < 0 for model in sorted(models)]
        count += int(np.logical_and.reduce(nowhere).sum())
    note = f"{count} outcomes are of units that no version had answered by then; they wait for them."
    return Suspicion(kind="unknown", count=count, note=note) if count else None


def _dropped(kept: Kept, begun_at: float) -> Suspicion | None:
    count = kept.losses("dropped", begun_at)
    note = f"{count} rows of the service could not be written: the disk was full, or nobody counted them in time."
    return Suspicion(kind="dropped", count=count, note=note) if count else None


def _damaged(kept: Kept, begun_at: float) -> Suspicion | None:
    count, lost = kept.losses("damaged", begun_at), kept.losses("lost", begun_at)
    note = (
        f"{count} of the files in which requests are recorded were damaged, or of another release; at least {lost} of "
        "their rows are lost, and all else is counted."
    )
    return Suspicion(kind="damaged", count=count, note=note) if count else None
