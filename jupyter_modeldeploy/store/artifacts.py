"""Folders of immutable files, named by what they are, each file known by its SHA-256.

A folder is filled below `incoming/`, hashed, synced to disk and renamed into place; its row is written after. A crash
in between leaves a folder without a row, which the next writer of that name removes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jupyter_modeldeploy.errors import InvalidInput, UnsafeContent, from_os_error
from jupyter_modeldeploy.records import FileEntry

CHUNK = 1 << 20
SHA256SUMS = "SHA256SUMS"


class Artifacts:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"
        self.incoming.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """An empty folder on the artifacts' own disk, gone at the end unless it was put into place."""
        with _locked(self.incoming, fcntl.LOCK_SH):
            folder = Path(tempfile.mkdtemp(dir=self.incoming))
            lock = _open_and_lock(folder, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            _remove(folder)
            os.close(lock)

    def seal(self, folder: Path) -> list[FileEntry]:
        """Hash and sync every file below `folder`. Raises InvalidInput for an empty folder, UnsafeContent for links."""
        entries = []
        try:
            for path in sorted(folder.rglob("*")):
                if path.is_symlink() or not (path.is_file() or path.is_dir()):
                    raise UnsafeContent(f"{path.name} is a link or a special file.", "Artifacts hold plain files only.")
                if path.is_file():
                    entries.append(FileEntry(path=path.relative_to(folder).as_posix(), **_hash_and_sync(path)))
            for directory in [path for path in folder.rglob("*") if path.is_dir()] + [folder]:
                _sync_directory(directory)
        except OSError as error:
            raise from_os_error(error, f"writing {folder.name}") from error
        if not entries:
            raise InvalidInput(f"The folder {folder.name} holds no files.", "Nothing was added.")
        return entries

    def list_sums(self, folder: Path, entries: list[FileEntry]) -> FileEntry:
        """Write the sealed files' SHA-256 into `SHA256SUMS` in the folder, as `sha256sum --check` reads it, and seal
        that too: its own hash then stands for all of them."""
        path = folder / SHA256SUMS
        try:
            path.write_text("".join(f"{entry.sha256}  {entry.path}\n" for entry in entries), encoding="utf-8")
            _sync_directory(folder)
            return FileEntry(path=path.name, **_hash_and_sync(path))
        except OSError as error:
            raise from_os_error(error, f"writing {folder.name}") from error

    @contextmanager
    def placing(self) -> Iterator[Callable[[Path, Path], None]]:
        """Gives `place(folder, destination)` and takes back what it placed when the block, which holds the write
        transaction, fails.

        A cancel or Ctrl-C is no failure: it may arrive when the row is just written, and no row may lose its files."""
        placed: list[Path] = []

        def place(folder: Path, destination: Path) -> None:
            self._place(folder, destination)
            placed.append(destination)

        try:
            yield place
        except Exception:
            for destination in placed:
                _remove(destination)
            raise

    def _place(self, folder: Path, destination: Path) -> None:
        """Rename a sealed folder. The caller holds the store's write lock and knows that no row names `destination`,
        so whatever is there was left by a crash."""
        try:
            _remove(destination)
            destination.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.rename(destination)
            for parent in destination.relative_to(self.root).parents:
                _sync_directory(self.root / parent)
        except OSError as error:
            raise from_os_error(error, f"placing {destination.name}") from error

    def sweep(self) -> None:
        """Remove what killed processes left below `incoming/`: the folders that nobody holds the lock of.

        The lock, unlike a pid, also tells of processes in other containers."""
        try:
            with _locked(self.incoming, fcntl.LOCK_EX | fcntl.LOCK_NB):
                for folder in [path for path in self.incoming.iterdir() if path.is_dir()]:
                    with suppress(BlockingIOError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
                        _remove(folder)
        except BlockingIOError:
            return  # somebody else sweeps, or makes a folder this very moment: the next one to look will find the rest

    def model(self, name: str, number: int) -> Path:
        return self.root / "models" / name / str(number)

    def quarantined(self, name: str, number: int) -> Path:
        """Where a version lies whose files may do harm when they are loaded."""
        return self.root / "quarantine" / name / str(number)

    def dataset(self, name: str, number: int) -> Path:
        return self.root / "datasets" / name / str(number)


def copy_into(source: Path, staging: Path) -> None:
    """Copy a folder's content into a staging folder."""
    try:
        shutil.copytree(source, staging, symlinks=True, dirs_exist_ok=True)
    except shutil.Error as error:
        first = error.args[0][0]
        raise from_os_error(OSError(_errno_in(first[2]), first[2]), f"copying {first[0]}") from error
    except OSError as error:
        raise from_os_error(error, f"copying {source}") from error


def _errno_in(text: str) -> int:
    """shutil keeps only the words of an error, `[Errno 28] No space left …`."""
    digits = text.partition("[Errno ")[2].partition("]")[0]
    return int(digits) if digits.isdigit() else 0


def _hash_and_sync(path: Path) -> dict[str, int | str]:
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
        os.fsync(file.fileno())
        if os.fstat(file.fileno()).st_mode & 0o222:  # else it is as it should be, and may be the download cache's too
            path.chmod(0o400)
    return {"size": size, "sha256": digest.hexdigest()}


def _open_and_lock(folder: Path, mode: int) -> int:
    """A descriptor that holds the folder's lock until it is closed, or its process has ended."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def _locked(folder: Path, mode: int) -> Iterator[None]:
    lock = _open_and_lock(folder, mode)
    try:
        yield
    finally:
        os.close(lock)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
