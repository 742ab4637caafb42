"""Leaving a version alone that fails too often."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_modeldeploy import records


SLOTS = 10


class State(IntEnum):
    """The numbers are those of the metric."""

    closed = 0
    half_open = 1
    open = 2


class Breaker:
    """The circuit breaker of one version in one server process.

    It opens when at least `breaker_requests` ran within the last `breaker_window_s` seconds and at least the share
    `breaker_share` of them failed. After `breaker_open_s` it is half open: one request is let through, and how that
    ends closes or opens it.

    Successes are not reported one by one: `succeeded` tells how many there have been, and `tick`, called some times a
    second, notes when. So a request that succeeds pays nothing for the breaker."""

    def __init__(
        self,
        settings: records.Breaker,
        succeeded: Callable[[], int],
        changed: Callable[[State], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.state = State.closed
        self._succeeded = succeeded
        self._changed = changed
        self._clock = clock
        self._failures = 0
        self._probing = False
        self._opened_at = 0.0
        self._window: deque[tuple[float, int, int]] = deque()
        self._begin()

    @property
    def retry_after_s(self) -> float:
        """When it lets a request through again, at the earliest."""
        return max(0.0, self._opened_at + self.settings.breaker_open_s - self._clock())

    def tick(self) -> None:
        """Note how many requests there have been by now."""
        now = self._clock()
        if now - self._window[-1][0] >= self.settings.breaker_window_s / SLOTS:
            self._window.append((now, self._succeeded(), self._failures))
        while len(self._window) > 1 and self._window[1][0] <= now - self.settings.breaker_window_s:
            self._window.popleft()

    def admits(self) -> bool:
        """Whether a request may be run. One that is let through while it is half open must be reported."""
        if self.state is State.closed:
            return True
        if self._probing or (self.state is State.open and self.retry_after_s > 0):
            return False
        self._probing = True
        self._become(State.half_open)
        return True

    def failed(self) -> None:
        """A run failed by the model."""
        self._failures += 1
        if self.state is State.half_open:
            self._open()
        elif self.state is State.closed:
            self.tick()
            _, succeeded, failures = self._window[0]
            failures = self._failures - failures
            requests = self._succeeded() - succeeded + failures
            share = self.settings.breaker_share
            if share and requests >= self.settings.breaker_requests and failures >= share * requests:
                self._open()

    def passed(self) -> None:
        """A run succeeded; needs to be told while it is half open."""
        if self.state is State.half_open:
            self._probing = False
            self._begin()
            self._become(State.closed)

    def undecided(self) -> None:
        """A request that was let through ended without telling anything of the model."""
        self._probing = False

    def _open(self) -> None:
        self._probing = False
        self._opened_at = self._clock()
        self._become(State.open)

    def _begin(self) -> None:
        self._window.clear()
        self._window.append((self._clock(), self._succeeded(), self._failures))

    def _become(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self._changed(state)
