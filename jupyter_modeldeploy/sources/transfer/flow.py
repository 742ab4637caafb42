"""What all transfers of one fetch share: the bandwidth they may use, when to stop, and how long to try again."""

from __future__ import annotations

import logging
import random
import threading
import time
from urllib.parse import urlsplit

import httpcore
import httpx

from jupyter_modeldeploy.errors import ModelDeployError, Overloaded, Unavailable
from jupyter_modeldeploy.sources.transfer.answers import InterruptionError

log = logging.getLogger(__name__)
ATTEMPTS = 6
FIRST_DELAY_S, LONGEST_DELAY_S = 0.25, 120.0
INTERRUPTIONS = (
    InterruptionError,
    httpx.TransportError,
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
)
"""What may go better the next time. Bytes that are read from a connection itself raise httpcore's own errors."""


class StoppedError(Exception):
    """Another transfer has failed, or nobody waits any more."""


class Flow:
    """Lets through at most `limit` bytes per second over all threads (None: any number), until it is stopped."""

    def __init__(self, limit: int | None) -> None:
        self._limit, self._lock, self._free_at = limit, threading.Lock(), 0.0
        self._stopped = threading.Event()

    @property
    def largest(self) -> int | None:
        """The most bytes to take at once, so that a limited flow is an even one; None for any."""
        return None if self._limit is None else max(1024, self._limit // 20)

    def passed(self, count: int) -> None:
        """Wait for as long as `count` bytes take at the limit. Raises StoppedError."""
        if self._stopped.is_set():
            raise StoppedError
        if self._limit is not None:
            with self._lock:
                now = time.monotonic()
                self._free_at = max(now, self._free_at) + count / self._limit
                delay = self._free_at - now
            self.sleep(delay)

    def sleep(self, seconds: float) -> None:
        """Raises StoppedError as soon as the flow is stopped."""
        if self._stopped.wait(seconds):
            raise StoppedError

    def stop(self) -> None:
        self._stopped.set()


class Patience:
    """How long one transfer is tried again: as long as it gets on, else a few times, each after a longer wait."""

    def __init__(self, name: str, url: str, flow: Flow) -> None:
        self._name, self._url, self._flow, self._fruitless = name, url, flow, 0

    def wait(self, error: Exception, *, got_on: bool, kept: int) -> None:
        """Return when it is time to try again after `error`. Raises Overloaded where the server asks for fewer
        requests all along, Unavailable after other failures."""
        self._fruitless = 1 if got_on else self._fruitless + 1
        wanted = getattr(error, "delay_s", None)
        if self._fruitless >= ATTEMPTS or (wanted is not None and wanted > LONGEST_DELAY_S):
            raise self._given_up(error, wanted, kept) from error
        delay = FIRST_DELAY_S * 2 ** (self._fruitless - 1) * random.uniform(0.5, 1.0) if wanted is None else wanted
        log.info("%s stopped (%s); again in %.1f s", self._name, error or type(error).__name__, delay)
        self._flow.sleep(min(delay, LONGEST_DELAY_S))

    def _given_up(self, error: Exception, wanted: float | None, kept: int) -> ModelDeployError:
        host = urlsplit(self._url).hostname
        hint = f"{kept} bytes are kept; the next attempt goes on from there."
        if getattr(error, "status", None) == 429:
            when = f"in {wanted:.0f} s" if wanted else "later"
            message = f"{host} asks for fewer requests and lets nothing through ({self._name})."
            return Overloaded(message, f"Try again {when}. {hint}", wanted or LONGEST_DELAY_S)
        why = f"{error}" or type(error).__name__
        return Unavailable(f"{self._name} could not be downloaded from {host}: {why}.", hint)
