"""Answers read as far as a measurement needs them: the status, where the answer ends, and whether the connection stays.

A server's answers have the same head again and again, but for the date, so what a head says is kept by its bytes. An
answer of another framing than `Content-Length` goes through httptools' parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import httptools

MAX_HEAD_BYTES = 64 * 2**10
MAX_BODY_BYTES = 64 * 2**20
MOST_HEADS = 512
END = b"\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: |$)")
_NO_BODY = (204, 304)


@dataclass(frozen=True, slots=True)
class Head:
    """`length` is that of the body, None where only a parser finds the end."""

    status: int
    length: int | None
    keeps_alive: bool
    version: str


class Heads:
    """What heads say, each read once."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}

    def read(self, head: bytes) -> Head:
        """Raises ConnectionError for what is no head of an answer."""
        known = self._known.get(head)
        if known is None:
            if len(self._known) >= MOST_HEADS:
                self._known.clear()
            known = self._known[head] = _read(head)
        return known


class Reader:
    """One connection's answers, one at a time. After `feed` was true, `head` and `body` are those of the answer."""

    def __init__(self, heads: Heads, keeps_bodies: bool) -> None:
        self._heads = heads
        self._keeps_bodies = keeps_bodies
        self._start = b""
        self._missing = 0
        self._parser: httptools.HttpResponseParser | None = None
        self.head: Head | None = None
        self.body = bytearray()

    def begin(self) -> None:
        """Forget the answer before."""
        self._start = b""
        self._parser = self.head = None
        if self.body:
            self.body = bytearray()

    def feed(self, data: bytes) -> bool:
        """Whether the answer is whole. Raises ConnectionError for what is no answer, or more than one."""
        if self._parser is not None:
            return self._parse(data)
        if self.head is None:
            data = self._start + data if self._start else data
            end = data.find(END)
            if end < 0:
                self._start = data
                if len(data) > MAX_HEAD_BYTES or not b"HTTP/1.".startswith(data[:7]):
                    raise ConnectionError("not an HTTP answer")
                return False
            head = self._heads.read(data[:end])
            if head.length is None:
                self._parser = httptools.HttpResponseParser(self)
                return self._parse(data)
            self.head, self._missing = head, head.length
            data = data[end + 4 :]
        self._missing -= len(data)
        if self._keeps_bodies:
            self.body += data
        if self._missing < 0:
            raise ConnectionError("not an HTTP answer: it is longer than it says")
        return self._missing == 0

    # What the parser calls

    def on_body(self, body: bytes) -> None:
        self._missing += len(body)
        if self._keeps_bodies:
            self.body += body

    def on_message_begin(self) -> None:
        self._missing, self._version = 0, ""

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"x-model-version":
            self._version = value.decode("latin-1")

    def on_message_complete(self) -> None:
        assert self._parser is not None
        if (status := self._parser.get_status_code()) >= 200:  # others come before the answer
            self.head = Head(status, None, self._parser.should_keep_alive(), self._version)

    def _parse(self, data: bytes) -> bool:
        assert self._parser is not None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise ConnectionError(f"not an HTTP answer: {error}") from error
        if self._missing > MAX_BODY_BYTES:
            raise ConnectionError(f"the answer is longer than {MAX_BODY_BYTES} bytes")
        return self.head is not None


def _read(head: bytes) -> Head:
    first, *lines = head.split(b"\r\n")
    found = _STATUS.match(first)
    if found is None:
        raise ConnectionError(f"not an HTTP answer: {first[:60]!r}")
    status = int(found[2])
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    connection = fields.get(b"connection", b"").lower()
    given = fields.get(b"content-length", b"")
    length = int(given) if given.isdigit() and b"transfer-encoding" not in fields else None
    if status in _NO_BODY:
        length = 0
    elif status < 200:
        length = None
    if length is not None and length > MAX_BODY_BYTES:
        raise ConnectionError(f"the answer is longer than {MAX_BODY_BYTES} bytes")
    return Head(
        status=status,
        length=length,
        keeps_alive=connection == b"keep-alive" if found[1] == b"0" else connection != b"close",
        version=fields.get(b"x-model-version", b"").decode("latin-1"),
    )
