"""`training.json`: what a version keeps of the training that made it. Imports no torch: who shows a version reads it.

It lies among the version's files, so it goes wherever they go and is held to a hash as they are."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

from jupyter_modeldeploy.records import Record
from jupyter_modeldeploy.training.options import FinetuneResult

FILE = "training.json"
PACKAGES = (
    "jupyter_modeldeploy",
    "torch",
    "transformers",
    "accelerate",
    "peft",
    "tokenizers",
    "numpy",
    "torchvision",
    "ultralytics",
)
"""What a training's result may depend on."""


class TrainingRecord(Record):
    """A training: its base (of a distilled or pruned version its teacher) and dataset by their refs, the device, the
    versions of what it ran with, and its result."""

    base: str
    dataset: str
    device: str
    environment: dict[str, str]
    result: FinetuneResult

    def write(self, folder: Path) -> None:
        (folder / FILE).write_text(self.model_dump_json(indent=1) + "\n", "utf-8")

    @classmethod
    def read(cls, folder: Path) -> TrainingRecord | None:
        """That of the version in `folder`; None where it has none: it was not made by a training, or before there was
        such a record."""
        path = folder / FILE
        return cls.model_validate_json(path.read_bytes()) if path.is_file() else None


def environment() -> dict[str, str]:
    """The versions of Python and of the packages that are here, and the kind of machine."""
    found = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    for package in PACKAGES:
        try:
            found[package] = installed(package)
        except PackageNotFoundError:
            continue  # it was not there to be used
    return found
