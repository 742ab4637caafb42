"""The file of results: what this run measured, merged into what former runs did."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from serving_bench.cells import CELLS
from serving_bench.samples import Samples
from serving_bench.shapes import CORES
from serving_bench.targets import TARGETS, Target


@dataclass
class Results:
    """Of one run, with what was asked of it."""

    samples: Samples
    versions: dict[str, dict[str, str]]
    parts: Sequence[str]
    peers: Sequence[str]
    rounds: int
    seconds: float
    load_before: float
    """The machine's load average before the run: of other programs."""

    def figure(self, target: Target) -> float | None:
        """None where it was not measured. The best of some peers is not the best peer."""
        if not self._asked_for(target):
            return None
        value = target.value(self.samples)
        return None if value is None else float(f"{value:.4g}")

    def reason(self, target: Target) -> str | None:
        """Why a figure that was asked for cannot be had here."""
        if not target.peers or not self._asked_for(target):
            return None
        reasons = [self.samples.why_none(target.shape, peer) for peer in target.peers]
        return "; ".join(map(str, reasons)) if all(reasons) else None

    def _asked_for(self, target: Target) -> bool:
        return target.part in self.parts and set(target.peers) <= set(self.peers)

    def merge_into_file(self, path: Path) -> None:
        """Figures and rows that were measured replace the former ones; all others stay."""
        old: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        merged = {
            "machine": machine(),
            "versions": {**old.get("versions", {}), **self.versions},
            "parts": {**old.get("parts", {}), **dict.fromkeys(self.parts, self._how())},
            "figures": self._figures(old.get("figures", {})),
            "unavailable": self._unavailable(old.get("unavailable", {})),
            "rows": self._rows(old.get("rows", [])),
        }
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(merged, indent=2, ensure_ascii=False) + "\n")

    def _how(self) -> dict[str, Any]:
        measured = datetime.now(UTC).isoformat(timespec="seconds")
        return {
            "measured": measured,
            "rounds": self.rounds,
            "seconds": self.seconds,
            "load_before": round(self.load_before, 2),
        }

    def _figures(self, old: dict[str, Any]) -> dict[str, float | None]:
        figures = {}
        for target in TARGETS:
            value = self.figure(target)
            if value is not None or self.reason(target) is not None:
                figures[target.figure] = value
            else:
                figures[target.figure] = old.get(target.figure)
        return figures

    def _unavailable(self, old: dict[str, str]) -> dict[str, str]:
        kept = {name: reason for name, reason in old.items() if name.rpartition("/")[2] not in self.versions}
        return {**kept, **self.samples.unavailable}

    def _rows(self, old: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """In the order of the cells."""
        new = self.samples.rows()
        measured = {(row["cell"], row["server"]) for row in new}
        rows = [row for row in old if "cell" in row and (row["cell"], row["server"]) not in measured] + new
        order = {cell.name: number for number, cell in enumerate(CELLS)}
        return sorted(rows, key=lambda row: order.get(row["cell"], len(order)))


def machine() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": CORES,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "platform": platform.platform(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
