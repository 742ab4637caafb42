"""What a server process tells of itself, once a second."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from typing import TypedDict

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Vitals(TypedDict):
    """What a server process tells of itself: requests answered since its start, the mean wait in its queue over the
    last second, requests under way, processor seconds since its start, resident memory, and its GPU's use, 0 to 1."""

    requests: int
    queue_ms: float
    in_flight: int
    cpu_s: float
    rss_bytes: int
    gpu: float | None


class Pulse:
    """Sampled some times a second, and read once a second; at no cost to requests.

    The mean wait in the queue comes from its mean depth and the rate of answers (Little's law)."""

    def __init__(self, requests: Callable[[], int], depth: Callable[[], int], in_flight: Callable[[], int]) -> None:
        self._requests = requests
        self._depth = depth
        self._in_flight = in_flight
        self._depths: list[int] = []
        self._read_at = time.monotonic()
        self._read_requests = 0

    def sample(self) -> None:
        self._depths.append(self._depth())

    def read(self) -> Vitals:
        """The vitals since the last reading."""
        now, requests = time.monotonic(), self._requests()
        answered, seconds = requests - self._read_requests, now - self._read_at
        depth = sum(self._depths) / len(self._depths) if self._depths else 0.0
        queue_ms = 1000 * depth * seconds / max(answered, 1)
        self._depths.clear()
        self._read_at, self._read_requests = now, requests
        return Vitals(
            requests=requests,
            queue_ms=round(queue_ms, 3),
            in_flight=self._in_flight(),
            cpu_s=round(time.process_time(), 3),
            rss_bytes=resident_bytes(),
            gpu=None,
        )


def resident_bytes() -> int:
    """The resident memory of this process; its highest so far where the system does not tell the present one."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE_BYTES
    except FileNotFoundError:
        highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return highest if sys.platform == "darwin" else highest * 1024
