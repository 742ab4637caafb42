"""Download one file so that nothing that was received is asked for twice.

Its bytes go to a `Part`. A dropped connection, and a later process after a kill, go on from there with `Range` and
`If-Range` (RFC 9110, 13.1.5 and 14.2), so bytes of two revisions are never mixed. Several threads may each fetch a
section; the hash follows the contiguous front and is checked over the whole."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from jupyter_modeldeploy.errors import Unavailable, UnsafeContent, from_os_error
from jupyter_modeldeploy.sources.reference import RemoteFile
from jupyter_modeldeploy.sources.transfer import answers, body
from jupyter_modeldeploy.sources.transfer.answers import ensure_space, refusal
from jupyter_modeldeploy.sources.transfer.digests import Digests, Follower
from jupyter_modeldeploy.sources.transfer.flow import ATTEMPTS, INTERRUPTIONS, Flow, Patience
from jupyter_modeldeploy.sources.transfer.part import Part, Section

__all__ = ["ATTEMPTS", "Download", "ensure_space", "refusal"]
log = logging.getLogger(__name__)
SMALLEST_SECTION = 16 << 20
MOST_SECTIONS = 4
SECTIONS_AFTER_S = 1.0
FAST = 150e6
"""Bytes per second above which one connection is enough: more of them would share the same network and processor."""

Told = Callable[[int, int | None], None]
Headers = Callable[[], dict[str, str]]
"""The headers of one request, asked for anew each time: a signature expires while a long download goes on."""


class Download:
    """One file on its way to `part`. `told(received, total)` gets the bytes that are there, and of how many."""

    def __init__(
        self, client: httpx.Client, file: RemoteFile, part: Part, headers: Headers, flow: Flow, told: Told
    ) -> None:
        self._client, self._file, self._part, self._headers = client, file, part, headers
        self._flow, self._told = flow, told
        self._name = Path(file.path).name
        self._follower: Follower | None = None
        self._lock = threading.Lock()
        self._failure: Exception | None = None
        self._workers, self._restarts = 0, 0
        self._ranges, self._began_at, self._began_with = False, 0.0, 0

    def run(self) -> Digests:
        """Return when the part holds the whole, verified file, and its digests; the part's record is gone then.

        Raises Unavailable after several attempts without progress, Overloaded, UnsafeContent for a wrong hash or more
        bytes than announced, StorageFull."""
        try:
            self._part.take_up()
            resumed = self._part.received > 0
            digests = self._receive()
            if resumed and not digests.right:
                self._part.restart()  # what an earlier process left may be what is wrong
                digests = self._receive()
            if not digests.right:
                self._part.discard()
                raise digests.wrong()
            self._part.done()
            return digests
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                self._part.discard()
            raise from_os_error(error, f"writing {self._name}") from error
        finally:
            self._abandon_digests()
            self._part.close()
            while self._workers:  # they write to the part's file until they notice
                time.sleep(0.01)

    def help(self) -> bool:
        """Fetch a section beside others, where that is worth it. False if there was nothing to do."""
        with self._lock:
            if not self._worth_helping():
                return False
            section = self._part.take() or self._part.split(SMALLEST_SECTION)
            if section is None:
                return False
            self._workers += 1
        try:
            self._work(section)
        except Exception as error:  # noqa: BLE001  # whoever waits for the file raises it
            self._failure = self._failure or error
        finally:
            with self._lock:
                self._workers -= 1
        return True

    def _worth_helping(self) -> bool:
        """Once ranges are known to work, and one connection to be slow."""
        elapsed = time.monotonic() - self._began_at
        if not self._ranges or elapsed < SECTIONS_AFTER_S or self._workers >= MOST_SECTIONS - 1:
            return False
        return self._failure is None and (self._part.received - self._began_with) / elapsed < FAST

    def _receive(self) -> Digests:
        """Return when all is there, with its digests."""
        self._told(self._part.received, self._part.size)
        while not self._part.complete:
            section = self._part.take()
            if section is not None:
                self._work(section)
            elif self._failure is None:
                self._flow.sleep(0.02)  # others work on what is left
            if self._failure is not None:
                raise self._failure
        digests = self._following().finish()
        self._follower = None
        return digests

    def _work(self, section: Section) -> None:
        """Return when the section is complete, or the download began anew."""
        patience = Patience(self._name, self._file.url, self._flow)
        try:
            while not section.complete and self._part.holds(section):
                before = section.position
                try:
                    self._transfer(section)
                except INTERRUPTIONS as error:
                    patience.wait(error, got_on=section.position > before, kept=self._part.received)
        finally:
            self._part.give_back(section)

    def _transfer(self, section: Section) -> None:
        if section.position and not self._part.validator and not self._has_hash:
            return self._restart("the server does not say which revision it sends")
        headers = self._headers() | self._range(section)
        with self._client.stream("GET", self._file.url, headers=headers) as response:
            if response.status_code == 416:
                return self._restart("the server refused the range")
            answers.check(response, self._file)
            found = answers.extent(response)
            self._check_total(found.total)
            if found.start != section.position or not self._is_same(response):
                return self._restart("the server has another revision, or sends no ranges")
            self._begin(response, found.total)
            self._append(response, section, found)
        if self._part.size is None:
            self._part.finish(section)
        if not section.complete and self._part.holds(section):
            raise answers.InterruptionError(f"{section.left} bytes did not arrive")

    def _range(self, section: Section) -> dict[str, str]:
        last = "" if section.end is None or section.end == self._part.size else section.end - 1
        if not section.position and not last:
            return {}
        asked = {"Range": f"bytes={section.position}-{last}"}
        return asked | ({"If-Range": self._part.validator} if self._part.validator else {})

    def _is_same(self, response: httpx.Response) -> bool:
        """Whether the answer is of the revision that we have bytes of."""
        known, told = self._part.validator, answers.validator(response)
        return not self._part.received or known is None or told is None or known == told

    def _begin(self, response: httpx.Response, total: int | None) -> None:
        """Remember the revision, the first time."""
        with self._lock:
            if self._began_at:
                return
            ensure_space(self._part.path.parent, (total or 0) - self._part.received)
            self._part.begin(self._part.validator or answers.validator(response), total)
            self._began_at, self._began_with = time.monotonic(), self._part.received
            ranges = response.status_code == 206 or response.headers.get("accept-ranges") == "bytes"
            self._ranges = ranges and self._part.size is not None and bool(self._part.validator or self._has_hash)
            self._following()

    def _append(self, response: httpx.Response, section: Section, found: answers.Extent) -> None:
        follower = self._following()
        for chunk in body.chunks(response, found.length, self._flow.largest):
            if section.end is not None and section.end == self._part.size and len(chunk) > section.left:
                self._part.discard()
                raise UnsafeContent(
                    f"{self._name} is larger than the {section.end} bytes announced.", "Nothing was kept."
                )
            more = self._part.write(section, chunk)
            follower.arrived()
            self._told(self._part.received, self._part.size)
            self._flow.passed(len(chunk))
            if not more:
                return

    def _check_total(self, total: int | None) -> None:
        try:
            answers.check_total(total, self._file)
        except Unavailable:
            self._part.discard()
            raise

    @property
    def _has_hash(self) -> bool:
        return bool(self._file.sha256 or self._file.git_sha1)

    def _restart(self, reason: str) -> None:
        """Begin anew, from the first byte. Raises Unavailable where that happens again and again."""
        self._restarts += 1
        log.info("%s begins anew: %s", self._name, reason)
        self._abandon_digests()
        self._part.restart()
        self._began_at, self._ranges = 0.0, False
        self._told(0, self._part.size)
        if self._restarts >= ATTEMPTS:
            raise Unavailable(
                f"{self._name} began anew {self._restarts} times: {reason}.", "Nothing was kept. Ask who publishes it."
            )

    def _following(self) -> Follower:
        if self._follower is None:
            self._follower = Follower(self._part, self._file)
        return self._follower

    def _abandon_digests(self) -> None:
        if self._follower is not None:
            self._follower.abandon()
            self._follower = None
