"""How the versions of a service answer now: from the difference of two looks at its own counters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_modeldeploy.records.figures import VersionFigures
from jupyter_modeldeploy.serving.metrics.histogram import BUCKETS_S

_SAMPLE = re.compile(
    r'^modeldeploy_(request\w+)\{model="([^"]+)",version="([^"]+)"(?:,(?:status|le)="([^"]+)")?\} (\S+)$'
)


@dataclass
class Counts:
    """Of one version: requests since the start, those that failed, and those at or below each of BUCKETS_S."""

    requests: int = 0
    failures: int = 0
    durations: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))


def counted(exposition: str) -> dict[str, Counts]:
    """By version, what a service's `/metrics` tells of its requests."""
    found: dict[str, Counts] = {}
    places = {str(bound): place for place, bound in enumerate((*BUCKETS_S, "+Inf"))}
    for line in exposition.splitlines():
        if (match := _SAMPLE.match(line)) is None:
            continue
        name, model, version, label, value = match.groups()
        counts = found.setdefault(f"{model}@{version}", Counts())
        if name == "requests_total":
            counts.requests += int(float(value))
            counts.failures += int(float(value)) * (int(label) >= 400)
        elif name == "request_duration_seconds_bucket":
            counts.durations[places[label]] = int(float(value))
    return found


def figures(before: Mapping[str, Counts], now: Mapping[str, Counts], seconds: float) -> list[VersionFigures]:
    """How each version answered in the `seconds` between two looks; 0 where there was none before."""
    return [_version(ref, before.get(ref, Counts()), counts, seconds) for ref, counts in sorted(now.items())]


def percentile(cumulative: Sequence[int], share: float) -> float | None:
    """The duration in milliseconds that `share` of the requests did not exceed, between the bounds of its bucket as if
    they lay evenly there; None without any request."""
    count = cumulative[-1]
    if count <= 0:
        return None
    wanted, below, low = share * count, 0, 0.0
    for high, inside in zip(BUCKETS_S, cumulative, strict=False):
        if inside >= wanted:
            return 1000 * (low + (high - low) * (wanted - below) / max(inside - below, 1))
        below, low = inside, high
    return 1000 * BUCKETS_S[-1]


def _version(ref: str, before: Counts, now: Counts, seconds: float) -> VersionFigures:
    answered = now.requests - before.requests
    if answered < 0 or seconds <= 0:  # it was started again in between, or there is nothing to compare with
        before, answered, seconds = now, 0, 0
    passed = [after - former for after, former in zip(now.durations, before.durations, strict=True)]
    return VersionFigures(
        version=ref,
        requests=now.requests,
        failures=now.failures,
        rps=answered / seconds if seconds else None,
        failed_share=(now.failures - before.failures) / answered if answered else None,
        p50_ms=percentile(passed, 0.5),
        p99_ms=percentile(passed, 0.99),
    )
