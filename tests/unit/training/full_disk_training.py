"""Run by a test on a small disk of its own: train with ever less space, and say how each attempt ended."""

from __future__ import annotations

import jupyter_modeldeploy  # noqa: F401  # first: the torchvision of these tests may be for another torch

# isort: split

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from tiny_bert import make_encoder, rows
from trainings import text_training

from jupyter_modeldeploy.errors import StorageFull
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.text_classification import finetune

disk, work = map(Path, sys.argv[1:3])
base = make_encoder(work / "base")
options = FinetuneOptions(max_steps=4, batch_size=4, checkpoint_every=2)
prepared = text_training(base, work, options, train=rows(16))


def train() -> str:
    try:
        finetune(replace(prepared, out=disk / "out", checkpoints=disk / "checkpoints"))
    except StorageFull as error:
        return error.code
    return "trained"


outcomes = []
for space in (0, 20_000, 150_000, 300_000, 500_000):
    with open(disk / "ballast", "wb") as ballast:
        ballast.write(bytes(max(0, os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - space)))
    outcomes.append(train())
    (disk / "ballast").unlink()
outcomes.append(train())
print(json.dumps(outcomes))
