"""Run by a test in a process of its own: train, and die by SIGKILL after the step that the command line names."""

from __future__ import annotations

import jupyter_modeldeploy  # noqa: F401  # first: the torchvision of these tests may be for another torch

# isort: split

import os
import signal
import sys
from pathlib import Path

from trainings import text_training

from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.text_classification import finetune


class KilledAt(Silent):
    def __init__(self, step: int) -> None:
        self.step = step

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        if done == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


options = FinetuneOptions.model_validate_json(sys.argv[4])
finetune(text_training(Path(sys.argv[1]), Path(sys.argv[2]), options, KilledAt(int(sys.argv[3]))))
