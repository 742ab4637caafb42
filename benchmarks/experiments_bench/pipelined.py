"""Many users who ask a service, each with an id of its own; every answer is accounted for."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

TIMEOUT_S = 60.0


@dataclass
class Answers:
    """Of each request in the order of asking: when it was answered, whose it was, by which version (0 where nobody
    said), and the status, -1 where there was no whole answer."""

    at: list[float] = field(default_factory=list)
    user: list[int] = field(default_factory=list)
    version: list[int] = field(default_factory=list)
    status: list[int] = field(default_factory=list)


class Asking:
    """`with Asking(port, token, body, users) as asking:` users ask in turn, some at once, until the end; each
    of them always by the same caller, so that its answers have an order.

    `rate` requests a second at most, of all together."""

    def __init__(
        self, port: int, token: str, body: bytes, users: Sequence[int], threads: int, at_once: int, rate: float | None
    ) -> None:
        self._port, self._token, self._body = port, token, body
        self._at_once, self._rate = at_once, rate and rate / threads
        self.answers = [Answers() for _ in range(threads)]
        self._over, self.may_ask = threading.Event(), threading.Event()
        self.may_ask.set()
        self._idle = [threading.Event() for _ in range(threads)]
        shares = [users[number::threads] for number in range(threads)]
        self._threads = [
            threading.Thread(target=self._run, args=(number, share)) for number, share in enumerate(shares)
        ]

    def __enter__(self) -> Asking:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self.may_ask.set()
        for thread in self._threads:
            thread.join()

    def hold(self) -> None:
        """Return once nothing is under way; `may_ask.set()` goes on."""
        self.may_ask.clear()
        for idle in self._idle:
            idle.wait(TIMEOUT_S)

    @property
    def lost(self) -> int:
        """Requests without a whole answer."""
        return sum(status == -1 for answers in self.answers for status in answers.status)

    def _run(self, number: int, users: Sequence[int]) -> None:
        answers, caller, at = self.answers[number], _Caller(self._port), 0
        while not self._over.is_set():
            if not self.may_ask.is_set():
                caller.close()
                self._idle[number].set()
                self.may_ask.wait()
                self._idle[number].clear()
                continue
            begun = time.monotonic()
            batch = [users[(at + one) % len(users)] for one in range(self._at_once)]
            at = (at + len(batch)) % len(users)
            found = caller.ask([self._request(user) for user in batch])
            answers.at += [time.time()] * len(batch)
            answers.user += batch
            answers.version += [version for version, _ in found]
            answers.status += [status for _, status in found]
            if self._rate is not None:
                time.sleep(max(0.0, len(batch) / self._rate - (time.monotonic() - begun)))
        caller.close()

    def _request(self, user: int) -> bytes:
        head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._token}\r\n"
        return f"{head}X-Unit-Id: user-{user}\r\nContent-Length: {len(self._body)}\r\n\r\n".encode() + self._body


class _Caller:
    """One connection after the other. What a server that closes leaves unanswered, having said so, is sent again, as
    HTTP clients do; what breaks off without a word is lost."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(self, requests: Sequence[bytes]) -> list[tuple[int, int]]:
        """The version (0 where nobody said) and the status (-1 of a lost one) of each."""
        found: list[tuple[int, int]] = []
        while len(found) < len(requests):
            try:
                found += self._answers(requests[len(found) :])
            except (OSError, ValueError):
                self.close()
                found += [(0, -1)] * (len(requests) - len(found))
        return found

    def _answers(self, requests: Sequence[bytes]) -> list[tuple[int, int]]:
        """Of the first of these requests, up to where the server closes."""
        if self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            self.close()  # the server ended it while nothing was under way
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), TIMEOUT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(b"".join(requests))
        data, found = b"", []
        for _ in requests:
            while (end := data.find(b"\r\n\r\n")) < 0:
                data += _more(self._socket)
            first, *lines = data[:end].decode("latin-1").lower().split("\r\n")
            fields = dict(line.split(": ", 1) for line in lines)
            end += 4 + int(fields["content-length"])
            while len(data) < end:
                data += _more(self._socket)
            version = fields.get("x-model-version", "").rpartition("@")[2]
            found.append((int(version or 0), int(first.split()[1])))
            data = data[end:]
            if fields.get("connection") == "close":
                self.close()
                break
        return found


def _more(connection: socket.socket) -> bytes:
    piece = connection.recv(262_144)
    if not piece:
        raise ConnectionError("closed before all was answered")
    return piece
