"""A replica's place, which outlives its processes."""

from __future__ import annotations

QUICK_CRASH_S = 10.0
"""A process that ends sooner has crashed at its start."""
MAX_QUICK_CRASHES = 5
FIRST_BACKOFF_S = 0.1
MAX_BACKOFF_S = 10.0


class Slot:
    def __init__(self) -> None:
        self.crashes = 0
        """In a row, each soon after the start."""
        self.restarts = 0
        self.restart_at = 0.0
        self.last_exit = ""

    @property
    def hopeless(self) -> bool:
        return self.crashes >= MAX_QUICK_CRASHES

    def crashed(self, lived_s: float, now: float) -> None:
        """The next process has to wait, the longer the more often this happened."""
        self.restarts += 1
        self.crashes = self.crashes + 1 if lived_s < QUICK_CRASH_S else 1
        self.restart_at = now + min(FIRST_BACKOFF_S * 2 ** min(self.crashes - 1, 10), MAX_BACKOFF_S)
