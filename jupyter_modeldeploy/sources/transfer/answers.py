"""What a server's answer to a request for a file's bytes means."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

import httpx

from jupyter_modeldeploy.errors import (
    Conflict,
    Forbidden,
    ModelDeployError,
    NotAuthenticated,
    NotFound,
    StorageFull,
    Unavailable,
)
from jupyter_modeldeploy.sources.reference import RemoteFile

TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)$")
SPARE_BYTES = 32 << 20


class InterruptionError(Exception):
    """The transfer stopped before its end and may be tried again, after `delay_s` seconds if the server said so."""

    def __init__(self, reason: str, delay_s: float | None = None, status: int | None = None) -> None:
        super().__init__(reason)
        self.delay_s, self.status = delay_s, status


class Extent(NamedTuple):
    """Which bytes an answer holds, and of how many; None where the server does not say."""

    start: int
    length: int | None
    total: int | None


def extent(response: httpx.Response) -> Extent:
    """The bytes that a 200 or 206 holds. Raises InterruptionError for a 206 that does not say which it is.

    ModelScope's delivery network sends parts as 200, with Content-Range."""
    text = response.headers.get("content-length", "")
    length = int(text) if text.isdigit() and "transfer-encoding" not in response.headers else None
    if response.status_code != 206 and "content-range" not in response.headers:
        return Extent(0, length, length)
    match = CONTENT_RANGE.match(response.headers.get("content-range", ""))
    if match is None:
        raise InterruptionError("the server sent a part without saying which")
    return Extent(int(match[1]), length, None if match[3] == "*" else int(match[3]))


def validator(response: httpx.Response) -> str | None:
    """What tells this revision from another: a strong ETag, else the time of the last change."""
    etag: str | None = response.headers.get("etag")
    if etag and not etag.startswith("W/"):
        return etag
    modified: str | None = response.headers.get("last-modified")
    return modified


def check(response: httpx.Response, file: RemoteFile) -> None:
    """Raise what a status other than success means, and where the body is not the file's own bytes."""
    status, host = response.status_code, response.request.url.host
    if status in TRANSIENT:
        raise InterruptionError(f"{host} answered {status}", _retry_after(response), status)
    name = Path(file.path).name
    if status not in (200, 206):
        raise refusal(status, f"{host} answered {status} for {name}.")
    if response.headers.get("content-encoding", "identity") != "identity" and not file.sha256:
        raise Unavailable(f"{name} arrives re-encoded by a server or proxy.", "Fetch it without that proxy.")


def check_total(total: int | None, file: RemoteFile) -> None:
    """Raise where the server's size contradicts the listing's."""
    if total is not None and file.size is not None and total != file.size:
        raise Unavailable(
            f"{Path(file.path).name} is {total} bytes, the listing says {file.size}.",
            "It is being changed, or the server is wrong; nothing of it was kept. Try again.",
        )


def refusal(status: int, message: str) -> ModelDeployError:
    """The error for a status that no repetition will change."""
    if status == 401:
        return NotAuthenticated(message, "Give credentials for that server (a token, a netrc file, the index URL).")
    if status == 403:
        return Forbidden(message, "Ask for access with the account that the credentials belong to.")
    if status == 412:
        return Conflict(f"{message} It is no longer what was listed.", "It was changed in between; try again.")
    if status in (404, 410):
        return NotFound(message, "Check the name, the revision and the path.")
    return Unavailable(message, "Try again later or ask who runs that server.")


def ensure_space(folder: Path, needed: int) -> None:
    """Raise StorageFull where `needed` more bytes (and a little to spare) do not fit on the disk of `folder`."""
    if needed <= 0:
        return
    free = shutil.disk_usage(folder).free
    if needed + SPARE_BYTES > free:
        raise StorageFull(
            f"{needed} bytes are needed, {free} are free on the disk of {folder}.",
            "Free some space or set JUPYTER_MODELDEPLOY_ROOT to a larger disk, then try again. Nothing was changed.",
        )


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds, from either form of the header (RFC 9110, 10.2.3)."""
    value = response.headers.get("retry-after", "")
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
