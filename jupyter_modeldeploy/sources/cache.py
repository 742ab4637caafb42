"""Downloads that are kept below `<root>/cache/`, named by their content, so that nothing is downloaded twice."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from jupyter_modeldeploy.errors import Unavailable, from_os_error
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import network
from jupyter_modeldeploy.sources.download import Download, ensure_space
from jupyter_modeldeploy.sources.local_copy import copy_verified
from jupyter_modeldeploy.sources.reference import Reference, RemoteFile, Resolution, Selection

PART = ".part"
ABANDONED_AFTER_S = 14 * 24 * 3600


class Cache:
    """The folder of downloads. `headers(url)` gives the headers that a request needs, `allowed_hosts` the servers
    beyond the public internet that the user set up; `nearby(file)` a file of this machine that may have the content
    (its hash is checked), `offline` that its source must not be asked though the workspace is not offline."""

    def __init__(
        self,
        settings: Settings,
        headers: Callable[[str], dict[str, str]],
        allowed_hosts: Sequence[str] = (),
        nearby: Callable[[RemoteFile], Path | None] | None = None,
        offline: bool = False,
    ) -> None:
        self._offline, self._headers, self._allowed_hosts = settings.offline or offline, headers, allowed_hosts
        self._nearby = nearby
        self._files = settings.root / "cache" / "files"
        self._references = settings.root / "cache" / "references"
        try:
            for folder in (self._files, self._references):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, f"making the cache {self._files}") from error

    def resolve(
        self, reference: Reference, selection: Selection, ask: Callable[[Reference, Selection], Resolution]
    ) -> Resolution:
        """What `reference` names, as `ask` says; as it said before where that cannot have changed or we are offline."""
        memory = self._references / f"{_digest(reference.original, selection.model_dump_json())}.json"
        known = _recall(memory)
        if known is not None and (self._offline or self._is_final(reference, known)):
            return known
        if self._offline and self._nearby is None:
            raise Unavailable(
                f"{reference} is not in the cache, and the workspace is offline.",
                "Fetch it once with a network: unset JUPYTER_MODELDEPLOY_OFFLINE.",
            )
        resolution = ask(reference, selection)  # one that knows of files nearby asks no network when offline
        _write(memory, resolution.model_dump_json())
        return resolution

    def get(self, files: Sequence[RemoteFile], reporter: Reporter, message: str) -> list[Path]:
        """Where the content of each file lies, downloaded if need be. The paths are read-only.

        Tells the bytes of all files together. Raises StorageFull before the first byte, Unavailable when offline."""
        missing = [file for file in files if not self._path(file).exists() and not self._taken_nearby(file)]
        if missing and self._offline:
            raise Unavailable(
                f"{missing[0].path} is not in the cache, and the workspace is offline.",
                "Fetch it once with a network: unset JUPYTER_MODELDEPLOY_OFFLINE.",
            )
        self._sweep()
        self._ensure_space(missing)
        told = _Told(reporter, files, message)
        with network.client(self._allowed_hosts) as client:
            for index, file in enumerate(files):
                path = self._path(file)
                with self._exclusive(path) as part:
                    if part is not None:
                        Download(client, file, part, self._headers(file.url), partial(told, index)).run()
                        _keep(part, path)
                told(index, path.stat().st_size, path.stat().st_size)
        return [self._path(file) for file in files]

    def _taken_nearby(self, file: RemoteFile) -> bool:
        """Whether the content was found on this machine, and is in the cache now."""
        near = self._nearby(file) if self._nearby else None
        if near is None:
            return False
        path = self._path(file)
        with self._exclusive(path) as part:
            if part is None:
                return True
            if part.stat().st_size == 0 and copy_verified(near, file, part):
                _keep(part, path)
        return path.exists()

    def _is_final(self, reference: Reference, known: Resolution) -> bool:
        """An exact revision of which something was downloaded needs no second look."""
        return known.source == reference.original and any(self._path(file).exists() for file in known.files)

    def _path(self, file: RemoteFile) -> Path:
        return self._files / (file.sha256 or f"url-{_digest(file.url, file.etag or '')}")

    def _ensure_space(self, missing: Sequence[RemoteFile]) -> None:
        parts = [_part(self._path(file)) for file in missing]
        received = sum(part.stat().st_size for part in parts if part.exists())
        ensure_space(self._files, sum(file.size or 0 for file in missing) - received)

    @contextmanager
    def _exclusive(self, path: Path) -> Iterator[Path | None]:
        """The `.part` of `path`, held by this process alone, or None once `path` is there.

        The lock is on the file itself, so a killed process holds none; whoever waited looks again, since the file may
        have been renamed meanwhile."""
        part = _part(path)
        while not path.exists():
            descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if not path.exists() and _is_file(descriptor, part):
                    yield part
                    return
                if path.exists() and os.fstat(descriptor).st_size == 0:
                    part.unlink(missing_ok=True)
            finally:
                os.close(descriptor)
        yield None

    def _sweep(self) -> None:
        """Remove parts that nobody has touched for two weeks."""
        for part in self._files.glob(f"*{PART}*"):
            try:
                if time.time() - part.stat().st_mtime > ABANDONED_AFTER_S:
                    part.unlink()
            except FileNotFoundError:
                continue  # finished or removed by another process


class _Told:
    """Tells the bytes of all files together, of all their bytes once every size is known."""

    def __init__(self, reporter: Reporter, files: Sequence[RemoteFile], message: str) -> None:
        self._reporter, self._message = reporter, message
        self._sizes = [file.size for file in files]
        self._done = [0] * len(files)

    def __call__(self, index: int, done: int, size: int | None) -> None:
        self._done[index], self._sizes[index] = done, size
        known = [size for size in self._sizes if size is not None]
        total = sum(known) if len(known) == len(self._sizes) else None
        self._reporter.progress(sum(self._done), total, "bytes", self._message)


def _keep(part: Path, path: Path) -> None:
    """Sync a finished download and give it its name."""
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.fchmod(descriptor, 0o400)
    finally:
        os.close(descriptor)
    part.rename(path)


def _part(path: Path) -> Path:
    return path.with_name(path.name + PART)


def _is_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _recall(memory: Path) -> Resolution | None:
    try:
        return Resolution.model_validate_json(memory.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)
