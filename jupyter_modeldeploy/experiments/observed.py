"""What the units of one version did, as every way of comparing versions hands it to the judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Rows:
    """Single values, for percentiles: `values` float64[rows], and whose each is: `units` int64[rows], places among the
    units of the same `Observed`."""

    values: np.ndarray
    units: np.ndarray


@dataclass(frozen=True)
class Observed:
    """One version (`name@2`) in one `stage` of the traffic's split, of which it got the share `weight`.

    `sums` are float64[units] each, by the figure's name: `requests`, `errors`, `latency_ms`, `confidence` added up over
    a unit's requests, and the outcomes; a unit without an outcome has 0 there. `rows` are for those that a percentile
    is asked of. `before` are sums from before the experiment, NaN where nothing is known of the unit. `attributes` are
    str[units], empty where a unit has none. `first_at` is float64[units], seconds since the epoch."""

    version: str
    stage: int
    weight: float
    units: int
    sums: Mapping[str, np.ndarray]
    rows: Mapping[str, Rows] = field(default_factory=dict)
    before: Mapping[str, np.ndarray] = field(default_factory=dict)
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)
    first_at: np.ndarray | None = None
