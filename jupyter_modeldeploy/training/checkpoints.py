"""Checkpoints that are whole or absent.

A checkpoint that is written file by file in place is, after a kill, a folder that looks like one. Here it is written
into `writing/`; when all files are there they are listed with their sizes, flushed to the disk and renamed to
`checkpoint-<step>`. Only folders whose files match their list are ever resumed."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from jupyter_modeldeploy.errors import Conflict, from_os_error

MANIFEST = "complete.json"
PREFIX = "checkpoint-"
KEEP = 2
FULL_DISK = ("No space left", "file write failed", "unexpected pos")


class Checkpoints:
    """The checkpoints of one run below `folder`. `fingerprint` says which run: base, data and options.

    Raises Conflict when the folder holds the checkpoints of another run."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder = folder
        self.writing = folder / "writing"
        self._run = folder / "run.json"
        if self._facts().get("fingerprint", fingerprint) != fingerprint:
            raise Conflict(
                f"{folder} holds the checkpoints of a training with other options, rows or base model.",
                "Start a new job, or delete the folder to train from the beginning.",
            )
        with storage_errors(f"writing to {folder}"):
            shutil.rmtree(self.writing, ignore_errors=True)
            self.writing.mkdir(parents=True)
            self.remember("fingerprint", fingerprint)

    def remember(self, name: str, value: Any) -> None:
        """Keep a fact about the run (JSON) for later attempts."""
        partial = self._run.with_suffix(f".{os.getpid()}.partial")  # the processes of a training may each tell
        partial.write_text(json.dumps({**self._facts(), name: value}))
        partial.replace(self._run)

    def recall(self, name: str) -> Any:
        return self._facts().get(name)

    def latest(self) -> Path | None:
        """The complete checkpoint with the most steps."""
        return next((path for path in self._by_step() if _complete(path)), None)

    def at(self, step: int) -> Path:
        """The checkpoint that was published for `step`."""
        return self.folder / f"{PREFIX}{step}"

    def publish(self, step: int, keep: int | None = None) -> None:
        """Make what was written for `step` a checkpoint, and drop all but the last two and the one of step `keep`."""
        written = self.writing / f"{PREFIX}{step}"
        target = self.folder / written.name
        sizes = {path.name: path.stat().st_size for path in written.iterdir()}
        (written / MANIFEST).write_text(json.dumps(sizes))
        for path in (*written.iterdir(), written):
            _flush(path)
        shutil.rmtree(target, ignore_errors=True)
        written.rename(target)
        _flush(self.folder)
        for old in self._by_step()[KEEP:]:
            if step_of(old) != keep:
                shutil.rmtree(old)

    def _facts(self) -> dict[str, Any]:
        return json.loads(self._run.read_text()) if self._run.exists() else {}

    def _by_step(self) -> list[Path]:
        return sorted(self.folder.glob(f"{PREFIX}[0-9]*"), key=step_of, reverse=True)


def step_of(checkpoint: Path) -> int:
    """The optimizer steps taken before `checkpoint` was written."""
    return int(checkpoint.name.removeprefix(PREFIX))


@contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Say it clearly when a file cannot be written: each library tells of a full disk in its own way (StorageFull)."""
    try:
        yield
    except OSError as error:
        raise from_os_error(error, doing) from error
    except (RuntimeError, SafetensorError) as error:  # of torch.save and of safetensors
        if not any(sign in str(error) for sign in FULL_DISK):
            raise
        raise from_os_error(OSError(errno.ENOSPC, str(error)), doing) from error


def _complete(checkpoint: Path) -> bool:
    manifest = checkpoint / MANIFEST
    if not manifest.is_file():
        return False
    sizes = json.loads(manifest.read_text())
    return all((checkpoint / name).is_file() and (checkpoint / name).stat().st_size == sizes[name] for name in sizes)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
