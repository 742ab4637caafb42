"""The counts of all server processes of a service, each in a file of its own in one folder.

Counts of processes that are gone stay in the sums: whoever reads next adds their file to `retired.json` and removes it,
so a sum never goes back and no file lingers. A process is alive as long as it holds the lock on its `.lock` file, which
the system lets go of with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import orjson

from jupyter_modeldeploy.serving.metrics.samples import Samples, add

RETIRED = "retired.json"


class SharedCounts:
    """The folder, as the process of one replica sees it. Two processes may be of the same replica for a while."""

    def __init__(self, folder: Path, replica: int) -> None:
        self._folder = folder
        self._name = f"{replica}-{secrets.token_hex(4)}"
        alive = os.open(folder / f"{self._name}.lock", os.O_WRONLY | os.O_CREAT, 0o600)
        weakref.finalize(self, os.close, alive)
        fcntl.flock(alive, fcntl.LOCK_EX)

    def write(self, counters: Samples, live: Samples) -> None:
        """Leave this process's samples for the others: `live` are those that end with it."""
        content = orjson.dumps([_listed(counters), _listed(live)])
        temporary = self._folder / f"{self._name}.tmp"
        temporary.write_bytes(content)
        os.replace(temporary, self._folder / f"{self._name}.json")

    def others(self) -> Samples:
        """The sums of all processes but this one, with the counters of those that are gone."""
        with self._only_reader():
            retired, sums = _read(self._folder / RETIRED)[0], Samples()
            gone = []
            for path in sorted(self._folder.glob("*-*.json")):
                if path.stem == self._name:
                    continue
                counters, live = _read(path)
                if _is_gone(path.with_suffix(".lock")):
                    gone.append(path)
                    add(retired, counters.items())
                else:
                    add(sums, counters.items())
                    add(sums, live.items())
            if gone:
                with contextlib.suppress(OSError):  # on a full disk: they are retired when there is room
                    self._retire(gone, retired)
        add(sums, retired.items())
        return sums

    def _retire(self, gone: list[Path], retired: Samples) -> None:
        temporary = self._folder / f"{self._name}.retired"
        temporary.write_bytes(orjson.dumps([_listed(retired), []]))
        os.replace(temporary, self._folder / RETIRED)
        for path in gone:
            path.unlink()
            path.with_suffix(".lock").unlink(missing_ok=True)

    @contextlib.contextmanager
    def _only_reader(self) -> Iterator[None]:
        with (self._folder / "readers.lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _listed(samples: Samples) -> list[object]:
    return [[name, labels, value] for (name, labels), value in samples.items()]


def _read(path: Path) -> tuple[Samples, Samples]:
    try:
        parts = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return {}, {}
    counters, live = (
        {(name, tuple((label, text) for label, text in labels)): value for name, labels, value in part}
        for part in parts
    )
    return counters, live


def _is_gone(lock: Path) -> bool:
    try:
        with lock.open("rb") as file:
            return _free(file)
    except FileNotFoundError:
        return True


def _free(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
