"""Put models into a store: `python -m serving_bench.registered ROOT (NAME TASK FOLDER)…`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Step
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store


def register(root: Path, *models: str) -> None:
    store = Store(Settings(root))
    for name, task, folder in zip(models[::3], models[1::3], models[2::3], strict=True):
        new = NewVersion(model=name, format=Format.onnx, task=task, lineage=Lineage(step=Step.imported))
        with tempfile.TemporaryDirectory() as scratch:
            store.versions.add(new, Path(shutil.copytree(folder, Path(scratch) / "copy")))
    store.close()


if __name__ == "__main__":
    register(Path(sys.argv[1]), *sys.argv[2:])
