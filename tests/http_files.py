"""A local HTTP server that hands out files as well-kept servers do (ETag, ranges), and misbehaves when told to."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, TypeVar
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from http_thread import Unlogged, answering


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request for a file's content."""

    drop_after: int | None = None
    """Close the connection after so many bytes of the body."""
    content: bytes | None = None
    """Send this in place of the file, with an ETag of its own."""
    damage: bool = False
    """Send a body with one wrong byte."""
    status: int | None = None
    """Answer only this status."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """By their names in small letters."""

    @property
    def has_credentials(self) -> bool:
        return "authorization" in self.headers or "cookie" in self.headers


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of the server's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class FileServer:
    """Its `url`, the same server's `other_url` (to clients, another host), the `requests` it got, and `faults` by the
    name of the file, used up one a request."""

    handler: ClassVar[type[FileHandler]]

    def __init__(self) -> None:
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.requests: list[Request] = []
        handler = type("Handler", (self.handler,), {"owner": self})
        self.server = _Quiet(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.other_url = f"http://localhost:{self.server.server_port}"

    def asked(self, pattern: str) -> list[Request]:
        """The requests whose path matches."""
        return [one for one in self.requests if re.search(pattern, one.path)]


Server = TypeVar("Server", bound=FileServer)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    with answering(server.server):
        yield server


class FileHandler(Unlogged, BaseHTTPRequestHandler):
    """A subclass has `answer`, and answers there by `json`, `content`, `redirect` or `reply`."""

    owner: ClassVar[Any]
    protocol_version = "HTTP/1.1"
    partial_status = HTTPStatus.PARTIAL_CONTENT

    def answer(self, url: SplitResult, path: str, query: dict[str, str], body: bytes) -> None:
        raise NotImplementedError

    def do_GET(self) -> None:
        self._take()

    def do_HEAD(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def _take(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.owner.requests.append(Request(self.command, unquote(url.path), query, headers))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(url, unquote(url.path), query, body)

    def json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.reply(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def redirect(self, location: str, status: int = 302) -> None:
        self.reply(status, b"", {"Location": location})

    def content(self, content: bytes, name: str, *, ranges: bool = True) -> None:
        """A file's bytes, all or the range that is asked for, unless a fault of that name is due."""
        waiting = self.owner.faults[name] if self.command == "GET" else []
        fault = waiting.pop(0) if waiting else Fault()
        if fault.status is not None:
            return self.reply(fault.status, b"", {})
        content = content if fault.content is None else fault.content
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        headers = {"ETag": etag, "Content-Type": "application/octet-stream"}
        body = bytes([content[0] ^ 1]) + content[1:] if fault.damage else content
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not ranges or match is None or self.headers.get("If-Range", etag) != etag:
            return self.reply(HTTPStatus.OK, body, headers, fault.drop_after)
        start, end = int(match[1]), int(match[2] or len(content) - 1)
        if start >= len(content):
            return self.reply(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        end = min(end, len(content) - 1)
        headers |= {"Content-Range": f"bytes {start}-{end}/{len(content)}", "Accept-Ranges": "bytes"}
        self.reply(self.partial_status, body[start : end + 1], headers, fault.drop_after)

    def reply(self, status: int, body: bytes, headers: dict[str, str], drop_after: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            self.wfile.write(body[:drop_after])
            self.wfile.flush()
        except ConnectionError:  # the client has gone: it looks for something with a deadline, or was told to stop
            self.close_connection = True
        self.close_connection = self.close_connection or drop_after is not None
