"""System shared memory: tensors in POSIX shared memory that the client made, by name of a region that it registered.

Regions are registered with the service, whichever of its server processes is asked: each is a file in a folder of
theirs. A region is read and written by system calls and never mapped, so that a client that shortens it meanwhile
gets an error and cannot make the server process crash; that costs one copy."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound, TooLarge, from_os_error, shown

SHARED_MEMORY = Path("/dev/shm")  # where Linux keeps what shm_open opens
MAX_REGIONS = 1024
MAX_NAME = 255
_FOLDER = "regions-"


class Region(NamedTuple):
    """`byte_size` bytes from `offset` on of the shared memory object `key`."""

    name: str
    key: str
    offset: int
    byte_size: int


class Regions:
    """The regions of one run of a service, which is that of the supervisor `run`. `max_bytes` is the most that one
    request may bring or want in them."""

    def __init__(self, folder: Path, run: int, max_bytes: int = 0) -> None:
        self.max_bytes = max_bytes
        self._folder = folder / f"{_FOLDER}{run}"
        for former in folder.glob(f"{_FOLDER}*"):
            if former != self._folder:
                shutil.rmtree(former, ignore_errors=True)
        self._known: dict[str, tuple[int, Region]] = {}

    def register(self, name: str, key: str, offset: int, byte_size: int) -> None:
        """Know the region from now on. Raises InvalidInput for a key that is none, NotFound where there is no such
        object, Conflict for a name that is taken."""
        if not 0 < len(name) <= MAX_NAME:
            raise InvalidInput(f"A region's name has 1 to {MAX_NAME} characters, not {len(name)}.")
        region = Region(name, key, offset, byte_size)
        with _opened(region) as object_:
            size = os.fstat(object_).st_size
        if offset < 0 or byte_size <= 0 or offset + byte_size > size:
            raise InvalidInput(
                f"The region {shown(name)} would be {shown(byte_size)} bytes from {shown(offset)} on; "
                f"{shown(key)} has {size} bytes."
            )
        if len(self.status()) >= MAX_REGIONS:
            raise Conflict(f"{MAX_REGIONS} regions are registered.", "Unregister those that are not used.")
        self._write(region)

    def unregister(self, name: str | None = None) -> None:
        """Forget the region, or all. One that is not known is forgotten already."""
        paths = self._folder.glob("*.json") if name is None else [self._path(name)]
        for path in paths:
            path.unlink(missing_ok=True)

    def status(self, name: str | None = None) -> list[Region]:
        """All regions, or the one of that name. Raises NotFound."""
        if name is not None:
            return [self._get(name)]
        found = [_read(path) for path in self._folder.glob("*.json")]
        return sorted(region for region in found if region is not None)

    def read(self, name: str, offset: int, byte_size: int) -> bytes:
        """So many bytes of the region from `offset` on. Raises NotFound, InvalidInput for what is not in it."""
        region = self.part(name, offset, byte_size)
        with _opened(region) as object_:
            content = os.pread(object_, byte_size, region.offset + offset)
        if len(content) != byte_size:
            raise InvalidInput(f"The shared memory of {shown(name)} is shorter than the region that was registered.")
        return content

    def write(self, name: str, offset: int, content: bytes) -> None:
        """Put the bytes into the region. Raises NotFound, InvalidInput where they don't fit."""
        region = self.part(name, offset, len(content))
        with _opened(region) as object_:
            if os.fstat(object_).st_size < region.offset + offset + len(content):
                raise InvalidInput(f"The shared memory of {shown(name)} is shorter than the region registered.")
            try:
                os.pwrite(object_, content, region.offset + offset)
            except OSError as error:
                raise from_os_error(error, f"writing into the region {name}") from error

    def part(self, name: str, offset: int, byte_size: int) -> Region:
        """The region, having checked that the part is in it. Raises NotFound, InvalidInput, TooLarge."""
        region = self._get(name)
        if offset < 0 or byte_size < 0 or offset + byte_size > region.byte_size:
            raise InvalidInput(
                f"{shown(byte_size)} bytes from {shown(offset)} on are not within the region {shown(name)}, "
                f"which has {region.byte_size}."
            )
        if byte_size > self.max_bytes:
            raise TooLarge(f"{byte_size} bytes of shared memory are more than {self.max_bytes}.", "Send less at once.")
        return region

    def _get(self, name: str) -> Region:
        path = self._path(name)
        try:
            stamp = path.stat().st_mtime_ns
        except FileNotFoundError:
            stamp = 0
        known = self._known.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        self._known.pop(name, None)
        region = _read(path) if stamp else None
        if region is None:
            raise NotFound(f"The shared memory region {shown(name)} is not registered.", "Register it first.")
        if len(self._known) >= MAX_REGIONS:  # most of them gone
            self._known.clear()
        self._known[name] = stamp, region
        return region

    def _write(self, region: Region) -> None:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            temporary = self._folder / secrets.token_hex(8)
            temporary.write_bytes(orjson.dumps(region._asdict()))
            try:
                os.link(temporary, self._path(region.name))
            finally:
                temporary.unlink()
        except FileExistsError:
            raise Conflict(
                f"The shared memory region {shown(region.name)} is registered already.", "Unregister it first."
            ) from None
        except OSError as error:
            raise from_os_error(error, "registering a shared memory region") from error

    def _path(self, name: str) -> Path:
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()}.json"


def require_number(value: Any, name: str, least: int) -> int:
    """The value. Raises InvalidInput unless it is a whole number of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InvalidInput(f"{name} must be a whole number of at least {least}, not {shown(value)}.")
    return value


def _read(path: Path) -> Region | None:
    try:
        return Region(**orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        return None


@contextmanager
def _opened(region: Region) -> Iterator[int]:
    """The shared memory object: a plain file of that very name, in no folder and by no link."""
    name = region.key.removeprefix("/")
    if not name or "/" in name or "\0" in name or name in (".", "..") or len(name.encode()) > MAX_NAME:
        raise InvalidInput(f"{shown(region.key)} is no name of a shared memory object.", "It is like /name.")
    try:
        object_ = os.open(SHARED_MEMORY / name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise InvalidInput(
            f"The shared memory object {shown(region.key)} cannot be opened: {error.strerror}."
        ) from None
    try:
        if not stat.S_ISREG(os.fstat(object_).st_mode):
            raise InvalidInput(f"{shown(region.key)} is no shared memory object.")
        yield object_
    finally:
        os.close(object_)
