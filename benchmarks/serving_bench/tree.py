"""The processes of a server: found by a mark in their environment, which children inherit and daemons keep."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

MARK = "BENCHMARK_SERVER"
N = TypeVar("N", int, float)
TICKS = os.sysconf("SC_CLK_TCK")


class Tree:
    """All processes that were started with `environment()`, and what they cost together."""

    def __init__(self) -> None:
        self._mark = f"{MARK}={uuid.uuid4().hex}".encode()

    def environment(self) -> dict[str, str]:
        name, _, value = self._mark.decode().partition("=")
        return {**os.environ, name: value}

    def pids(self) -> list[int]:
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and self._holds(entry)]

    def cpu_seconds(self) -> dict[int, float]:
        """User and system time by process, in steps of 10 ms."""
        return _each(self.pids(), _cpu_seconds)

    def memory(self, pids: Iterable[int] | None = None) -> int:
        """Bytes: the proportional set size of all. What several processes map is counted once, shared out."""
        return sum(_each(self.pids() if pids is None else pids, _pss).values())

    def signal(self, number: signal.Signals) -> None:
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue  # ended meanwhile

    def kill(self) -> None:
        """End them, the graceful way first."""
        for number, patience_s in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)):
            self.signal(number)
            self.signal(signal.SIGCONT)
            deadline = time.monotonic() + patience_s
            while self.pids() and time.monotonic() < deadline:
                time.sleep(0.05)

    def _holds(self, entry: Path) -> bool:
        try:
            if self._mark not in (entry / "environ").read_bytes().split(b"\0"):
                return False
            return (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return False  # ended meanwhile, or another user's


def used(before: dict[int, float], after: dict[int, float]) -> float:
    """Seconds of processor time between two looks, those of processes that came meanwhile included."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def _each(pids: Iterable[int], read: Callable[[int], N]) -> dict[int, N]:
    found = {}
    for pid in pids:
        try:
            found[pid] = read(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
    return found


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
