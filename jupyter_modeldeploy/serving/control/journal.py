"""Records of requests as JSON lines in files of a bounded size, to which all server processes of a service append."""

from __future__ import annotations

import fcntl
import logging
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

REQUEST_LOG, REVIEW_LOG, SHADOW_LOG = "requests.jsonl", "review.jsonl", "shadow.jsonl"
MAX_BYTES = 16 * 2**20
MAX_PENDING = 10_000
KEPT = 1
"""How many former files there are beside the one that is written: NAME.1, …"""

log = logging.getLogger(__name__)


class Journal:
    """Records wait in memory until `flush`, which is called every second: a request never waits for a disk.

    `dropped` is told of the number of those that could not be kept."""

    def __init__(self, path: Path, dropped: Callable[[int], None], max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._dropped = dropped
        self._max_bytes = max_bytes
        self._pending: list[bytes] = []
        self._complained = False

    def add(self, record: dict[str, Any]) -> None:
        """One more line."""
        if len(self._pending) < MAX_PENDING:
            self._pending.append(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
        else:
            self._dropped(1)

    def flush(self) -> None:
        """Write what waits. Where that fails it is dropped, and the log says so once."""
        if not self._pending:
            return
        lines, self._pending = self._pending, []
        try:
            self._append(b"".join(lines))
            self._complained = False
        except OSError as error:
            self._dropped(len(lines))
            if not self._complained:
                log.error("%s cannot be written: %s", self._path.name, error)
            self._complained = True

    def _append(self, content: bytes) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file).st_size + len(content) > self._max_bytes and self._is_current(file):
                os.replace(self._path, self._path.with_name(f"{self._path.name}.{KEPT}"))
            elif self._is_current(file):
                os.write(file, content)
                return
        finally:
            os.close(file)
        self._append(content[-self._max_bytes :])

    def _is_current(self, file: int) -> bool:
        """Whether no other process has put the file aside meanwhile."""
        try:
            return os.fstat(file).st_ino == self._path.stat().st_ino
        except FileNotFoundError:
            return False


def latest(path: Path, count: int) -> list[dict[str, Any]]:
    """The newest `count` records of a journal, the newest last; a line that is still being written is left out."""
    lines: deque[bytes] = deque(maxlen=count)
    for part in (path.with_name(f"{path.name}.{KEPT}"), path):
        try:
            with part.open("rb") as file:
                lines.extend(line for line in file if line.endswith(b"\n"))
        except FileNotFoundError:
            continue  # nothing was recorded, or nothing was put aside yet
    return [orjson.loads(line) for line in lines]
