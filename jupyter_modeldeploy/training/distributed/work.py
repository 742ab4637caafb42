"""What every worker of one training is given, and the files by which it is told and tells."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from jupyter_modeldeploy.training.distributed.rows import Rows
from jupyter_modeldeploy.training.distributed.supervised import Measured

Step = Callable[[torch.nn.Module, Any], Measured]
MakeOptimizer = Callable[[Iterable[torch.nn.Parameter], float], Optimizer]
MakeScheduler = Callable[[Optimizer, int], LRScheduler]


@dataclass(frozen=True)
class Work:
    """A training, the same for all its workers. `device` is "cpu" or "cuda"; `checkpoint_every` counts steps."""

    model: torch.nn.Module
    train: Rows
    validation: Rows | None
    step: Step
    optimizer: MakeOptimizer
    scheduler: MakeScheduler | None
    learning_rate: float
    epochs: int
    seed: int
    device: str
    checkpoint_every: int | None
    checkpoints: Path
    fingerprint: str


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

    def give(self, work: Work) -> None:
        self._work.write_bytes(cloudpickle.dumps(work))

    def take(self) -> Work:
        work = cloudpickle.loads(self._work.read_bytes())
        assert isinstance(work, Work)
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
        self._write("progress", done, total, unit, message)

    def metric(self, name: str, value: float, step: int) -> None:
        self._write("metric", name, value, step)

    def events(self) -> list[tuple[str, list[Any]]]:
        """What workers reported since the last call: methods of a Reporter with their arguments."""
        with self._events.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")
        self._read += len(whole[0]) + len(whole[1])
        return [(name, arguments) for name, *arguments in map(json.loads, whole[0].splitlines())]

    def _error(self, rank: int) -> Path:
        return self.folder / f"error-{rank}.json"

    def _write(self, *event: Any) -> None:
        with self._events.open("a") as file:
            file.write(json.dumps(event) + "\n")
