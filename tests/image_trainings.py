"""Fine-tunings on images for tests."""

from __future__ import annotations

import shutil
from pathlib import Path

from labelled_data import brought, record

from jupyter_modeldeploy.progress import Reporter, Silent
from jupyter_modeldeploy.records import Dataset
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.run import Training


class Stopped(BaseException):
    """What ends a training from outside."""


class StoppingAt(Silent):
    def __init__(self, step: int) -> None:
        self.step = step

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        if message == "training" and done == self.step:
            raise Stopped


def image_training(
    base: Path, found: Path, folder: Path, options: FinetuneOptions, reporter: Reporter | None = None
) -> Training:
    """A training below `folder` on the images in `found`, which are brought into it the first time."""
    stored, known = folder / "stored", folder / "dataset.json"
    if not known.exists():
        copied = shutil.copytree(found, folder / "copied")  # a dataset takes the files that it is made of
        known.write_text(record(brought(copied, stored)).model_dump_json())
    return Training(
        base=base,
        dataset=Dataset.model_validate_json(known.read_text()),
        data=stored,
        out=folder / "out",
        checkpoints=folder / "checkpoints",
        options=options,
        reporter=reporter or Silent(),
    )
