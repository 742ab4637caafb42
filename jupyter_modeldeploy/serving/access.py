"""Who may call a service: only this machine, and there whoever holds its token or, without one, every program."""

from __future__ import annotations

import hmac
import ipaddress
from typing import Protocol

from jupyter_modeldeploy.errors import Forbidden, InvalidInput, NotAuthenticated

Headers = dict[bytes, bytes]
OWNER = "owner"
"""The caller with the service's own token."""
ANYBODY = "anybody"
"""The caller of a service that asks for no token."""


def is_loopback(host: str) -> bool:
    """Whether the name or address means this machine, whoever asks."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_loopback(host: str) -> None:
    """Raise InvalidInput unless `host` is an address of this machine alone."""
    if not is_loopback(host):
        raise InvalidInput(
            f"A service cannot listen on {host!r} in this release.",
            "Use 127.0.0.1, and a proxy with TLS in front of it to reach the service from elsewhere.",
        )


class Guard(Protocol):
    """Decides who may ask."""

    def check(self, headers: Headers) -> str:
        """Who asks. Raises NotAuthenticated or Forbidden unless a request with these headers may pass."""


class TokenGuard:
    """Lets a request pass that carries the service's token."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    def check(self, headers: Headers) -> str:
        """The comparison takes constant time."""
        authorization = headers.get(b"authorization", b"")
        if hmac.compare_digest(authorization, self._expected):
            return OWNER
        scheme, _, rest = authorization.partition(b" ")
        given = b"Bearer " + rest.strip() if scheme.lower() == b"bearer" else b""
        if not hmac.compare_digest(given, self._expected):
            raise NotAuthenticated(
                "The service's token is missing or wrong.", "Send it as the header Authorization: Bearer TOKEN."
            )
        return OWNER


class LocalGuard:
    """Lets every program of this machine pass, and no page of a browser that was loaded from elsewhere.

    A page cannot choose the headers `Host` and `Origin`: the first tells that it reached this machine by a name of its
    own (DNS rebinding), the second whose page it is."""

    def check(self, headers: Headers) -> str:
        host = headers.get(b"host")
        if host is not None and not is_loopback(_hostname(host)):
            raise Forbidden(f"{host[:100].decode('latin-1')!r} is no name of this machine.", "Ask for 127.0.0.1.")
        origin = headers.get(b"origin")
        if origin is not None and origin.partition(b"://")[2] != host:
            raise Forbidden(
                f"Pages of {origin[:100].decode('latin-1')!r} may not use a service without a token.",
                "Start the service with auth 'token', and let the page's own server ask it.",
            )
        return ANYBODY


def guard(token: str | None) -> Guard:
    """The guard of a service with that token, or of one that asks for none."""
    return LocalGuard() if token is None else TokenGuard(token)


def _hostname(host: bytes) -> str:
    """The name in a `Host` header: `name`, `name:port` or `[address]:port`."""
    name = host.decode("latin-1")
    return name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
