"""How long runs of a version take, as far as the latest ones tell."""

from __future__ import annotations

NEWEST_WEIGHS = 0.2
DEVIATIONS = 4.0
FIRST = 3
"""Of so many runs the fastest is believed: one of them may be one in which this process was stopped."""
MOST_TIMES_THE_MEAN = 10.0
"""What counts of a later run that took far longer than those before it, for the same reason."""


class RunTimes:
    """Exponentially weighted means, in seconds, as TCP estimates its round-trip time (RFC 6298)."""

    __slots__ = ("_observed", "deviation_s", "row_s", "run_s")

    def __init__(self, expected_s: float = 0.0) -> None:
        """`expected_s` is what a warm-up told of a run of one row, 0 if there was none."""
        self.run_s = self.row_s = expected_s
        self.deviation_s = expected_s / 2
        self._observed = 0

    @property
    def cautious_s(self) -> float:
        """What a run rarely takes longer than."""
        return self.run_s + DEVIATIONS * self.deviation_s

    def observe(self, seconds: float, rows: int) -> None:
        """A run took so long."""
        row_s = seconds / max(rows, 1)
        self._observed += 1
        if self._observed <= FIRST:
            first = self._observed == 1
            self.run_s = seconds if first else min(seconds, self.run_s)
            self.row_s = row_s if first else min(row_s, self.row_s)
            self.deviation_s = self.run_s / 2
            return
        seconds = min(seconds, MOST_TIMES_THE_MEAN * self.run_s)
        self.deviation_s += NEWEST_WEIGHS * (abs(seconds - self.run_s) - self.deviation_s)
        self.run_s += NEWEST_WEIGHS * (seconds - self.run_s)
        self.row_s += NEWEST_WEIGHS * (seconds / max(rows, 1) - self.row_s)
