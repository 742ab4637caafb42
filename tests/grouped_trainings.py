"""Trainings by a group of processes that are made once for all of them, and import nothing anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from multiprocessing.connection import wait
from pathlib import Path

import torch
from killed_trainings import PROCESSES
from torch import distributed

from jupyter_modeldeploy.training.distributed.finetuning import SharedTraining
from jupyter_modeldeploy.training.options import FinetuneResult
from jupyter_modeldeploy.training.run import Training


class WorkerEnded(AssertionError):
    """A process failed; it has printed why."""


def trained_together(trainings: Sequence[Training], processes: int, folder: Path) -> list[FinetuneResult]:
    """The results of trainings, one after the other, each shared by all processes. `folder` is made for their files."""
    folder.mkdir()
    arguments = [(trainings, rank, processes, folder) for rank in range(processes)]
    workers = [PROCESSES.Process(target=_take_part, args=each) for each in arguments]
    for worker in workers:
        worker.start()
    try:
        while living := [worker for worker in workers if worker.exitcode is None]:
            wait([worker.sentinel for worker in living])
            if any(worker.exitcode for worker in workers):
                raise WorkerEnded
    finally:
        for worker in workers:
            worker.kill()
            worker.join()
    return [FinetuneResult.model_validate_json(_result(folder, each).read_text()) for each in range(len(trainings))]


def _take_part(trainings: Sequence[Training], rank: int, processes: int, folder: Path) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        store=distributed.FileStore(str(folder / "meeting"), processes),  # type: ignore[attr-defined]
        rank=rank,
        world_size=processes,
        timeout=timedelta(minutes=5),
    )
    for number, training in enumerate(trainings):
        result = SharedTraining(training).take_part(torch.device("cpu"), training.reporter)
        if rank == 0:
            _result(folder, number).write_text(json.dumps(result))
    distributed.barrier()
    distributed.destroy_process_group()


def _result(folder: Path, number: int) -> Path:
    return folder / f"result-{number}.json"
