"""What a file holds, by its first bytes whatever it is called: pickles, and archives with whatever is in them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from jupyter_modeldeploy.records import Finding
from jupyter_modeldeploy.sources.safety import arrays, keras, pickles, skops

HEAD = 512
MAX_DEPTH = 4
MAX_UNPACKED = 2 << 30
MAX_IN_MEMORY = 16 << 20
MAX_MEMBERS = 100_000
CHUNK = 1 << 20
ZIP, NPY, HDF5 = b"PK\x03\x04", b"\x93NUMPY", b"\x89HDF\r\n\x1a\n"
SEALED = {
    b"7z\xbc\xaf\x27\x1c": "7z archive",
    b"Rar!\x1a\x07": "RAR archive",
    b"\x28\xb5\x2f\xfd": "Zstandard stream",
    b"\x04\x22\x4d\x18": "LZ4 stream",
}
"""What joblib, picklescan or a person would unpack, and the standard library cannot."""
PICKLED = re.compile(
    r"\.(pkl|pickle|joblib|dill|cloudpickle|pt|pth|ckpt|pdparams|pdopt|sav|mar)(\.(gz|bz2|xz|lzma|z))?$"
    r"|(^|/)(pytorch_model|training_args|optimizer|scheduler|scaler|rng_state|random_states|adapter_model|data)"
    r"[^/]*\.(bin|pkl)$",
    re.IGNORECASE,
)
"""Names that a loader takes for a pickle."""
TORCH_TENSOR = re.compile(r"(^|/)(data|\.data|weights|constants|xl_model_weights)/(weight_|tensor_)?\d+(\.storage)?$")
ZLIB_NAMES = re.compile(r"\.(joblib|pkl|pickle|z|dill|sav|gz)$", re.IGNORECASE)
UNREADABLE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError),
    *(RuntimeError, ValueError, OverflowError, MemoryError, struct.error),
)


class _TooMuch(Exception):
    """An archive holds more than is looked through."""


class _Budget:
    """How much may come out of one file of the folder, all its archives together."""

    def __init__(self) -> None:
        self._bytes, self._members = MAX_UNPACKED, MAX_MEMBERS

    def spend(self, count: int) -> None:
        self._bytes -= count
        if self._bytes < 0:
            raise _TooMuch(f"unpacks to more than {MAX_UNPACKED >> 30} GiB")

    def open(self, members: int) -> None:
        self._members -= members
        if self._members < 0:
            raise _TooMuch(f"holds more than {MAX_MEMBERS} files")


class _Counted:
    """A stream of which no more is read than the budget has."""

    def __init__(self, stream: IO[bytes], budget: _Budget) -> None:
        self._stream, self._budget = stream, budget
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, count: int = -1) -> bytes:
        part = self._stream.read(count)
        self._budget.spend(len(part))
        return part

    def readline(self, count: int = -1) -> bytes:
        line = self._stream.readline(count)
        self._budget.spend(len(line))
        return line


def look(path: Path, name: str) -> Iterator[Finding]:
    """Findings in a file and in what it packs. Nothing is loaded, and nothing is unpacked into the folder."""
    with path.open("rb") as stream:
        try:
            budget = _Budget()
            start = stream.read(HEAD)
            yield from _look(stream, start, name, 0, budget)
            if not start.startswith(ZIP) and zipfile.is_zipfile(stream):  # found by its end: anything may come before
                yield from _zip(stream, name, 0, budget, hidden=True)
        except _TooMuch as error:
            yield Finding(file=name, kind="archive", dangerous=True, message=f"cannot be looked through: it {error}")


def _look(stream: IO[bytes], start: bytes, name: str, depth: int, budget: _Budget) -> Iterator[Finding]:
    if depth > MAX_DEPTH:
        raise _TooMuch(f"holds archives in archives, more than {MAX_DEPTH} deep")
    stream.seek(0)
    if (sealed := next((kind for magic, kind in SEALED.items() if start.startswith(magic)), None)) is not None:
        yield _unreadable(name, f"it is a {sealed}")
    elif start.startswith(ZIP):
        yield from _zip(stream, name, depth, budget)
    elif _is_tar(start, name):
        yield from _tar(stream, name, depth, budget)
    elif (unpack := _unpacker(start, name)) is not None:
        yield from _packed(unpack(stream), name, depth, budget)
    elif start.startswith(NPY):
        yield from arrays.look(stream, name)
    elif start.startswith(HDF5):
        yield from keras.look_at_hdf5(stream, name)
    else:
        yield from pickles.look(stream, name, PICKLED.search(name) is not None, start)


def _zip(stream: IO[bytes], name: str, depth: int, budget: _Budget, hidden: bool = False) -> Iterator[Finding]:
    """Findings in a zip archive. One that is `hidden` behind something else may be none at all."""
    try:
        with zipfile.ZipFile(stream) as package:
            infos = [info for info in package.infolist() if not info.is_dir()]
            budget.open(len(infos))
            yield from _doubled(infos, name)
            yield from keras.look_at_archive(package, name)
            yield from skops.look(package, name)
            for info in infos:
                yield from _member(package, info, name, depth, budget)
    except UNREADABLE as error:
        if not hidden:
            yield _unreadable(name, str(error) or type(error).__name__)


def _doubled(infos: list[zipfile.ZipInfo], name: str) -> Iterator[Finding]:
    if len({info.filename for info in infos}) < len(infos):
        message = "holds a file twice, so that two readers may see two things"
        yield Finding(file=name, kind="archive", dangerous=True, message=message)


def _member(
    package: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, depth: int, budget: _Budget
) -> Iterator[Finding]:
    inner = f"{name}/{info.filename}"
    if stat.S_ISLNK(info.external_attr >> 16):
        yield _special(inner, "a link")
    if TORCH_TENSOR.search(info.filename):
        return  # torch reads its bytes as numbers
    try:
        with package.open(info) as stream:
            start = stream.read(HEAD)
            if start.startswith(ZIP) or _is_tar(start, inner):
                with _copied(_chunks(stream, start), budget) as copy:
                    yield from _look(copy, start, inner, depth + 1, budget)
            else:
                counted = cast(IO[bytes], _Counted(stream, budget))
                yield from _look(counted, start, inner, depth + 1, budget)
    except UNREADABLE as error:
        yield _unreadable(inner, str(error) or type(error).__name__)


def _tar(stream: IO[bytes], name: str, depth: int, budget: _Budget) -> Iterator[Finding]:
    try:
        with tarfile.open(fileobj=stream, mode="r:") as package:
            for info in package:
                budget.open(1)
                inner = f"{name}/{info.name}"
                if (source := package.extractfile(info) if info.isreg() else None) is not None:
                    yield from _look(source, source.read(HEAD), inner, depth + 1, budget)
                elif not info.isdir():
                    yield _special(inner, "a link" if info.issym() or info.islnk() else "a device")
    except UNREADABLE as error:
        yield _unreadable(name, str(error) or type(error).__name__)


def _is_tar(start: bytes, name: str) -> bool:
    return start[257:262] == b"ustar" or name.lower().endswith(".tar")


def _packed(chunks: Iterator[bytes], name: str, depth: int, budget: _Budget) -> Iterator[Finding]:
    inner = re.sub(r"\.(gz|bz2|xz|lzma|z)$", "", name, flags=re.IGNORECASE)
    try:
        with _copied(chunks, budget) as copy:
            copy.seek(0)
            yield from _look(copy, copy.read(HEAD), inner, depth + 1, budget)
    except UNREADABLE as error:
        yield _unreadable(name, str(error) or type(error).__name__)


def _unpacker(start: bytes, name: str) -> Callable[[IO[bytes]], Iterator[bytes]] | None:
    if start.startswith(b"\x1f\x8b"):
        return lambda stream: _chunks(cast(IO[bytes], gzip.GzipFile(fileobj=stream)))
    if start.startswith(b"BZh"):
        return lambda stream: _chunks(cast(IO[bytes], bz2.BZ2File(stream)))
    if start.startswith((b"\xfd7zXZ\x00", b"\x5d\x00\x00\x80\x00")):
        return lambda stream: _chunks(cast(IO[bytes], lzma.LZMAFile(stream)))
    if ZLIB_NAMES.search(name) and start[:2] in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"):
        return _inflated
    return None


def _chunks(stream: IO[bytes], start: bytes = b"") -> Iterator[bytes]:
    yield start
    while chunk := stream.read(CHUNK):
        yield chunk


def _inflated(stream: IO[bytes]) -> Iterator[bytes]:
    inflate = zlib.decompressobj()
    while chunk := stream.read(CHUNK):
        while chunk:
            yield inflate.decompress(chunk, CHUNK)
            chunk = inflate.unconsumed_tail


@contextmanager
def _copied(chunks: Iterator[bytes], budget: _Budget) -> Iterator[IO[bytes]]:
    """What an archive holds, in memory while it is small, so that one can go back and forth in it."""
    with tempfile.SpooledTemporaryFile(MAX_IN_MEMORY) as copy:
        for chunk in chunks:
            budget.spend(len(chunk))
            copy.write(chunk)
        yield cast(IO[bytes], copy)


def _special(name: str, what: str) -> Finding:
    return Finding(file=name, kind="archive", dangerous=True, message=f"is {what}, which may lead out of its folder")


def _unreadable(name: str, why: str) -> Finding:
    return Finding(file=name, kind="archive", dangerous=False, message=f"cannot be looked through: {why[:200]}")
