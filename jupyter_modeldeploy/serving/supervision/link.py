"""A server process's line to its supervisor: JSON lines in on standard input, out on standard output."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any

ORPHAN_GRACE_S = 5.0
READ_BYTES = 65536

log = logging.getLogger(__name__)


class Link:
    """The end of the input means that the supervisor is gone: then this process ends too."""

    def __init__(self) -> None:
        self._rest = b""
        self._lock = threading.Lock()
        self._waiting: list[dict[str, Any]] = []
        self._loop: AbstractEventLoop | None = None
        self._take: Callable[[dict[str, Any]], None] | None = None

    def first_line(self) -> bytes:
        """The first line, once it is there; from then on the others are read by a thread."""
        while b"\n" not in self._rest:
            piece = os.read(0, READ_BYTES)  # not through sys.stdin: a thread must not hold its lock at the end
            if not piece:
                raise SystemExit("the supervisor is gone")
            self._rest += piece
        line, self._rest = self._rest.split(b"\n", 1)
        threading.Thread(target=self._read, daemon=True, name="supervisor").start()
        return line

    def attach(self, loop: AbstractEventLoop, take: Callable[[dict[str, Any]], None]) -> None:
        """Call `take` on the loop with each message, those that came before included."""
        os.set_blocking(1, False)
        with self._lock:
            self._loop, self._take = loop, take
            for message in self._waiting:
                loop.call_soon_threadsafe(take, message)
            self._waiting.clear()

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message. It is lost where the supervisor reads nothing for minutes, as when it is stopped."""
        try:
            os.write(1, json.dumps(message).encode() + b"\n")
        except BlockingIOError:
            log.warning("the supervisor does not listen")
        except BrokenPipeError:
            log.warning("the supervisor is gone")

    def _read(self) -> None:
        while True:
            *lines, self._rest = self._rest.split(b"\n")
            for line in lines:
                self._hand_over(json.loads(line))
            piece = os.read(0, READ_BYTES)
            if not piece:
                break
            self._rest += piece
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_GRACE_S)
        os._exit(1)

    def _hand_over(self, message: dict[str, Any]) -> None:
        with self._lock:
            if self._loop is None or self._take is None:
                self._waiting.append(message)
            else:
                self._loop.call_soon_threadsafe(self._take, message)
