"""A local server of files that counts every byte it sends, and can be told to misbehave.

It serves ranges with validators as nginx does. Connections are closed at the positions in `drops`, once each."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from http_thread import Unlogged, answering

CHUNK = 1 << 16


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request."""

    status: int | None = None
    location: str | None = None
    retry_after: int | None = None
    drop_after: int | None = None
    """Close the connection after so many bytes of the body."""
    announced: int | None = None
    """Say this Content-Length, whatever is sent."""
    content: bytes | None = None
    """Another revision, with an ETag of its own."""
    damage: bool = False
    ignore_range: bool = False


class FaultyServer:
    """`files` by name, each bytes or the path of a file; `faults` by name, used up one a request, the last one for ever
    where `forever` holds the name."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | Path] = {}
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.forever: set[str] = set()
        self.drops: list[int] = []
        self.bytes_per_second: float | None = None
        self.requests: list[tuple[str, str | None]] = []
        self.headers: list[Message] = []
        self.sent, self._free_at = 0, 0.0
        self.connections = 0
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"owner": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.address}"

    def ranges(self, name: str) -> list[str | None]:
        return [asked for path, asked in self.requests if path == f"/{name}"]

    def fault(self, name: str) -> Fault:
        with self.lock:
            waiting = self.faults[name]
            if not waiting:
                return Fault()
            return waiting[0] if name in self.forever and len(waiting) == 1 else waiting.pop(0)

    def passed(self, count: int) -> None:
        """Count what was sent, and wait as long as the link that all connections share takes for it."""
        with self.lock:
            self.sent += count
            if not self.bytes_per_second:
                return
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + count / self.bytes_per_second
            delay = self._free_at - now
        time.sleep(delay)

    def until_drop(self, start: int, end: int) -> int:
        """Where the connection that sends these bytes is closed."""
        with self.lock:
            first = min((one for one in self.drops if start < one < end), default=None)
            if first is None:
                return end
            self.drops.remove(first)
            return first


@contextmanager
def serving() -> Iterator[FaultyServer]:
    server = FaultyServer()
    with answering(server.server):
        yield server


class _Handler(Unlogged, BaseHTTPRequestHandler):
    owner: ClassVar[FaultyServer]
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """What was sent has left: little waits in buffers of the system."""
        self.owner.connections += 1
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, CHUNK)
        super().setup()

    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        asked = self.headers.get("Range")
        self.owner.requests.append((self.path, asked))
        self.owner.headers.append(self.headers)
        content = self.owner.files.get(name)
        fault = self.owner.fault(name)
        if content is None or fault.status is not None:
            return self._refuse(fault.status or 404, fault)
        content = content if fault.content is None else fault.content
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        etag = f'"{hashlib.sha1(content).hexdigest()}"' if isinstance(content, bytes) else '"one"'
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked or "")
        if match is None or fault.ignore_range or self.headers.get("If-Range", etag) != etag:
            self._headers(200, size, etag, fault)
            return self._send(content, 0, size, fault)
        start, end = int(match[1]), int(match[2] or size - 1) + 1
        if start >= size:
            return self._refuse(416, fault)
        self._headers(206, end - start, etag, fault, f"bytes {start}-{end - 1}/{size}")
        self._send(content, start, end, fault)

    def _refuse(self, status: int, fault: Fault) -> None:
        self.send_response(status)
        if fault.retry_after is not None:
            self.send_header("Retry-After", str(fault.retry_after))
        if fault.location is not None:
            self.send_header("Location", fault.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _headers(self, status: int, length: int, etag: str, fault: Fault, content_range: str | None = None) -> None:
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Accept-Ranges", "bytes")
        if content_range:
            self.send_header("Content-Range", content_range)
        self.send_header("Content-Length", str(length if fault.announced is None else fault.announced))
        self.end_headers()

    def _send(self, content: bytes | Path, start: int, end: int, fault: Fault) -> None:
        stop = end if fault.drop_after is None else min(end, start + fault.drop_after)
        stop = self.owner.until_drop(start, stop)
        self.close_connection = self.close_connection or stop != end or fault.announced is not None
        position = start
        try:
            while position < stop:
                chunk = _read(content, position, min(CHUNK, stop - position))
                if fault.damage and position == start:
                    chunk = bytes([chunk[0] ^ 1]) + chunk[1:]
                self.wfile.write(chunk)
                position += len(chunk)
                self.owner.passed(len(chunk))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the other side has what it wants, or was killed


def _read(content: bytes | Path, position: int, count: int) -> bytes:
    if isinstance(content, bytes):
        return content[position : position + count]
    with content.open("rb") as file:
        file.seek(position)
        return file.read(count)
