"""Fine-tunings on images for tests."""

from __future__ import annotations

import shutil
from pathlib import Path

from labelled_data import brought, record

from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Dataset
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.run import Training


def image_training(base: Path, found: Path, folder: Path, options: FinetuneOptions) -> Training:
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
        reporter=Silent(),
    )
