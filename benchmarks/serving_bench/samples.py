"""What was measured, round by round, and its medians."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Sample = dict[str, float]
"""Of one round: requests_per_s, cpu_us (a request, of the server's whole tree), p50_ms, p99_ms, or others by name."""


@dataclass
class Samples:
    """`cells[cell][server][round]` is a sample; `unavailable` says why a server has none at
    all (by `server`) or none for a model (by `shape/server`)."""

    cells: dict[str, dict[str, dict[int, Sample]]] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)

    def add(self, cell: str, server: str, number: int, sample: Sample) -> None:
        self.cells.setdefault(cell, {}).setdefault(server, {})[number] = sample

    def why_none(self, shape: str, server: str) -> str | None:
        return self.unavailable.get(server) or self.unavailable.get(f"{shape}/{server}")

    def median(self, cell: str, server: str, quantity: str) -> float | None:
        found = [sample[quantity] for sample in self.cells.get(cell, {}).get(server, {}).values()]
        return statistics.median(found) if found else None

    def ratio(self, cell: str, one: str, others: list[str], quantity: str, best: Callable[..., float]) -> float | None:
        """The median over the rounds of one server's quantity over the best of the others' in the same round: what
        the machine did meanwhile touches both."""
        measured = self.cells.get(cell, {})
        ratios = []
        for number, sample in measured.get(one, {}).items():
            rivals = [measured[other][number][quantity] for other in others if number in measured.get(other, {})]
            if rivals:
                ratios.append(sample[quantity] / best(rivals))
        return statistics.median(ratios) if ratios else None

    def rows(self) -> list[dict[str, Any]]:
        """A row for each cell and server: medians, how far apart the rounds were as a share of them, and the rounds."""
        return [
            {"cell": cell, "server": server, **_summary(list(by_round.values()))}
            for cell, servers in self.cells.items()
            for server, by_round in servers.items()
        ]


def _summary(samples: list[Sample]) -> dict[str, Any]:
    medians = {quantity: statistics.median(one[quantity] for one in samples) for quantity in samples[0]}
    spread = {
        quantity: round((max(one[quantity] for one in samples) - min(one[quantity] for one in samples)) / median, 3)
        for quantity, median in medians.items()
        if median
    }
    return {**_rounded(medians), "spread": spread, "rounds": [_rounded(one) for one in samples]}


def _rounded(sample: Sample) -> Sample:
    return {quantity: float(f"{value:.5g}") for quantity, value in sample.items()}
