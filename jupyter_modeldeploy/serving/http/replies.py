"""Answers as bytes, and the two shapes of an error: V2's `{"error": "text"}` and the package's own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import orjson

from jupyter_modeldeploy.errors import LoginNeeded, ModelDeployError, NotAuthenticated, Overloaded

JSON = b"application/json"
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class Reply:
    """One HTTP answer. `headers` are beside content-type and content-length, names in lower case; `extra_headers` are
    those that few answers have in common."""

    __slots__ = ("body", "content_type", "extra_headers", "headers", "status")

    def __init__(
        self,
        status: int,
        body: bytes,
        content_type: bytes = JSON,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers
        self.extra_headers: tuple[tuple[bytes, bytes], ...] = ()

    def head_and_body(self, date: bytes, keep_alive: bool) -> bytes:
        """The whole answer; `date` is empty or a whole header line."""
        head = _head(self.status, self.content_type, self.headers, keep_alive)
        if self.extra_headers:
            head += _lines(self.extra_headers)
        return b"%b%bcontent-length: %d\r\n\r\n%b" % (head, date, len(self.body), self.body)


@lru_cache(maxsize=1024)  # a service's answers have few heads, told apart by version and status
def _head(status: int, content_type: bytes, headers: tuple[tuple[bytes, bytes], ...], keep_alive: bool) -> bytes:
    lines = [(b"content-type", content_type), *headers, *(() if keep_alive else ((b"connection", b"close"),))]
    return STATUS_LINES[status] + _lines(lines)


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join([name + b": " + value + b"\r\n" for name, value in headers])


def json_reply(content: Any, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Reply:
    return Reply(status, orjson.dumps(content), headers=headers)


def error_reply(error: ModelDeployError, v2: bool, version: str | None = None) -> Reply:
    """The answer that tells of `error`, in V2's shape on V2's routes; `version` is the one that was asked."""
    headers: list[tuple[bytes, bytes]] = []
    if isinstance(error, NotAuthenticated):
        headers.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, LoginNeeded):
        headers.append((b"www-authenticate", b'Basic realm="The service\'s token as the password", charset="UTF-8"'))
    if isinstance(error, Overloaded):
        headers.append((b"retry-after", str(max(1, math.ceil(error.retry_after_s))).encode()))
    if version is not None:
        headers.append((b"x-model-version", version.encode()))
    return json_reply({"error": str(error)} if v2 else error.body(), error.status, tuple(headers))
