"""How the cores of a machine may be shared out, and which of the ways a target asks for."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_modeldeploy.records.optimizations import Layout, Target, Timing

BATCHES = (1, 4, 16)
MOST_RUN_S = 1.5
"""A longer run makes a client wait too long, and the search too."""


class Layouts:
    """Those of a machine with so many cores. On a GPU one run at a time has all of it."""

    def __init__(self, cores: int, target: Target, device: str) -> None:
        shares = [cores] if device.startswith("cuda") else sorted({cores, max(1, cores // 2), 1}, reverse=True)
        self._latency = [Layout(threads=threads) for threads in shares]
        at_once = {share: 1 if device.startswith("cuda") else cores // share for share in shares}
        self._throughput = [
            Layout(threads=share, instances=at_once[share], batch=batch) for batch in BATCHES for share in shares
        ]
        self._target = target

    @property
    def wanted(self) -> list[Layout]:
        """What candidates are compared in."""
        return self._throughput if self._target == "throughput" else self._latency

    @property
    def every(self) -> list[Layout]:
        """What is told in the end."""
        return list({str(one): one for one in (*self._latency, *self._throughput)}.values())

    def is_bearable(self, layout: Layout, run_s: float) -> bool:
        return layout.batch == 1 or layout.batch * run_s <= MOST_RUN_S

    def best(self, timings: Sequence[Timing]) -> Timing | None:
        return self.busiest(timings) if self._target == "throughput" else self.quickest(timings)

    def quickest(self, timings: Sequence[Timing]) -> Timing | None:
        """One row after the other."""
        alone = [one for one in timings if one.layout.is_alone]
        return max(alone, key=lambda one: one.speed.median, default=None)

    def busiest(self, timings: Sequence[Timing]) -> Timing | None:
        return max(timings, key=lambda one: one.rows_per_s.median, default=None)
