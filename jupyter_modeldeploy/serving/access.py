"""Who may call a service: whoever holds its token, and only from this machine."""

from __future__ import annotations

import hmac
import ipaddress
import os
import secrets
from pathlib import Path

from jupyter_modeldeploy.errors import InvalidInput, NotAuthenticated, from_os_error

TOKEN_FILE = "token"


def read_token(folder: Path) -> str | None:
    """The token of the service whose folder this is, None before its first start."""
    try:
        return (folder / TOKEN_FILE).read_text("ascii").strip() or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise from_os_error(error, "reading the service's token") from error


def ensure_token(folder: Path) -> str:
    """The service's token, made (0600, 256 random bits) when there is none yet."""
    if token := read_token(folder):
        return token
    token = secrets.token_urlsafe(32)
    temporary = folder / f"{TOKEN_FILE}.{os.getpid()}"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(token)
        os.replace(temporary, folder / TOKEN_FILE)
    except OSError as error:
        raise from_os_error(error, "writing the service's token") from error
    return token


def require_loopback(host: str) -> None:
    """Raise InvalidInput unless `host` is an address of this machine alone."""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise InvalidInput(
            f"A service cannot listen on {host!r} in this release.",
            "Use 127.0.0.1, and a proxy with TLS in front of it to reach the service from elsewhere.",
        )


class Guard:
    """Lets a request pass that carries the service's token; every request where there is none to carry."""

    def __init__(self, token: str | None) -> None:
        self._expected = None if token is None else f"Bearer {token}".encode()

    def check(self, authorization: bytes | None) -> None:
        """Raise NotAuthenticated unless the header's value is right; the comparison takes constant time."""
        if self._expected is None or hmac.compare_digest(authorization or b"", self._expected):
            return
        scheme, _, rest = (authorization or b"").partition(b" ")
        given = b"Bearer " + rest.strip() if scheme.lower() == b"bearer" else b""
        if not hmac.compare_digest(given, self._expected):
            raise NotAuthenticated(
                "The service's token is missing or wrong.", "Send it as the header Authorization: Bearer TOKEN."
            )
