"""What lets a request in: a token, or without one that it comes from this machine."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import math
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from jupyter_modeldeploy.errors import Forbidden, LoginNeeded, ModelDeployError, NotAuthenticated
from jupyter_modeldeploy.serving.access.loopback import is_loopback
from jupyter_modeldeploy.tokens import OWNER, StoredToken, Tokens, digest_of

Headers = dict[bytes, bytes]
ANYBODY = "anybody"
"""The caller of a service that asks for no token."""
MAX_REMEMBERED = 1024

log = logging.getLogger(__name__)


class Guard(Protocol):
    """Decides who may ask."""

    def check(self, headers: Headers) -> str:
        """Who asks. Raises NotAuthenticated or Forbidden unless a request with these headers may pass."""

    def refresh(self) -> None:
        """See what changed since; called some times a second."""


class TokenGuard:
    """Lets a request pass that carries the service's own token or one of its callers, as `Authorization: Bearer TOKEN`
    or as the password of Basic authentication, which a browser asks its user for.

    The tokens are those of the service's folder at any time: a new one works at once, an expired or revoked one stops
    to work with the next `refresh`."""

    def __init__(self, folder: Path) -> None:
        self._tokens = Tokens(folder)
        self._stamp: object = None
        self._expected = b""
        self._callers: dict[str, str] = {}
        self._remembered: dict[bytes, str] = {}
        self._next_expiry = math.inf
        self.refresh()

    def check(self, headers: Headers) -> str:
        """The owner's token is compared in constant time; of others, only the hash is known."""
        authorization = headers.get(b"authorization", b"")
        if hmac.compare_digest(authorization, self._expected):
            return OWNER
        return self._remembered.get(authorization) or self._looked_up(authorization, headers)

    def refresh(self) -> None:
        stamp = self._tokens.stamp()
        if stamp == self._stamp and time.time() < self._next_expiry:
            return
        self._stamp = stamp
        own: str | None = None
        stored: Sequence[StoredToken] = []
        try:
            own, stored = self._tokens.own(), self._tokens.stored()
        except ModelDeployError as error:
            log.error("nobody is let in: %s", error)
        self._expected = f"Bearer {own or secrets.token_urlsafe()}".encode()  # never empty, which anybody could send
        self._callers = {one.sha256: one.caller for one in stored}
        self._remembered = {}
        self._next_expiry = min([one.expires_at.timestamp() for one in stored if one.expires_at], default=math.inf)

    def _looked_up(self, authorization: bytes, headers: Headers) -> str:
        token, basic = _token_in(authorization)
        caller = self._caller(token)
        if caller is None:
            self.refresh()  # it may be a new one
            caller = self._caller(token)
        if caller is None:
            raise _refusal(headers)
        if basic:
            _require_own_page(headers)
        elif caller != OWNER:
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[authorization] = caller
        return caller

    def _caller(self, token: bytes) -> str | None:
        if not token:
            return None
        if hmac.compare_digest(b"Bearer " + token, self._expected):
            return OWNER
        return self._callers.get(digest_of(token))


class LocalGuard:
    """Lets every program of this machine pass, and no page of a browser that was loaded from elsewhere.

    A page cannot choose the headers `Host` and `Origin`: the first tells that it reached this machine by a name of its
    own (DNS rebinding), the second whose page it is."""

    def check(self, headers: Headers) -> str:
        host = headers.get(b"host")
        if host is not None and not is_loopback(_hostname(host)):
            raise Forbidden(f"{host[:100].decode('latin-1')!r} is no name of this machine.", "Ask for 127.0.0.1.")
        origin = headers.get(b"origin")
        if origin is not None and not is_same_origin(origin, host):
            raise Forbidden(
                f"Pages of {origin[:100].decode('latin-1')!r} may not use a service without a token.",
                "Start the service with auth 'token', and let the page's own server ask it.",
            )
        return ANYBODY

    def refresh(self) -> None:
        """Nothing of it changes."""


def guard(folder: Path | None) -> Guard:
    """The guard of a service whose folder that is, or of one that asks for no token."""
    return LocalGuard() if folder is None else TokenGuard(folder)


def is_same_origin(origin: bytes, host: bytes | None) -> bool:
    """Whether a page of this `Origin` was loaded from this `Host`."""
    return origin.partition(b"://")[2] == host


def _token_in(authorization: bytes) -> tuple[bytes, bool]:
    """The token, and whether it came as Basic authentication's password; empty where there is none."""
    scheme, _, rest = authorization.partition(b" ")
    if scheme.lower() == b"bearer":
        return rest.strip(), False
    if scheme.lower() != b"basic":
        return b"", False
    try:
        return base64.b64decode(rest.strip(), validate=True).partition(b":")[2], True
    except binascii.Error:
        return b"", True


def _require_own_page(headers: Headers) -> None:
    """A browser sends a password that it remembers whichever page asks: only our own may, and links to us."""
    origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site", b"none")
    foreign = site in (b"cross-site", b"same-site") and headers.get(b"sec-fetch-mode") != b"navigate"
    if foreign or (origin is not None and not is_same_origin(origin, headers.get(b"host"))):
        raise Forbidden("Another page may not use the password that the browser remembers.", "Send a bearer token.")


def _refusal(headers: Headers) -> NotAuthenticated:
    kind = LoginNeeded if b"text/html" in headers.get(b"accept", b"") else NotAuthenticated
    return kind("The service's token is missing or wrong.", "Send it as the header Authorization: Bearer TOKEN.")


def _hostname(host: bytes) -> str:
    """The name in a `Host` header: `name`, `name:port` or `[address]:port`."""
    name = host.decode("latin-1")
    return name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
