"""Unpack zip and tar archives that are hostile until checked.

Names may not leave the folder, links and devices are refused, sizes are counted as the bytes come out (headers lie),
and files get neither owner nor permissions from the archive."""

from __future__ import annotations

import stat
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import IO

from jupyter_modeldeploy.errors import InvalidInput, NotFound, UnsafeContent
from jupyter_modeldeploy.sources.download import ensure_space

ZIP_SUFFIXES = (".zip", ".whl")
TAR_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tar.xz")
CHUNK = 1 << 20
NOTHING = "Nothing was added."
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError)


@dataclass(frozen=True)
class Limits:
    """What an archive may hold. `ratio` of unpacked to packed bytes counts only above `ratio_from` unpacked bytes."""

    files: int = 50_000
    total_bytes: int = 256 << 30
    ratio: int = 250
    ratio_from: int = 256 << 20


@dataclass(frozen=True)
class Member:
    """A regular file in an archive. `special` says what it is instead, where it is no regular file."""

    name: str
    size: int
    special: str | None
    open: Callable[[], IO[bytes]]


def is_archive(name: str) -> bool:
    return name.lower().endswith(ZIP_SUFFIXES + TAR_SUFFIXES)


def names(archive: Path, top: str | None = None) -> list[str]:
    """The files in an archive, without the folder `top` that holds them all."""
    with _reading(archive) as members:
        return [name for member in members if member.special is None and (name := _below(member.name, top))]


def extract(archive: Path, into: Path, path: str = "", top: str | None = None, limits: Limits = Limits()) -> None:  # noqa: B008
    """Unpack the file or folder `path` of an archive to the top of the folder `into`; everything where `path` is empty.

    `path` may lead into archives inside the archive. `top` is a folder of the archive that `path` leaves out.
    Raises NotFound for a path that is not there, UnsafeContent for names that would escape, links, devices and
    bombs, InvalidInput for a damaged archive. After an error `into` may hold some of the files."""
    wanted = path.strip("/")
    inside = names(archive, top)
    if not wanted or any(name == wanted or name.startswith(wanted + "/") for name in inside):
        if is_archive(wanted) and wanted in inside:
            return _extract_nested(archive, into, wanted, "", top, limits)
        return _unpack(archive, into, wanted, top, limits)
    for name in inside:
        if is_archive(name) and wanted.startswith(name + "/"):
            return _extract_nested(archive, into, name, wanted.removeprefix(name + "/"), top, limits)
    close = get_close_matches(wanted, inside, 3, 0.5) or inside[:3]
    raise NotFound(
        f"{wanted!r} is not in {archive.name}.", f"It holds {len(inside)} files, among them {', '.join(close)}."
    )


def _extract_nested(archive: Path, into: Path, name: str, path: str, top: str | None, limits: Limits) -> None:
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=".unpack-") as folder:
        _unpack(archive, Path(folder), name, top, limits)
        extract(Path(folder) / PurePosixPath(name).name, into, path, limits=limits)


def _unpack(archive: Path, into: Path, wanted: str, top: str | None, limits: Limits) -> None:
    budget = _Budget(archive, limits)
    with _reading(archive) as members:
        for member in members:
            relative = _wanted_name(_below(member.name, top), wanted)
            if relative is None:
                continue
            if member.special:
                raise UnsafeContent(f"{member.name} in {archive.name} is a {member.special}.", NOTHING)
            budget.add_file(member.name)
            ensure_space(into, member.size)
            _write(member, into / relative_path(relative, archive.name), budget)


def _wanted_name(name: str | None, wanted: str) -> str | None:
    """Where a member goes below the folder, or None for one that is not wanted."""
    if name is None or not wanted:
        return name
    if name == wanted:
        return PurePosixPath(name).name
    return name.removeprefix(wanted + "/") if name.startswith(wanted + "/") else None


def _below(name: str, top: str | None) -> str | None:
    if top is None:
        return name
    return name.removeprefix(top + "/") if name.startswith(top + "/") else None


def relative_path(name: str, where: str) -> PurePosixPath:
    """A file's name as a relative path that stays below its folder on every system. Raises UnsafeContent."""
    path = PurePosixPath(name)
    bad = (
        path.is_absolute()
        or not path.parts
        or ".." in path.parts
        or "\\" in name
        or path.parts[0][1:2] == ":"
        or any(unicodedata.category(character) in ("Cc", "Cs") for character in name)
        or any(len(part.encode()) > 255 for part in path.parts)
    )
    if bad:
        raise UnsafeContent(f"{where} has a file named {name!r}, which would leave its folder.", NOTHING)
    return path


def _write(member: Member, target: Path, budget: _Budget) -> None:
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with member.open() as source, target.open("xb") as out:
            while chunk := source.read(CHUNK):
                budget.add_bytes(len(chunk))
                out.write(chunk)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise UnsafeContent(f"The archive holds {member.name!r} twice.", NOTHING) from error
    target.chmod(0o600)


class _Budget:
    """Counts what comes out of an archive and stops a bomb."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        self._archive, self._limits = archive, limits
        self._packed = archive.stat().st_size
        self._files = self._bytes = 0

    def add_file(self, name: str) -> None:
        self._files += 1
        if self._files > self._limits.files:
            raise UnsafeContent(f"{self._archive.name} holds more than {self._limits.files} files.", NOTHING)

    def add_bytes(self, count: int) -> None:
        self._bytes += count
        limits = self._limits
        if self._bytes > limits.total_bytes or (
            self._bytes > limits.ratio_from and self._bytes > limits.ratio * self._packed
        ):
            raise UnsafeContent(
                f"{self._archive.name} ({self._packed} bytes) unpacks to more than {self._bytes} bytes.",
                "It looks like a decompression bomb; nothing was added.",
            )


@contextmanager
def _reading(archive: Path) -> Iterator[Iterator[Member]]:
    """The members of an archive, told from a damaged one."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as package:
                yield _zip_members(package)
        else:
            with tarfile.open(archive) as package:
                yield _tar_members(package)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        EOFError,
        NotImplementedError,
        UnicodeDecodeError,
    ) as error:
        raise InvalidInput(
            f"{archive.name} is not a readable archive: {error}.", "Download or make it again."
        ) from error


def _zip_members(package: zipfile.ZipFile) -> Iterator[Member]:
    for info in package.infolist():
        if info.is_dir():
            continue
        kind = stat.S_IFMT(info.external_attr >> 16)
        special = "link" if kind == stat.S_IFLNK else "device" if kind not in (0, stat.S_IFREG) else None
        if info.flag_bits & 0x1:
            special = "encrypted file"
        yield Member(info.filename, info.file_size, special, lambda info=info: package.open(info))  # type: ignore[misc]


def _tar_members(package: tarfile.TarFile) -> Iterator[Member]:
    for info in package:
        if info.isdir():
            continue
        special = None if info.isreg() else "link" if info.issym() or info.islnk() else "device"
        yield Member(info.name.removeprefix("./"), info.size, special, lambda info=info: _tar_open(package, info))  # type: ignore[misc]


def _tar_open(package: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = package.extractfile(info)
    if stream is None:
        raise tarfile.ReadError(f"{info.name} has no content")
    return stream
