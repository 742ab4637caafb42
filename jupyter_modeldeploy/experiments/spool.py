"""The folder through which the processes of a service hand on what they saw of its requests, and which outcomes came.

Each leaves segments there: files of JSON lines that get their name when they are complete and are never changed. Who
counts them removes them.

    {"format": 1, "arms": [[stage, "model@2", share, experiment], …], "attributes": ["region", …], "rows": 2,
        "dropped": 0}
    {"exposures": [[arm, unit, request, at, microseconds, failed, confidence, *attributes], …]}
    {"outcomes": [[unit, request, metric, value, id, at, received, before], …]}

`arm` is a place in the head's list, `at` and `received` are milliseconds since the epoch, `confidence` is in
millionths, and `dropped` are rows that this process could not keep since its segment before. How they are read again:
`segments`."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

FORMAT = 1
FOLDER = "exposures"
"""Its name in a service's folder."""
COMPLETE, PART = ".jsonl", ".part"
LEFT_S = 600.0
"""Nobody writes at a segment for so long."""
MAX_BYTES = 2**30
LOOK_S = 30.0
"""Between two looks at how much there is: others write and remove, too."""
BLOCK_BYTES = 4096
MAX_UNIT_BYTES = MAX_ID_BYTES = 128
FAILED = 400
OWN_FIGURES = frozenset({"requests", "errors", "latency_ms", "confidence", "confidences"})
"""What a service measures by itself; every other figure is of outcomes."""


class Arm(NamedTuple):
    """The stage of the split, the version, its share then, and the experiment whose range of a namespace was split so;
    '' is the split of all other traffic."""

    stage: int
    version: str
    share: float
    experiment: str = ""


class Spool:
    """Writes segments into `folder`, as one of many processes, up to `max_bytes` of all of them."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._writer = secrets.token_hex(4)
        self._segments = 0
        self._bytes = 0
        self._look_at = 0.0

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more may be written. Raises OSError where that cannot be told."""
        now = time.monotonic()
        if now >= self._look_at:
            self._bytes = _size(self.folder)
            self._look_at = now + LOOK_S
        return self._bytes + size <= self.max_bytes

    def write(
        self,
        arms: Iterable[tuple[Any, ...]],
        attributes: Sequence[str],
        lines: Sequence[bytes],
        rows: int,
        dropped: int,
    ) -> Path:
        """Leave a segment of these `lines` of JSON, and give its path. Raises OSError, having left nothing."""
        told = {"arms": [[*arm] for arm in arms], "attributes": [*attributes], "rows": rows, "dropped": dropped}
        head = orjson.dumps({"format": FORMAT, **told})
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._segments += 1
        path = self.folder / f"{time.time_ns():020d}-{self._writer}-{self._segments}{COMPLETE}"
        temporary = path.with_suffix(PART)
        content = b"\n".join([head, *lines, b""])
        try:
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        self._bytes += len(content) + BLOCK_BYTES
        return path


def written_at(path: Path) -> int:
    """When this segment was written, in milliseconds since the epoch: as its name says, or else now."""
    told = path.name.partition("-")[0]
    return (int(told) if told.isdecimal() else time.time_ns()) // 10**6


def has_failed(status: int, instead: str | bytes | None) -> bool:
    """Whether the version that was meant to answer failed: by the status of the answer, or since `instead` of its own
    there was an older one or another version's. What one version refuses and the other answers is its failure, and what
    callers do wrong comes to both alike."""
    return status >= FAILED or bool(instead)


def segments(folder: Path) -> list[Path]:
    """The segments that are complete, the oldest first. What a writer left behind that was killed in the middle is
    taken as it is."""
    try:
        with os.scandir(folder) as entries:
            names = [_named(folder, entry) for entry in entries]
    except FileNotFoundError:
        return []  # nothing was recorded yet
    return [folder / name for name in sorted(name for name in names if name.endswith(COMPLETE))]


def unit_name(unit: str) -> str:
    """The unit as it is recorded: one that is very long by its digest."""
    if len(unit) <= MAX_UNIT_BYTES // 4 or len(encoded := unit.encode("utf-8", "replace")) <= MAX_UNIT_BYTES:
        return unit
    return f"blake2b:{hashlib.blake2b(encoded, digest_size=16).hexdigest()}"


def _named(folder: Path, entry: os.DirEntry[str]) -> str:
    """The name of this file of the folder, from now on that of a segment where its writer was killed."""
    if not entry.name.endswith(PART):
        return entry.name
    try:
        if time.time() - entry.stat(follow_symlinks=False).st_mtime < LEFT_S:
            return entry.name
        path = (folder / entry.name).with_suffix(COMPLETE)
        os.replace(entry.path, path)
    except OSError:  # its writer completed it just now, or it is not ours to take
        return entry.name
    return path.name


def _size(folder: Path) -> int:
    try:
        with os.scandir(folder) as entries:
            return sum(_size_of(entry) + BLOCK_BYTES for entry in entries)
    except FileNotFoundError:
        return 0


def _size_of(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:  # counted and removed meanwhile
        return 0
