"""Unpack zip and tar archives that are hostile until checked.

Names may not leave the folder, links and devices are refused, sizes are counted as the bytes come out (headers lie),
files get neither owner nor permissions from the archive, and names that mean something else elsewhere are refused."""

from __future__ import annotations

import lzma
import re
import stat
import struct
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import IO

from jupyter_modeldeploy.errors import InvalidInput, NotFound, UnsafeContent
from jupyter_modeldeploy.sources.choosing.choice import matching
from jupyter_modeldeploy.sources.reference import AS_NEEDED, Selection
from jupyter_modeldeploy.sources.transfer.answers import ensure_space

ZIP_SUFFIXES = (".zip", ".whl")
TAR_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tar.xz")
CHUNK = 1 << 20
NOTHING = "Nothing was added."
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, ValueError)
END_OF_ZIP, END_OF_ZIP64 = b"PK\x05\x06", b"PK\x06\x06"
LARGEST_TAR_HEADER = 1 << 20
HEADERS_WITH_DATA = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """What an archive may hold. `ratio` of unpacked to packed bytes counts only above `ratio_from` unpacked bytes.

    `directory_bytes` is the size of a zip's table of contents, which is read as a whole."""

    files: int = 50_000
    directory_bytes: int = 64 << 20
    total_bytes: int = 256 << 30
    ratio: int = 250
    ratio_from: int = 256 << 20


LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    """A regular file in an archive. `special` says what it is instead, where it is no regular file."""

    name: str
    size: int
    special: str | None
    open: Callable[[], IO[bytes]]


def is_archive(name: str) -> bool:
    return name.lower().endswith(ZIP_SUFFIXES + TAR_SUFFIXES)


def names(archive: Path, top: str | None = None, limits: Limits = LIMITS) -> list[str]:
    """The files in an archive, without the folder `top` that holds them all."""
    with _reading(archive, limits) as members:
        return [name for member in members if member.special is None and (name := _below(member.name, top))]


def only_folder(names: Sequence[str]) -> str:
    """The one folder at the top that holds all the files, or an empty text where there is none."""
    tops = {name.partition("/")[0] for name in names}
    return tops.pop() if len(tops) == 1 and all("/" in name for name in names) else ""


def extract(
    archive: Path,
    into: Path,
    path: str = "",
    top: str | None = None,
    limits: Limits = LIMITS,
    selection: Selection = AS_NEEDED,
) -> None:
    """Unpack the file or folder `path` of an archive to the top of the folder `into`; everything where `path` is empty.

    `path` may lead into archives inside the archive. `top` is a folder of the archive that `path` leaves out. Of a
    folder, only the files that match the selection's patterns are taken. Raises NotFound for a path that is not there,
    UnsafeContent for names that would escape, links, devices and bombs, InvalidInput for a damaged archive and for
    patterns that nothing matches. After an error `into` may hold some of the files."""
    _extract(archive, into, path.strip("/"), top, _Budget(archive, limits), selection)


def _extract(archive: Path, into: Path, wanted: str, top: str | None, budget: _Budget, selection: Selection) -> None:
    inside = names(archive, top, budget.limits)
    if not wanted or any(name == wanted or name.startswith(wanted + "/") for name in inside):
        if is_archive(wanted) and wanted in inside:
            return _extract_nested(archive, into, wanted, "", top, budget, selection)
        return _unpack(archive, into, wanted, top, budget, _kept(archive, inside, wanted, selection))
    for name in inside:
        if is_archive(name) and wanted.startswith(name + "/"):
            deeper = wanted.removeprefix(name + "/")
            return _extract_nested(archive, into, name, deeper, top, budget, selection)
    close = get_close_matches(wanted, inside, 3, 0.5) or inside[:3]
    raise NotFound(
        f"{wanted!r} is not in {archive.name}.", f"It holds {len(inside)} files, among them {', '.join(close)}."
    )


def _extract_nested(
    archive: Path, into: Path, name: str, path: str, top: str | None, budget: _Budget, selection: Selection
) -> None:
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=".unpack-") as folder:
        _unpack(archive, Path(folder), name, top, budget, None)
        _extract(Path(folder) / PurePosixPath(name).name, into, path, None, budget, selection)


def _kept(archive: Path, inside: list[str], wanted: str, selection: Selection) -> frozenset[str] | None:
    """The names below `wanted` that the selection's patterns leave; None for all."""
    if wanted in inside or not (selection.include or selection.exclude):
        return None
    below = [relative for name in inside if (relative := _wanted_name(name, wanted))]
    return frozenset(matching(below, archive.name, selection))


def _unpack(
    archive: Path, into: Path, wanted: str, top: str | None, budget: _Budget, kept: frozenset[str] | None
) -> None:
    taken: dict[str, str] = {}
    with _reading(archive, budget.limits) as members:
        for member in members:
            relative = _wanted_name(_below(member.name, top), wanted)
            if relative is None:
                continue
            relative_path(relative, archive.name)  # an archive that tries to leave its folder is hostile as a whole
            if kept is not None and relative not in kept:
                continue
            if member.special:
                raise UnsafeContent(f"{member.name} in {archive.name} is a {member.special}.", NOTHING)
            budget.add_file(member.name)
            place = portable(relative, archive.name)
            twin = taken.setdefault(unicodedata.normalize("NFC", relative).casefold(), relative)
            if twin != relative:
                raise UnsafeContent(
                    f"{archive.name} holds {twin!r} and {relative!r}, one file on other systems.", NOTHING
                )
            ensure_space(into, member.size)
            _write(member, into / place, budget)


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


