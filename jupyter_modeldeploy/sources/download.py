"""Download one file so that nothing that was received is asked for twice.

Bytes go to `NAME.part`; beside it a small JSON holds the validator of the revision they belong to. A dropped
connection, and a later process after a kill, go on from there with `Range` and `If-Range` (RFC 9110, 13.1.5 and 14.2),
so bytes of two revisions are never mixed; where the SHA-256 is known it is checked over the whole."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from jupyter_modeldeploy.errors import (
    Forbidden,
    ModelDeployError,
    NotAuthenticated,
    NotFound,
    StorageFull,
    Unavailable,
    UnsafeContent,
    from_os_error,
)
from jupyter_modeldeploy.sources.reference import RemoteFile

log = logging.getLogger(__name__)
ATTEMPTS = 6
FIRST_DELAY_S, LONGEST_DELAY_S = 0.25, 120.0
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
SPARE_BYTES = 32 << 20
CHUNK = 1 << 20


class InterruptionError(Exception):
    """The transfer stopped before its end and may be tried again, after `delay_s` seconds if the server said so."""

    def __init__(self, reason: str, delay_s: float | None = None) -> None:
        super().__init__(reason)
        self.delay_s = delay_s


class Download:
    """One file on its way to `part`. `told(position, total)` gets the bytes received so far, and of how many."""

    def __init__(
        self,
        client: httpx.Client,
        file: RemoteFile,
        part: Path,
        headers: dict[str, str],
        told: Callable[[int, int | None], None],
    ) -> None:
        self._client, self._file, self._headers, self._told = client, file, headers, told
        self._part, self._record = part, part.with_name(part.name + ".json")
        self._name = Path(file.path).name
        self._size = file.size
        self._validator: str | None = None
        self._digest = hashlib.sha256()
        self.position = 0

    def run(self) -> None:
        """Return when `part` holds the whole, verified file; its record is gone then.

        Raises Unavailable after several attempts without progress, UnsafeContent for a wrong hash, StorageFull."""
        try:
            self._take_up()
            resumed = self.position > 0
            self._receive()
            if resumed and not self._is_right():
                self._restart()  # what an earlier process left may be what is wrong
                self._receive()
            if not self._is_right():
                self._discard()
                raise UnsafeContent(
                    f"{self._name} has the SHA-256 {self._digest.hexdigest()}, published is {self._file.sha256}.",
                    "The file was changed or damaged on its way; nothing was kept. Ask who publishes it.",
                )
            self._record.unlink(missing_ok=True)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                self._discard()
            raise from_os_error(error, f"writing {self._name}") from error

    def _receive(self) -> None:
        fruitless = 0
        while True:
            before = self.position
            try:
                return self._transfer()
            except (httpx.TransportError, InterruptionError) as error:
                fruitless = 1 if self.position > before else fruitless + 1
                if fruitless >= ATTEMPTS:
                    raise Unavailable(
                        f"{self._name} could not be downloaded from {httpx.URL(self._file.url).host}: {error}.",
                        f"{self.position} bytes are kept; the next attempt goes on from there.",
                    ) from error
                delay = getattr(error, "delay_s", None) or FIRST_DELAY_S * 2 ** (fruitless - 1)
                log.info("%s stopped at byte %d (%s); again in %.1f s", self._name, self.position, error, delay)
                time.sleep(min(delay, LONGEST_DELAY_S))

    def _transfer(self) -> None:
        headers = dict(self._headers)
        if self.position and not self._validator and not self._file.sha256:
            self._restart()
        if self.position:
            headers["Range"] = f"bytes={self.position}-"
            if self._validator:
                headers["If-Range"] = self._validator
        with self._client.stream("GET", self._file.url, headers=headers) as response:
            if response.status_code == 416:
                return self._unsatisfiable()
            _check(response, self._name)
            if response.status_code != 206 or not self._continues(response):
                self._restart()
                if response.status_code == 206:
                    raise InterruptionError("the server sent a part that does not follow on")
            total = self._total(response)
            self._remember(response)
            self._append(response, total)
        if total is not None and self.position != total:
            raise InterruptionError(f"{self.position} of {total} bytes arrived")

    def _append(self, response: httpx.Response, total: int | None) -> None:
        limit = self._size = total if total is not None else self._file.size
        with self._part.open("ab", buffering=0) as out:
            for chunk in response.iter_raw():
                if limit is not None and self.position + len(chunk) > limit:
                    self._discard()
                    raise UnsafeContent(
                        f"{self._name} is larger than the {limit} bytes announced.", "Nothing was kept."
                    )
                _write(out.fileno(), chunk)
                self._digest.update(chunk)
                self.position += len(chunk)
                self._told(self.position, self._size)

    def _total(self, response: httpx.Response) -> int | None:
        """The whole file's bytes, if the server says. Raises where it contradicts the listing or cannot fit."""
        if response.headers.get("content-encoding", "identity") != "identity" and not self._file.sha256:
            raise Unavailable(f"{self._name} arrives re-encoded by a server or proxy.", "Fetch it without that proxy.")
        length = response.headers.get("content-length", "")
        total = self.position + int(length) if length.isdigit() else None
        if total is not None and self._file.size is not None and total != self._file.size:
            self._discard()
            raise Unavailable(
                f"{self._name} is {total} bytes, the listing says {self._file.size}.", "It is being changed; try again."
            )
        ensure_space(self._part.parent, (total or 0) - self.position)
        return total

    def _continues(self, response: httpx.Response) -> bool:
        """Whether a 206 holds the bytes from our position on, of the same revision."""
        match = re.match(r"bytes (\d+)-(\d+)/(\d+|\*)$", response.headers.get("content-range", ""))
        etag = _validator(response)
        same = not self._validator or not etag or etag == self._validator
        return match is not None and int(match[1]) == self.position and same

    def _unsatisfiable(self) -> None:
        """416: either everything is here already, or what is here belongs to something else."""
        if self._file.size == self.position and self._file.sha256:
            return
        self._restart()
        raise InterruptionError("the server refused the range")

    def _take_up(self) -> None:
        """Go on from what an earlier process left, if it is of the same revision."""
        self._part.touch(mode=0o600)
        try:
            known = json.loads(self._record.read_text())
            same = known["url"] == self._file.url and known["sha256"] == self._file.sha256
            validator = known["validator"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            same, validator = False, None
        if not same:
            return self._restart()
        self._validator = validator
        with self._part.open("rb") as file:
            while chunk := file.read(CHUNK):
                self._digest.update(chunk)
                self.position += len(chunk)
        if self._file.size is not None and self.position > self._file.size:
            self._restart()
        self._told(self.position, self._size)

    def _remember(self, response: httpx.Response) -> None:
        self._validator = _validator(response)
        known = {"url": self._file.url, "sha256": self._file.sha256, "validator": self._validator}
        self._record.write_text(json.dumps(known))

    def _restart(self) -> None:
        self._record.unlink(missing_ok=True)
        os.truncate(self._part, 0)
        self._validator, self._digest, self.position = None, hashlib.sha256(), 0
        self._told(0, self._size)

    def _discard(self) -> None:
        self._restart()
        self._part.unlink()

    def _is_right(self) -> bool:
        return self._file.sha256 is None or self._digest.hexdigest() == self._file.sha256


def ensure_space(folder: Path, needed: int) -> None:
    """Raise StorageFull where `needed` more bytes (and a little to spare) do not fit on the disk of `folder`."""
    free = shutil.disk_usage(folder).free
    if needed > 0 and needed + SPARE_BYTES > free:
        raise StorageFull(
            f"{needed} bytes are needed, {free} are free on the disk of {folder}.",
            "Free some space or set JUPYTER_MODELDEPLOY_ROOT to a larger disk, then try again. Nothing was changed.",
        )


def _write(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]


def _validator(response: httpx.Response) -> str | None:
    """What tells this revision from another: a strong ETag, else the time of the last change."""
    etag: str | None = response.headers.get("etag")
    if etag and not etag.startswith("W/"):
        return etag
    modified: str | None = response.headers.get("last-modified")
    return modified


def _check(response: httpx.Response, name: str) -> None:
    """Raise what a status other than success means."""
    status, host = response.status_code, response.request.url.host
    if status in TRANSIENT:
        raise InterruptionError(f"{host} answered {status}", _retry_after(response))
    if status >= 300:
        raise refusal(status, f"{host} answered {status} for {name}.")


def refusal(status: int, message: str) -> ModelDeployError:
    """The error for a status that no repetition will change."""
    if status == 401:
        return NotAuthenticated(message, "Give credentials for that server (a token, a netrc file, the index URL).")
    if status == 403:
        return Forbidden(message, "Ask for access with the account that the credentials belong to.")
    if status in (404, 410):
        return NotFound(message, "Check the name, the revision and the path.")
    return Unavailable(message, "Try again later or ask who runs that server.")


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds, from either form of the header (RFC 9110, 10.2.3)."""
    value = response.headers.get("retry-after", "")
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
