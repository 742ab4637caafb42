"""A folder of contents, each named by its SHA-256, so that identical files are stored once.

What is known only by Git's SHA-1, or by its URL and ETag, is a link to the content. Nothing is synced one by one: a
content that was written before the machine last started is hashed again before it is used."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jupyter_modeldeploy.sources.reference import RemoteFile
from jupyter_modeldeploy.sources.transfer import digests
from jupyter_modeldeploy.sources.transfer.local_copy import copy_verified
from jupyter_modeldeploy.sources.transfer.part import record_of

log = logging.getLogger(__name__)
CONTENT = re.compile(r"^[0-9a-f]{64}$")
PART = ".part"
ABANDONED_AFTER_S = 14 * 24 * 3600
LOOK_AGAIN_S = 0.05


@dataclass(frozen=True)
class Usage:
    """What a cache holds. `bytes_alone` are those that no artifact shares: what pruning all of it would free."""

    files: int
    bytes: int
    bytes_alone: int
    parts: int
    part_bytes: int


class Contents:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, file: RemoteFile) -> Path | None:
        """Where the file's content lies, or None. Using it is what keeps it from being pruned."""
        name = self._folder / key(file)
        try:
            path = name if file.sha256 else self._folder / os.readlink(name)
            known = path.stat()
        except OSError:  # not here, or an alias whose content is gone
            return None
        if file.size not in (None, known.st_size):
            self._drop(path)
            return None
        if known.st_ctime < self._booted_at and not self._is_right(path):
            self._drop(path)
            return None
        try:
            os.utime(path)
        except OSError as error:
            log.debug("%s cannot be marked as used: %s", path, error)  # a cache that we may only read
        return path

    def part(self, file: RemoteFile) -> Path:
        """Where the file arrives."""
        return self._folder / f"{key(file)}{PART}"

    @contextmanager
    def arriving(self, file: RemoteFile, waiting: Callable[[], None]) -> Iterator[tuple[int, Path] | None]:
        """The file's part, open and held by this thread alone, or None once its content is there.

        `waiting` is called again and again while somebody else downloads it. The lock is on the file itself, so a
        killed process holds none; whoever waited looks again, since the file may have been renamed meanwhile."""
        part = self.part(file)
        while self.find(file) is None:
            descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if not _locked(descriptor):
                    waiting()
                elif self.find(file) is None and _is_file(descriptor, part):
                    yield descriptor, part
                    return
                elif os.fstat(descriptor).st_size == 0 and _is_file(descriptor, part):
                    part.unlink()
            finally:
                os.close(descriptor)
        yield None

    def take(self, near: Path, file: RemoteFile) -> Path | None:
        """A copy of a file of this machine, if its content is right; None if not. Raises OSError, StorageFull."""
        fresh = self._folder / f"{key(file)}.{os.getpid()}{PART}"
        try:
            fresh.touch(mode=0o600)
            sha256 = copy_verified(near, file, fresh)
            return self.keep(file, fresh, sha256) if sha256 else None
        finally:
            fresh.unlink(missing_ok=True)

    def keep(self, file: RemoteFile, part: Path, sha256: str) -> Path:
        """Give the verified content in `part` its name, and the other name that it was asked for by."""
        path = self._folder / sha256
        os.chmod(part, 0o400)
        if key(file) != sha256:  # before the content is there, so that it is there by both names at once
            fresh = part.with_name(f"{part.name}.{os.getpid()}")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(sha256)
            fresh.rename(self._folder / key(file))
        part.rename(path)
        return path

    def verify(self) -> tuple[int, list[str]]:
        """Hash every content; remove those that are not what their name says. How many were looked at, and the names of
        those that were removed."""
        looked, damaged = 0, []
        for path in self._contents():
            looked += 1
            if not self._is_right(path):
                damaged.append(path.name)
                self._drop(path)
        self._drop_dangling()
        return looked, damaged

    def prune(self, unused_for_s: float) -> tuple[int, int]:
        """Remove the contents that nobody has used for so long, in seconds, and parts that nobody works on. How many
        files, and how many bytes that frees."""
        removed, freed = 0, 0
        for path in [*self._contents(), *self._parts()]:
            try:
                known = path.stat()
                if time.time() - known.st_mtime < unused_for_s or not self._removed(path):
                    continue
            except FileNotFoundError:
                continue  # finished or removed by another process
            removed += 1
            freed += known.st_size if known.st_nlink == 1 else 0
        self._drop_dangling()
        return removed, freed

    def sweep(self) -> None:
        """Remove parts that nobody has touched for two weeks."""
        for part in self._parts():
            try:
                if time.time() - part.stat().st_mtime > ABANDONED_AFTER_S:
                    self._removed(part)
            except FileNotFoundError:
                continue  # finished or removed by another process

    def usage(self) -> Usage:
        contents: list[os.stat_result] = []
        parts: list[os.stat_result] = []
        for paths, found in ((self._contents(), contents), (self._parts(), parts)):
            for path in paths:
                try:
                    found.append(path.stat())
                except FileNotFoundError:
                    continue  # removed meanwhile
        return Usage(
            files=len(contents),
            bytes=sum(one.st_size for one in contents),
            bytes_alone=sum(one.st_size for one in contents if one.st_nlink == 1),
            parts=len(parts),
            part_bytes=sum(one.st_blocks * 512 for one in parts),
        )

    def _contents(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if CONTENT.match(path.name)]

    def _parts(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.name.endswith(PART)]

    def _removed(self, path: Path) -> bool:
        """Whether it could be removed: a part that somebody downloads to cannot."""
        if path.name.endswith(PART):
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                if not _locked(descriptor):
                    return False
                record_of(path).unlink(missing_ok=True)
                path.unlink()
            finally:
                os.close(descriptor)
        else:
            path.unlink()
        return True

    def _is_right(self, path: Path) -> bool:
        return digests.of_file(path, RemoteFile(path=path.name, url="", sha256=path.name)).right

    def _drop(self, path: Path) -> None:
        log.warning("%s in the cache is damaged; it is removed.", path.name)
        path.unlink(missing_ok=True)

    def _drop_dangling(self) -> None:
        for path in self._folder.iterdir():
            if path.is_symlink() and not path.exists():
                path.unlink(missing_ok=True)

    @cached_property
    def _booted_at(self) -> float:
        """When this machine started, in seconds of the clock that files' times are in."""
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else 0.0


def key(file: RemoteFile) -> str:
    """What the file is asked for by."""
    if file.sha256:
        return file.sha256
    if file.git_sha1:
        return f"git-{file.git_sha1}"
    return f"url-{hashlib.sha256(chr(0).join((file.url, file.etag or '')).encode()).hexdigest()}"


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
