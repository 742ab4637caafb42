"""The files by which the caller of a training and its workers tell each other what they have to."""

from __future__ import annotations

import json
import logging
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import cloudpickle

from jupyter_modeldeploy.progress import Reporter

if TYPE_CHECKING:
    import torch

LOG = "log"
"""The event of a line of the log: the logger's name, the level, the message."""


class SharedWork(Protocol):
    """What every worker of one training is given. `device` is "cpu" or "cuda"; a worker that hears nothing from the
    others for `silence` gives up."""

    @property
    def device(self) -> str: ...

    @property
    def silence(self) -> timedelta: ...

    def take_part(self, device: torch.device, reporter: Reporter) -> Any:
        """Do one worker's part, with the process group there already. Gives the result (JSON), which the first
        worker's is."""


class Exchange:
    """The folder through which the caller and its workers, on one machine, tell each other what they have to.

    It has to be the caller's alone: the work is a pickle, since models and rows are the caller's own objects, made by
    classes that may exist in a notebook only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.result = folder / "result.json"
        self._work = folder / "work.pickle"
        self._events = folder / "events.jsonl"
        self._events.touch()
        self._read = 0

    def give(self, work: SharedWork) -> None:
        self._work.write_bytes(cloudpickle.dumps(work))

    def take(self) -> SharedWork:
        work: SharedWork = cloudpickle.loads(self._work.read_bytes())
        return work

    def fail(self, rank: int, error: dict[str, Any]) -> None:
        """Leave word of why worker `rank` ends."""
        path = self._error(rank)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps({**error, "at": time.time()}))
        partial.replace(path)

    def failed(self, rank: int) -> bool:
        """Whether worker `rank` left word; one that was killed could not."""
        return self._error(rank).exists()

    def failure(self) -> dict[str, Any] | None:
        """The error of the worker that failed first: what fails in the others follows from it."""
        errors = [json.loads(path.read_text()) for path in self.folder.glob("error-*.json")]
        return min(errors, key=lambda error: error["at"], default=None)

    def forget_failures(self) -> None:
        for path in self.folder.glob("error-*.json"):
            path.unlink()

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        self.say("progress", done, total, unit, message)

    def metric(self, name: str, value: float, step: int) -> None:
        self.say("metric", name, value, step)

    def sample(self, step: int, row: int, text: str, answer: str) -> None:
        self.say("sample", step, row, text, answer)

    def say(self, *event: Any) -> None:
        """Let the caller know of an event: its name, which may be a Reporter's method, and JSON values."""
        with self._events.open("a") as file:
            file.write(json.dumps(event) + "\n")

    def events(self) -> list[tuple[str, list[Any]]]:
        """What workers said since the last call."""
        with self._events.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")
        self._read += len(whole[0]) + len(whole[1])
        return [(name, arguments) for name, *arguments in map(json.loads, whole[0].splitlines())]

    def _error(self, rank: int) -> Path:
        return self.folder / f"error-{rank}.json"


class ToCaller(logging.Handler):
    """Brings what a worker logs into the caller's log."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange

    def emit(self, record: logging.LogRecord) -> None:
        self._exchange.say(LOG, record.name, record.levelno, record.getMessage())
