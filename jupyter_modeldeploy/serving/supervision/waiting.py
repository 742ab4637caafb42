"""Sleeping until a signal, a message or a connection is there, or it is time."""

from __future__ import annotations

import os
import selectors
import signal
import socket
from collections.abc import Callable

Source = int | socket.socket


class Waiting:
    """`told` is called with the number of each signal of `signals` that came, when the sleep is over."""

    def __init__(self, signals: list[signal.Signals], told: Callable[[int], None]) -> None:
        self._selector = selectors.DefaultSelector()
        self._told = told
        self._numbers, wakeup = os.pipe()
        for descriptor in (self._numbers, wakeup):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        for number in signals:
            signal.signal(number, lambda number, frame: None)  # the byte in the pipe is what tells of it
        self.watch(self._numbers, self._signalled)

    def watch(self, source: Source, then: Callable[[], None] | None = None) -> None:
        """End a sleep when there is something to read or to accept, and call `then`."""
        self._selector.register(source, selectors.EVENT_READ, then)

    def forget(self, source: Source) -> None:
        """No longer watch what may be closed already."""
        self._selector.unregister(source)

    def sleep(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if key.data is not None:
                key.data()

    def _signalled(self) -> None:
        for number in os.read(self._numbers, 4096):
            self._told(number)
