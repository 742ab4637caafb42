"""A steady load on a service that accounts for every request: each is answered, or lost with the reason.

A request counts as lost when its connection breaks or gives no whole answer. A connection that the server closed while
it was idle, or announced to close (`Connection: close`), is opened anew, as every HTTP client does. What was sent on a
kept connection that turns out to be closed with not a byte of an answer may be sent again by an HTTP client only if it
had seen the end before; here it counts as lost."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType

TIMEOUT_S = 120.0


@dataclass
class Account:
    """What became of the requests: `answers` by status, `models` by the version that answered, and those lost."""

    sent: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    connections: int = 0

    def add(self, other: Account) -> None:
        self.sent += other.sent
        self.answers += other.answers
        self.models += other.models
        self.lost += other.lost
        self.connections += other.connections


class Caller:
    """One connection after the other, one request after the other. `per_connection` 0 keeps a connection as long as the
    server does."""

    def __init__(self, address: tuple[str, int] | str, request: bytes, per_connection: int = 0) -> None:
        self.account = Account()
        self._address = address
        self._request = request
        self._per_connection = per_connection
        self._socket: socket.socket | None = None
        self._left = 0

    def ask(self) -> bytes | None:
        """The body of the answer; None where the request was lost."""
        account = self.account
        account.sent += 1
        try:
            connection = self._connection()
            connection.sendall(self._request)
            status, headers, body = _answer(connection)
        except (OSError, ValueError) as error:
            account.lost.append(f"{time.monotonic():.3f} {type(error).__name__}: {error}")
            self.close()
            return None
        account.answers[status] += 1
        account.models[headers.get("x-model-version", "")] += 1
        self._left -= 1
        if headers.get("connection") == "close" or self._left == 0:
            self.close()
        return body

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connection(self) -> socket.socket:
        if self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            self.close()  # the server ended it while nothing was under way
        if self._socket is None:
            kind = socket.AF_UNIX if isinstance(self._address, str) else socket.AF_INET
            self._socket = socket.socket(kind, socket.SOCK_STREAM)
            self._socket.settimeout(TIMEOUT_S)
            self._socket.connect(self._address)
            self._left = self._per_connection
            self.account.connections += 1
        return self._socket


class SteadyLoad:
    """`with SteadyLoad(address, request, keeping=4, reconnecting=2) as load:` asks all the time in between; then
    `load.account` holds every request."""

    def __init__(
        self,
        address: tuple[str, int] | str,
        request: bytes,
        keeping: int = 4,
        reconnecting: int = 2,
        pause_s: float = 0.0,
    ) -> None:
        callers = [Caller(address, request) for _ in range(keeping)]
        callers += [Caller(address, request, per_connection=3) for _ in range(reconnecting)]
        self.account = Account()
        self._address, self._request = address, request
        self._callers = callers
        self._pause_s = pause_s
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(caller,), daemon=True) for caller in callers]

    def __enter__(self) -> SteadyLoad:
        for thread in self._threads:
            thread.start()
        self.wait_for(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        for caller in self._callers:
            self.account.add(caller.account)
            caller.close()

    @property
    def answered(self) -> int:
        """How many were answered so far."""
        return sum(caller.account.answers.total() for caller in self._callers)

    def ask_beside(self) -> bytes | None:
        """One more request, on a connection of its own."""
        caller = Caller(self._address, self._request, per_connection=1)
        try:
            return caller.ask()
        finally:
            self.account.add(caller.account)

    def wait_for(self, answers: int, seconds: float = TIMEOUT_S) -> None:
        """Until so many more were answered."""
        enough, deadline = self.answered + answers, time.monotonic() + seconds
        while self.answered < enough:
            assert time.monotonic() < deadline, f"{self.answered} of {enough} answers in {seconds:g} s"
            time.sleep(0.005)

    def _run(self, caller: Caller) -> None:
        while not self._over.is_set():
            caller.ask()
            if self._pause_s:
                time.sleep(self._pause_s)


def post(path: str, body: bytes, token: str | None) -> bytes:
    """A whole HTTP request."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection, len(data))
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers["content-length"])
    while len(body) < length:
        body += _more(connection, len(data) + len(body))
    if len(body) > length:
        raise ValueError(f"{len(body) - length} bytes too many")
    return int(first.split()[1]), headers, body


def _more(connection: socket.socket, so_far: int) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise ConnectionError(f"closed after {so_far} bytes of an answer")
    return piece
