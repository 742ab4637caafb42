"""Run by a test in a process of its own: train, and die by SIGKILL after the step that the command line names."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tiny_bert import CLASSES, rows

from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.training.text_classification import FinetuneOptions, finetune


class KilledAt(Silent):
    def __init__(self, step: int) -> None:
        self.step = step

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        if done == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


base, out, checkpoints = map(Path, sys.argv[1:4])
options = FinetuneOptions.model_validate_json(sys.argv[5])
finetune(base, rows(64), rows(20, seed=1), CLASSES, out, checkpoints, options, KilledAt(int(sys.argv[4])))
