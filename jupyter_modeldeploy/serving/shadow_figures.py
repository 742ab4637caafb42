"""What the records of shadow versions say, with intervals."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from scipy import special  # type: ignore[import-untyped]

from jupyter_modeldeploy.intervals import wilson
from jupyter_modeldeploy.records import Interval, ShadowComparison, ShadowFigures

LEVEL = 0.95


def shadow_figures(service: str, records: Iterable[dict[str, Any]]) -> ShadowFigures:
    """The comparisons of each pair of versions."""
    records = list(records)
    compared = sorted((one for one in records if "shadow" in one), key=_pair)
    return ShadowFigures(
        service=service,
        comparisons=[_comparison(list(of)) for _, of in itertools.groupby(compared, key=_pair)],
        dropped=sum(one.get("dropped", 0) for one in records),
    )


def _pair(record: dict[str, Any]) -> tuple[str, int, int]:
    return record["model"], record["version"], record["shadow"]


def _comparison(records: Sequence[dict[str, Any]]) -> ShadowComparison:
    model, version, shadow = _pair(records[0])
    answered = [one for one in records if "error" not in one]
    differences = [one["difference"] for one in answered if one["difference"] is not None]
    return ShadowComparison(
        model=model,
        version=f"{model}@{version}",
        shadow=f"{model}@{shadow}",
        copies=len(records),
        errors=wilson(len(records) - len(answered), len(records), LEVEL),
        agreement=wilson(sum(one["agree"] for one in answered), len(answered), LEVEL) if answered else None,
        difference_median=statistics.median(differences) if differences else None,
        difference_max=max(differences, default=None),
        version_ms=statistics.fmean(one["ms"] for one in answered) if answered else None,
        shadow_ms=statistics.fmean(one["shadow_ms"] for one in answered) if answered else None,
        slower_ms=_mean([one["shadow_ms"] - one["ms"] for one in answered]),
    )


def _mean(values: Sequence[float]) -> Interval | None:
    """Of pairs' differences, by Student's t; None of fewer than two."""
    if len(values) < 2:
        return None
    value = statistics.fmean(values)
    reach = special.stdtrit(len(values) - 1, (1 + LEVEL) / 2) * statistics.stdev(values) / math.sqrt(len(values))
    return Interval(value=value, low=value - float(reach), high=value + float(reach), level=LEVEL)