def portable(name: str, where: str) -> PurePosixPath:
    """`relative_path` for a name that others chose freely: also none that means something else on Windows."""
    path = relative_path(name, where)
    for part in path.parts:
        if WINDOWS_DEVICE.fullmatch(part) or part.endswith((".", " ")) or ":" in part:
            raise UnsafeContent(f"{where} has a file named {name!r}, which means something else on Windows.", NOTHING)
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
    """Counts what comes out of an archive, and out of the archives inside it, and stops a bomb."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        self.limits = limits
        self._name, self._packed = archive.name, archive.stat().st_size
        self._files = self._bytes = 0

    def add_file(self, name: str) -> None:
        self._files += 1
        if self._files > self.limits.files:
            raise _too_many(self._name, self.limits)

    def add_bytes(self, count: int) -> None:
        self._bytes += count
        _refuse_bomb(self._name, self._bytes, self._packed, self.limits)


def _too_many(name: str, limits: Limits) -> UnsafeContent:
    return UnsafeContent(f"{name} holds more than {limits.files} files.", NOTHING)


def _refuse_bomb(name: str, unpacked: int, packed: int, limits: Limits) -> None:
    if unpacked > limits.total_bytes or (unpacked > limits.ratio_from and unpacked > limits.ratio * packed):
        raise UnsafeContent(
            f"{name} ({packed} bytes) unpacks to {unpacked} bytes or more.",
            "It looks like a decompression bomb; nothing was added.",
        )


@contextmanager
def _reading(archive: Path, limits: Limits) -> Iterator[Iterator[Member]]:
    """The members of an archive, told from a damaged one."""
    try:
        if zipfile.is_zipfile(archive):
            _check_directory(archive, limits)
            with zipfile.ZipFile(archive) as package:
                if len(package.infolist()) > limits.files:
                    raise _too_many(archive.name, limits)
                yield _zip_members(package)
        else:
            with tarfile.open(archive, tarinfo=_BoundedTarInfo) as package:
                yield _tar_members(package, archive, limits)
    except DAMAGED as error:
        raise InvalidInput(
            f"{archive.name} is not a readable archive: {error}.", "Download or make it again."
        ) from error


def _check_directory(archive: Path, limits: Limits) -> None:
    """Refuse a zip whose table of contents is too large to be read, by what its end record says (APPNOTE 4.3.14-16)."""
    with archive.open("rb") as file:
        file.seek(-min(archive.stat().st_size, (1 << 16) + 98), 2)
        tail = file.read()
    end, end64 = tail.rfind(END_OF_ZIP), tail.rfind(END_OF_ZIP64)
    size = struct.unpack_from("<L", tail, end + 12)[0] if 0 <= end <= len(tail) - 16 else 0
    if size == 0xFFFFFFFF and 0 <= end64 <= len(tail) - 48:
        size = struct.unpack_from("<Q", tail, end64 + 40)[0]
    if size > limits.directory_bytes:
        raise UnsafeContent(f"{archive.name} has a table of contents of {size} bytes.", NOTHING)


def _zip_members(package: zipfile.ZipFile) -> Iterator[Member]:
    for info in package.infolist():
        if info.is_dir():
            continue
        kind = stat.S_IFMT(info.external_attr >> 16)
        special = "link" if kind == stat.S_IFLNK else "device" if kind not in (0, stat.S_IFREG) else None
        if info.flag_bits & 0x1:
            special = "encrypted file"
        yield Member(info.filename, info.file_size, special, lambda info=info: package.open(info))  # type: ignore[misc]


class _BoundedTarInfo(tarfile.TarInfo):
    """A member whose long name or extended header is read only if it is short: tarfile reads all that it claims."""

    def _proc_member(self, package: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in HEADERS_WITH_DATA and self.size > LARGEST_TAR_HEADER:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        return super()._proc_member(package)  # type: ignore[misc,no-any-return]


def _tar_members(package: tarfile.TarFile, archive: Path, limits: Limits) -> Iterator[Member]:
    packed, declared = archive.stat().st_size, 0
    for count, info in enumerate(package, 1):
        declared += info.size
        _refuse_bomb(archive.name, declared, packed, limits)  # before the stream is unpacked up to the next header
        if count > limits.files:
            raise _too_many(archive.name, limits)
        if info.isdir():
            continue
        special = None if info.isreg() else "link" if info.issym() or info.islnk() else "device"
        yield Member(info.name.removeprefix("./"), info.size, special, lambda info=info: _tar_open(package, info))  # type: ignore[misc]


def _tar_open(package: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = package.extractfile(info)
    if stream is None:
        raise tarfile.ReadError(f"{info.name} has no content")
    return stream
