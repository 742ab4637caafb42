"""How often each caller may ask."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

MAX_CALLERS = 10_000


class TokenBuckets:
    """A token bucket for each caller: `rate` tokens a second, at most `burst` of them, one for each request.

    Kept as one number a caller, the time at which the bucket is full again (the generic cell rate algorithm of
    ITU-T I.371), so that a full bucket need not be remembered."""

    def __init__(self, rate: float, burst: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = burst or max(1, math.ceil(rate))
        self._token_s = 1 / rate
        self._bucket_s = self.burst / rate
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def take(self, caller: str) -> float:
        """Take a token. Gives 0, or the seconds until there will be one."""
        now = self._clock()
        full_at = max(self._full_at.get(caller, now), now) + self._token_s
        if full_at - now > self._bucket_s * (1 + 1e-9):
            return full_at - now - self._bucket_s
        if len(self._full_at) >= MAX_CALLERS and caller not in self._full_at:
            self._make_room(now)
        self._full_at[caller] = full_at
        return 0.0

    def _make_room(self, now: float) -> None:
        """Forget the full buckets, or where there is none the fullest."""
        kept = {caller: full_at for caller, full_at in self._full_at.items() if full_at > now}
        if len(kept) >= MAX_CALLERS:
            by_need = sorted(kept.items(), key=lambda one: -one[1])
            kept = dict(by_need[: MAX_CALLERS // 2])
        self._full_at = kept
