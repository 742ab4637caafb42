"""What a service's instance type grants it: cores and memory of this machine."""

from __future__ import annotations

import os
from typing import Any


class Resources:
    """The grant of `spec["instance_type"]` (`cpu-2c4g`: 2 cores, 4 GiB), or all that this process may use without one.

    Making it sets this process's affinity, which the server processes started later inherit."""

    everything = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None

    def __init__(self, spec: dict[str, Any]) -> None:
        self.name = spec["instance_type"]
        available = len(self.everything) if self.everything else os.cpu_count() or 1
        self._memory: int | None = None
        self._cores = available
        if self.name:
            cores, memory = self.name.partition("-")[2].rstrip("g").split("c")
            self._cores = max(1, min(int(cores), available))
            self._memory = int(memory) * 2**30
        if self.everything:
            first = os.getpid() % available  # services beside each other do not all crowd the first cores
            rotated = self.everything[first:] + self.everything[:first]
            os.sched_setaffinity(0, rotated[: self._cores])

    def cores_each(self, replicas: int) -> float:
        """Cores for each of so many replicas; less than one where they share."""
        return self._cores / replicas

    def memory_share(self, replicas: int) -> int | None:
        """Bytes for each of so many replicas; None without a limit."""
        return None if self._memory is None else self._memory // max(1, replicas)
