"""A plain web server of our own: files with the headers that a test gives them, ranges, redirects, passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from http_thread import Unlogged, answering


@dataclass
class File:
    content: bytes
    headers: dict[str, str] = field(default_factory=dict)
    authorization: str | None = None
    get_only: bool = False
    drop_after: int | None = None
    """Close the connection after so many bytes, once."""


class FileServer:
    """The running server: its `url`, `files` by path, `redirects`, and `asked`: method, path and headers."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.redirects: dict[str, str] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        handler = type("Handler", (_Handler,), {"owner": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def gets(self) -> list[str | None]:
        """The ranges of the requests for bytes."""
        return [headers.get("range") for method, _, headers in self.asked if method == "GET"]


class _Handler(Unlogged, BaseHTTPRequestHandler):
    owner: FileServer

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.owner.asked.append((self.command, self.path, headers))
        if location := self.owner.redirects.get(self.path):
            return self._send(302, b"", {"Location": location})
        file = self.owner.files.get(self.path)
        if file is None:
            return self._send(404, b"", {})
        if file.authorization and headers.get("authorization") != file.authorization:
            return self._send(401, b"", {})
        if file.get_only and self.command == "HEAD":
            return self._send(403, b"", {})
        start = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("range", ""))
        if start is None or headers.get("if-range", file.headers.get("ETag")) != file.headers.get("ETag"):
            return self._send(200, file.content, file.headers, file)
        first, last = int(start[1]), int(start[2] or len(file.content) - 1)
        told = {"Content-Range": f"bytes {first}-{last}/{len(file.content)}"}
        self._send(206, file.content[first : last + 1], {**file.headers, **told}, file)

    def _send(self, status: int, body: bytes, headers: dict[str, str], file: File | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if file is not None and file.drop_after is not None:
            body, file.drop_after, self.close_connection = body[: file.drop_after], None, True
        self.wfile.write(body)


@contextmanager
def serving() -> Iterator[FileServer]:
    running = FileServer()
    with answering(running.server):
        yield running
