"""A server that stalls on a schedule, so that the true latency of everyone who asks at a steady rate can be computed.

Every `period` seconds it answers nobody for `stall` seconds, and then at once whoever waits; else it answers after
`service`. As a program, `python stalling_server.py PERIOD STALL SERVICE` prints its port and ends with its input.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from dataclasses import dataclass
from typing import Self

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
BACKLOG = 512


@dataclass(frozen=True)
class Schedule:
    period: float
    stall: float
    service: float

    def percentile(self, percent: float) -> float:
        """The seconds that `percent` of requests that come at any time alike do not exceed: who comes into a stall
        waits for its end, on average half of it, so that the slowest share s waits longer than stall - s * period."""
        return max(self.stall - (1 - percent / 100) * self.period, self.service)

    def wait(self, into_period: float) -> float:
        return max(self.stall - into_period, self.service)


class StallingServer:
    """The server in a thread of its own, while the context lasts."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/predict"

    async def _serve(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        begin = self._loop.time()
        server = await self._loop.create_server(lambda: _Answers(self.schedule, begin), "127.0.0.1", 0, backlog=BACKLOG)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._done.wait()
        server.close()


class _Answers(asyncio.Protocol):
    def __init__(self, schedule: Schedule, begin: float) -> None:
        self._schedule = schedule
        self._begin = begin

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A request comes whole: it is small."""
        loop = asyncio.get_running_loop()
        wait = self._schedule.wait((loop.time() - self._begin) % self._schedule.period)
        loop.call_later(wait, self._transport.write, ANSWER)


if __name__ == "__main__":
    with StallingServer(Schedule(*map(float, sys.argv[1:4]))) as running:
        print(running.port, flush=True)
        sys.stdin.read()
