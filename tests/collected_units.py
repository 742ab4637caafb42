"""What a service's processes recorded, and a collector that counts it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from jupyter_modeldeploy.experiments import spool
from jupyter_modeldeploy.experiments.collecting import Collector
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.experiments.spool import Spool
from jupyter_modeldeploy.records import Metric

BASE, CANDIDATE = "m@1", "m@2"
ARMS = [(1, BASE, 0.5), (1, CANDIDATE, 0.5), (4, BASE, 0.1), (4, CANDIDATE, 0.9)]
BUYS = Metric(name="buys", of="buys")
SLOWEST = Metric(name="p99", kind="percentile", percentile=0.99, of="latency_ms")
DEAREST = Metric(name="dearest", kind="percentile", percentile=0.9, of="buys")

Row = list[Any]


def exposure(arm: int, unit: str | None, at: int, request: str | None = None, **more: Any) -> Row:
    """A row at so many seconds."""
    told = {"microseconds": 2000, "failed": 0, "confidence": None, "region": "", **more}
    return [arm, unit, request, at * 1000, *told.values()]


def outcome(unit: str | None, value: float = 1.0, at: int | None = None, **more: Any) -> Row:
    told = {"request": None, "metric": "buys", "id": None, "received": 10_000, "before": 0, **more}
    when = None if at is None else at * 1000
    return [unit, told["request"], told["metric"], value, told["id"], when, told["received"] * 1000, told["before"]]


class Kept:
    """A collector and the folder that it reads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.spool = Spool(folder / spool.FOLDER)
        self.file = folder / "kept.sqlite"
        self.collector = Collector(self.spool.folder, self.file)

    def add(self, exposures: Sequence[Row] = (), outcomes: Sequence[Row] = (), dropped: int = 0) -> Path:
        lines = [orjson.dumps({"exposures": exposures}), orjson.dumps({"outcomes": outcomes})]
        return self.spool.write(ARMS, ["region"], lines, len(exposures) + len(outcomes), dropped)

    def fold(self, exposures: Sequence[Row] = (), outcomes: Sequence[Row] = ()) -> int:
        self.add(exposures, outcomes)
        return self.collector.fold()

    def observed(self, *metrics: Metric) -> dict[tuple[int, str], Observed]:
        found = self.collector.observed(BASE, CANDIDATE, metrics or (BUYS, SLOWEST, DEAREST))
        return {(one.stage, one.version): one for one in found}

    def sums(self, name: str, stage: int = 1, version: str = BASE) -> list[float]:
        return sorted(self.observed()[stage, version].sums[name].tolist())

    def limit_pages(self, most: int) -> None:
        """From now on its file may not grow beyond that, as on a full disk."""
        self.collector._kept.connection.execute(f"PRAGMA max_page_count = {most}")

    def do_not_wait(self) -> None:
        self.collector._kept.connection.execute("PRAGMA busy_timeout = 0")

    def watch(self, query: Callable[[str], None]) -> None:
        self.collector._kept.connection.set_trace_callback(query)

    def suspicions(self, base: str = BASE, candidate: str = CANDIDATE, **of: Any) -> dict[str, int]:
        found = self.collector.suspicions(base, candidate, of.pop("metrics", [BUYS]), **of)
        return {one.kind: one.count for one in found}
