"""A client that costs little per request, so that a load measures the endpoint and not its client: HTTP/1.1 on
kept-alive connections, parsed by httptools."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import httptools

from jupyter_modeldeploy.errors import InvalidInput

MAX_BODY_BYTES = 64 * 2**20
PAUSE_AFTER_REFUSAL_S = 0.02


@dataclass(slots=True)
class Answer:
    """How request `number` was answered; status 0 with an `error` where it was not."""

    number: int
    seconds: float
    status: int
    version: str = ""
    body: bytes = b""
    error: str = ""


@dataclass(frozen=True)
class Target:
    """Where requests go, and the start that they all share."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    head: bytes

    @classmethod
    def parse(cls, url: str, headers: dict[str, str]) -> Target:
        """Raises InvalidInput for a URL that is not http or https."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise InvalidInput(f"{url!r} has no valid port: {error}.") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or " " in url:
            raise InvalidInput(f"{url!r} is not the URL of an endpoint.", "Write http://HOST:PORT/PATH.")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        shared = {"Host": parts.netloc.rpartition("@")[2], "Content-Type": "application/json", **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in shared.items())
        return cls(
            host=parts.hostname,
            port=port or (443 if parts.scheme == "https" else 80),
            tls=ssl.create_default_context() if parts.scheme == "https" else None,
            head=f"POST {path} HTTP/1.1\r\n{lines}".encode(),
        )


class Generator:
    """Keeps `concurrency` connections busy until `requests` are sent, `duration_s` is over or `stop` is called."""

    def __init__(
        self,
        target: Target,
        bodies: list[bytes],
        extra: list[bytes],
        concurrency: int,
        requests: int | None,
        duration_s: float | None,
        timeout_s: float,
        keep_bodies: bool,
    ) -> None:
        self._target = target
        self._tails = [b"Content-Length: %d\r\n\r\n%b" % (len(body), body) for body in bodies]
        self._extra = extra or [b""]
        self._concurrency = concurrency if requests is None else min(concurrency, requests)
        self._requests = requests
        self._duration_s = duration_s
        self._timeout_s = timeout_s
        self._keep_bodies = keep_bodies
        self._answers: list[Answer] = []
        self._sent = 0
        self._stopped = False
        self._end = float("inf")
        self.wall_s = 0.0

    @property
    def answered(self) -> int:
        return len(self._answers)

    def stop(self) -> None:
        """Send no more; may be called from any thread."""
        self._stopped = True

    def run(self) -> list[Answer]:
        """All answers, in the order they came."""
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._run())
        return self._answers

    async def _run(self) -> None:
        begin = time.perf_counter()
        if self._duration_s is not None:
            self._end = begin + self._duration_s
        async with asyncio.TaskGroup() as group:
            for _ in range(self._concurrency):
                group.create_task(self._keep_busy())
        self.wall_s = time.perf_counter() - begin

    async def _keep_busy(self) -> None:
        connection: Connection | None = None
        while (number := self._next()) is not None:
            request = (
                self._target.head + self._extra[number % len(self._extra)] + self._tails[number % len(self._tails)]
            )
            begin = time.perf_counter()
            try:
                if connection is None or connection.closed:
                    connection = await self._connect()
                    begin = time.perf_counter()
                answer = await connection.exchange(number, request)
            except OSError as error:  # time-outs are among them
                answer = Answer(number, 0.0, 0, error=str(error) or type(error).__name__)
                connection = None
            answer.seconds = time.perf_counter() - begin
            self._answers.append(answer)
            if connection is None:
                await asyncio.sleep(PAUSE_AFTER_REFUSAL_S)  # or an endpoint that is gone fails the whole load at once
        if connection is not None:
            connection.abort()

    def _next(self) -> int | None:
        if self._stopped or self._sent == self._requests or time.perf_counter() >= self._end:
            return None
        self._sent += 1
        return self._sent - 1

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        opening = loop.create_connection(
            lambda: Connection(loop, self._timeout_s, self._keep_bodies),
            self._target.host,
            self._target.port,
            ssl=self._target.tls,
        )
        return (await asyncio.wait_for(opening, self._timeout_s))[1]


class Connection(asyncio.Protocol):
    """One kept-alive connection that has one request on its way at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, timeout_s: float, keep_bodies: bool) -> None:
        self._loop = loop
        self._timeout_s = timeout_s
        self._keep_bodies = keep_bodies
        self._waiter: asyncio.Future[Answer] | None = None
        self.closed = False

    async def exchange(self, number: int, request: bytes) -> Answer:
        """Send a whole request and wait for the whole answer. Raises OSError when none comes."""
        self._parser = httptools.HttpResponseParser(self)
        self._answer = Answer(number, 0.0, 0)
        self._received = 0
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(self._timeout_s, self._fail, f"no answer within {self._timeout_s:g} s")
        self._transport.write(request)
        try:
            return await self._waiter
        finally:
            timer.cancel()

    def abort(self) -> None:
        self.closed = True
        self._transport.abort()

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            self.abort()  # an answer to nothing
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"not an HTTP answer: {error}")

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(str(error or "the connection was closed before the answer"))

    # What the parser calls

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"x-model-version":
            self._answer.version = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._received += len(body)
        if self._received > MAX_BODY_BYTES:
            self._fail(f"the answer is longer than {MAX_BODY_BYTES} bytes")
        elif self._keep_bodies:
            self._answer.body += body

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if (
            status < 200 or self._waiter is None or self._waiter.done()
        ):  # 100 Continue and the like come before the answer
            return
        self._answer.status = status
        self.closed = not self._parser.should_keep_alive()
        self._waiter.set_result(self._answer)

    def _fail(self, reason: str) -> None:
        self.closed = True
        self._transport.abort()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionError(reason))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not on Windows
        return None
    return uvloop.new_event_loop
