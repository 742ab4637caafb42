"""Where requests go, and the start that they all share."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from jupyter_modeldeploy.errors import InvalidInput

_HEADER_VALUE = re.compile(r"[\t -~]*")


@dataclass(frozen=True)
class Body:
    """What one request carries, and the header lines that only it has."""

    content: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Target:
    """`address` is that of a TCP host and port, or of a Unix socket; `head` are the lines that each request begins
    with."""

    address: tuple[str, int] | str
    host: str
    tls: ssl.SSLContext | None
    head: bytes

    @classmethod
    def parse(
        cls, url: str, headers: Mapping[str, str], unix_socket: str | None = None, certificate: str | None = None
    ) -> Target:
        """`certificate` is a file: whoever shows this very one is trusted, by whatever name.

        Raises InvalidInput for a URL that is not http or https, and for headers that cannot be sent."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise InvalidInput(f"{url!r} has no valid port: {error}.") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or " " in url:
            raise InvalidInput(f"{url!r} is not the URL of an endpoint.", "Write http://HOST:PORT/PATH.")
        secure = parts.scheme == "https"
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        shared = {"Host": parts.netloc.rpartition("@")[2], "Content-Type": "application/json", **headers}
        return cls(
            address=unix_socket or (parts.hostname, port or (443 if secure else 80)),
            host=parts.hostname,
            tls=_trusting(certificate) if secure else None,
            head=f"POST {path} HTTP/1.1\r\n".encode() + header_lines(shared),
        )

    def request(self, body: Body) -> bytes:
        """All bytes of a request."""
        length = b"Content-Length: %d\r\n\r\n" % len(body.content)
        return self.head + header_lines(body.headers) + length + body.content


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Raises InvalidInput for what no header can hold."""
    for text in headers.values():
        if not _HEADER_VALUE.fullmatch(text):
            raise InvalidInput(f"{text[:80]!r} cannot be sent in an HTTP header.", "Use printable ASCII.")
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()


def _trusting(certificate: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certificate)
    if certificate is not None:
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # also where an authority signed it
    return context
