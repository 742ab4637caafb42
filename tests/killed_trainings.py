"""Trainings on images that die by SIGKILL, each in a process of its own; what these import is imported once."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from multiprocessing import get_context

from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.training.run import Trainer, Training

PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["jupyter_modeldeploy.training.image_classification", "jupyter_modeldeploy.training.object_detection"]
)


class KilledAt(Silent):
    def __init__(self, step: int) -> None:
        self.step = step

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        if message == "training" and done == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def killed(finetune: Trainer, training: Training, step: int) -> None:
    """Train until the process is killed after `step`."""
    process = PROCESSES.Process(target=finetune, args=(replace(training, reporter=KilledAt(step)),))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not training.out.exists()
