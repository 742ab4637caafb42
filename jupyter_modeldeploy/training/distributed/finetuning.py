"""A fine-tuning in several processes that share each batch: each runs the task's trainer, as a group. Who starts them
loads no torch."""

from __future__ import annotations

import json
import logging
import os
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jupyter_modeldeploy import devices, plugins
from jupyter_modeldeploy.errors import Unavailable
from jupyter_modeldeploy.progress import Reporter, Silent
from jupyter_modeldeploy.training.checkpoints import storage_errors
from jupyter_modeldeploy.training.distributed.attempts import run_to_the_end
from jupyter_modeldeploy.training.distributed.exchange import Exchange, ToCaller
from jupyter_modeldeploy.training.distributed.launcher import LocalProcesses
from jupyter_modeldeploy.training.options import FinetuneResult
from jupyter_modeldeploy.training.run import Training

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class SharedTraining:
    """What each process of a fine-tuning is given. The others wait for the first one as long as it evaluates."""

    training: Training
    silence: timedelta = timedelta(days=7)

    @property
    def device(self) -> str:
        return "cpu" if self.training.device == "cpu" else "cuda"

    def take_part(self, device: torch.device, reporter: Reporter) -> Any:
        from torch import distributed

        first = distributed.get_rank() == 0
        _tell_accelerate()
        if first and isinstance(reporter, Exchange):
            logging.basicConfig(level=logging.INFO, handlers=[ToCaller(reporter)])
        training = replace(self.training, reporter=reporter if first else Silent())
        result: FinetuneResult = plugins.load("trainers", training.dataset.task)(training)
        return result.model_dump(mode="json")


def finetune(training: Training) -> FinetuneResult:
    """Fine-tune by the trainer of the dataset's task, in as many processes as the options say. On CPUs they divide the
    cores; on GPUs each takes one. They end when the caller does.

    A worker that is lost ends the attempt; all start again from the last checkpoint, a few times. Raises what the
    trainer does, WorkerDied when workers were lost too often, and Unavailable without a GPU for each process."""
    processes = training.options.processes
    if processes == 1:
        alone: FinetuneResult = plugins.load("trainers", training.dataset.task)(training)
        return alone
    if training.device != "cpu" and (found := len(devices.list_devices()) - 1) < processes:
        raise Unavailable(f"{processes} processes need a GPU each; {found} found.", "Take fewer processes.")
    training.reporter.progress(0, None, message=f"starting {processes} processes")
    folder = training.checkpoints.with_name("workers")
    shutil.rmtree(folder, ignore_errors=True)
    with storage_errors("handing the work to the workers"):
        folder.mkdir(mode=0o700, parents=True)
        exchange = Exchange(folder)
        exchange.give(SharedTraining(replace(training, reporter=Silent())))
    run_to_the_end(LocalProcesses(sessions=False), exchange, processes, training.reporter)
    result = FinetuneResult.model_validate(json.loads(exchange.result.read_text()))
    shutil.rmtree(folder)
    return result


def _tell_accelerate() -> None:
    """It takes the group that there is, but looks for it, and for its own place in it, in the environment."""
    import torch
    from torch import distributed

    rank, size = str(distributed.get_rank()), str(distributed.get_world_size())
    os.environ.update(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=size, LOCAL_WORLD_SIZE=size)
    os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))  # it would set another number
