"""The generator: connections, and a loop that sends on them what is due and takes what is answered.

Everything is counted in whole nanoseconds of one clock. Latency in an open loop is counted from the time at which a
request was due, whether it could be sent then or not: a server that stalls is charged for all that had to wait (Gil
Tene's "coordinated omission"; wrk2 does so). The loop is plain sockets under epoll: at 20,000 requests a second an
event loop's objects would cost more than the requests.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from jupyter_modeldeploy.profiling.load.answers import Head, Heads
from jupyter_modeldeploy.profiling.load.connection import READS, WRITES, Connection
from jupyter_modeldeploy.profiling.load.target import Target

TICK_NS = 50_000_000
REST_NS = 20_000_000
"""After a refused connection; else an endpoint that is gone would fail the whole load at once."""
OPENING_NS = 2_000_000_000
_FINE_NS = 1_500_000
_EVENTS = 256
_NEVER = 2**62

clock = time.perf_counter_ns


class Observer(Protocol):
    """Who is told of each request. All times are nanoseconds of `time.perf_counter_ns`."""

    def begin(self, at: int) -> None:
        """The connections stand; from now on requests are sent."""

    def answered(self, number: int, due: int, sent: int, at: int, head: Head, body: bytes) -> None: ...

    def failed(self, number: int, due: int, at: int, reason: str) -> None: ...

    def tick(self, at: int) -> bool:
        """Some twenty times a second: whether to go on sending."""


@dataclass
class Health:
    """What the generator saw of itself: how long it was late with what it could have sent or read (`lags`, the longest
    of each tick), how many requests had to wait for a connection, and the processor time that it took."""

    wall_s: float
    cpu_s: float
    lags_ns: list[int]
    waited: int
    sent: int


class Generator:
    """Sends `requests` in turn on at most `connections`, until `most` are sent or the observer's tick says to stop.

    Without `arrivals` the loop is closed: each connection sends its next request when the one before is answered. A
    request without an answer after `timeout_s` has failed. Those under way at the end are waited for."""

    def __init__(
        self,
        target: Target,
        requests: Sequence[bytes],
        connections: int,
        observer: Observer,
        arrivals: Iterator[int] | None = None,
        most: int | None = None,
        timeout_s: float = 60.0,
        keeps_bodies: bool = False,
    ) -> None:
        self._target = target
        self._requests = requests
        self._observer = observer
        self._arrivals = arrivals
        self._left = most if most is not None else _NEVER
        self._timeout_ns = round(timeout_s * 1e9)
        self._timeout_text = f"no answer within {timeout_s:g} s"
        self._keeps_bodies = keeps_bodies
        self._poll = _Poll()
        heads = Heads()
        self._connections = [Connection(target, heads, keeps_bodies, self._poll.watch) for _ in range(connections)]
        self._idle = list(reversed(self._connections))
        self._idle_since = 0
        self._resting: deque[tuple[int, Connection]] = deque()
        self._busy = 0
        self._number = 0
        self._due = _NEVER
        self._sending = True
        self._stopped = False
        self._waited = 0
        self._lag = 0
        self._lags: list[int] = []

    def stop(self) -> None:
        """Send no more; may be called from any thread."""
        self._stopped = True

    def run(self) -> Health:
        """Open the connections, send, and wait for the last answer."""
        try:
            self._open()
            begin, cpu = clock(), time.thread_time()
            self._observer.begin(begin)
            if self._arrivals is not None:
                self._begin, self._due = begin, begin + next(self._arrivals, _NEVER - begin)
            self._loop(begin)
            wall_s = (clock() - begin) / 1e9
            return Health(wall_s, time.thread_time() - cpu, self._lags, self._waited, self._number)
        finally:
            for connection in self._connections:
                connection.close()
            self._poll.close()

    def _open(self) -> None:
        """Connect all; those that cannot be are told of when a request needs them."""
        end = clock() + OPENING_NS
        opening = set()
        for connection in self._connections:
            try:
                connection.open()
            except OSError:
                continue
            opening.add(connection.fd)
        while opening and (left := end - clock()) > 0:
            for fd, bits in self._poll.wait(left):
                connection = self._poll.watched[fd]
                try:
                    connection.ready_to_write(0)
                except OSError:
                    connection.close()
                if not connection.is_open or (self._poll.bits[fd] == READS and not bits & READS):
                    opening.discard(fd)

    def _loop(self, begin: int) -> None:
        wait, watched = self._poll.wait, self._poll.watched
        next_tick = begin + TICK_NS
        now = self._idle_since = begin
        while self._sending or self._busy:
            if now >= next_tick:
                self._tick(now)
                next_tick = now + TICK_NS
            if self._sending:
                now = self._send_open(now) if self._arrivals is not None else self._send_closed(now)
            until = min(next_tick, self._due) if self._sending and self._idle else next_tick
            ready = wait(until - clock())
            now = clock()
            for fd, bits in ready:
                connection = watched.get(fd)
                if connection is None:  # closed by what came before it
                    continue
                try:
                    if bits & WRITES:
                        connection.ready_to_write(now)
                    if bits & ~WRITES and connection.receive(now):
                        self._answered(connection, now)
                except OSError as error:
                    self._failed(connection, now, str(error) or type(error).__name__)
            if ready and (took := clock() - now) > self._lag:
                self._lag = took  # so long may an answer have lain that came meanwhile

    def _send_closed(self, now: int) -> int:
        while self._idle and self._left:
            now = clock()
            self._send(self._idle.pop(), now, now)
        self._sending = self._left > 0
        return now

    def _send_open(self, now: int) -> int:
        assert self._arrivals is not None
        while self._idle and self._due <= now and self._left:
            due = self._due
            if due < self._idle_since:
                self._waited += 1
            if (lag := now - max(due, self._idle_since)) > self._lag:
                self._lag = lag
            if now - due > self._timeout_ns:  # its client has given up before it could be sent
                self._observer.failed(self._number, due, now, self._timeout_text)
                self._number += 1
            else:
                self._send(self._idle.pop(), due, now)
            self._left -= 1
            offset = next(self._arrivals, None)
            if offset is None:
                self._left = 0
            else:
                self._due = self._begin + offset
            now = clock()
        self._sending = self._left > 0
        return now

    def _send(self, connection: Connection, due: int, now: int) -> None:
        connection.number, connection.due, connection.busy = self._number, due, True
        if self._arrivals is None:
            self._left -= 1
        self._busy += 1
        request = self._requests[self._number % len(self._requests)]
        self._number += 1
        try:
            connection.send(request, now)
        except OSError as error:
            self._failed(connection, now, str(error) or type(error).__name__)

    def _answered(self, connection: Connection, now: int) -> None:
        reader = connection.reader
        head = reader.head
        assert head is not None
        due, sent = connection.due, connection.sent
        if self._arrivals is None:
            due = sent  # connecting is no part of what a closed loop measures
        body = bytes(reader.body) if self._keeps_bodies else b""
        if not head.keeps_alive:
            connection.close()
        self._free(connection, now)
        self._observer.answered(connection.number, due, sent, now, head, body)

    def _failed(self, connection: Connection, now: int, reason: str) -> None:
        connection.close()
        if connection.busy:
            connection.busy = False
            self._busy -= 1
            self._resting.append((now + REST_NS, connection))
            self._observer.failed(connection.number, connection.due, now, reason)

    def _free(self, connection: Connection, now: int) -> None:
        if not self._idle:
            self._idle_since = now
        connection.busy = False
        self._busy -= 1
        self._idle.append(connection)

    def _tick(self, now: int) -> None:
        self._lags.append(self._lag)
        self._lag = 0
        for connection in self._connections:
            if connection.busy and now - connection.due > self._timeout_ns:
                self._failed(connection, now, self._timeout_text)
        while self._resting and self._resting[0][0] <= now:
            if not self._idle:
                self._idle_since = now
            self._idle.append(self._resting.popleft()[1])
        if not self._observer.tick(now) or self._stopped:
            self._sending = False


class _Poll:
    """epoll where there is one, else poll; waits that end on time though both count in whole milliseconds."""

    def __init__(self) -> None:
        self.watched: dict[int, Connection] = {}
        self.bits: dict[int, int] = {}
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        self._poll = select.poll() if self._epoll is None else None

    def watch(self, connection: Connection, bits: int) -> None:
        poll = self._epoll or self._poll
        assert poll is not None
        fd = connection.fd
        if not bits:
            if self.watched.pop(fd, None) is not None:
                poll.unregister(fd)
        elif fd in self.watched:
            poll.modify(fd, bits)
        else:
            self.watched[fd] = connection
            poll.register(fd, bits)
        self.bits[fd] = bits

    def wait(self, ns: int) -> list[tuple[int, int]]:
        """What is ready, at most `ns` nanoseconds from now, or nothing a little earlier."""
        if self._epoll is None:
            assert self._poll is not None
            return self._poll.poll(max(0, ns // 1_000_000))
        if ns >= _FINE_NS:
            return self._epoll.poll((ns - 1_000_000) / 1e9, _EVENTS)
        if ns > 0:
            select.select((self._epoll,), (), (), ns / 1e9)
        return self._epoll.poll(0, _EVENTS)

    def close(self) -> None:
        if self._epoll is not None:
            self._epoll.close()
