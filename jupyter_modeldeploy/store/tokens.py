"""The token of a service: what its callers must send, in a file of the service's folder that only its owner reads."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from jupyter_modeldeploy.errors import from_os_error

FILE = "token"


def read(folder: Path) -> str | None:
    """The token of the service whose folder this is, None before one was made."""
    try:
        return (folder / FILE).read_text("ascii").strip() or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise from_os_error(error, "reading the service's token") from error


def ensure(folder: Path) -> str:
    """The service's token, made (0600, 256 random bits) when there is none yet."""
    if token := read(folder):
        return token
    token = secrets.token_urlsafe(32)
    temporary = folder / f"{FILE}.{os.getpid()}"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(token)
        os.replace(temporary, folder / FILE)
    except OSError as error:
        raise from_os_error(error, "writing the service's token") from error
    return token
