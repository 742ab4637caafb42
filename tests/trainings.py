"""Fine-tunings for tests: a `Training` of a few made rows."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tiny_bert import CLASSES, rows

from jupyter_modeldeploy.progress import Reporter, Silent
from jupyter_modeldeploy.records import Dataset
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.run import Training


def text_training(
    base: Path,
    folder: Path,
    options: FinetuneOptions,
    reporter: Reporter | None = None,
    train: Sequence[tuple[str, int]] | None = None,
    classes: Sequence[str] = CLASSES,
) -> Training:
    """Sentences of two classes, 64 to learn from and 20 held out unless others are given."""
    data = folder / "data.csv"
    if not data.exists():
        with data.open("w", newline="") as file:
            sides = {"train": rows(64) if train is None else train, "test": rows(20, seed=1)}
            labelled = [(text, classes[label], side) for side, made in sides.items() for text, label in made]
            csv.writer(file).writerows([("text", "label", "split"), *labelled])
    return training(base, folder, data, options, reporter, text_column="text", label_column="label", classes=classes)


def training(
    base: Path, folder: Path, data: Path, options: FinetuneOptions, reporter: Reporter | None = None, **known: Any
) -> Training:
    """A training below `folder` on the table `data`; `known` are the dataset's fields that matter to its reader."""
    fields: dict[str, Any] = {"format": data.suffix.removeprefix("."), "rows": 0, "files": [], "source": "file:made"}
    fields.update(known, classes=list(known.get("classes", [])))
    return Training(
        base=base,
        dataset=Dataset(name="made", number=1, created_at=datetime.now(UTC), **fields),
        data=data,
        out=folder / "out",
        checkpoints=folder / "checkpoints",
        options=options,
        reporter=reporter or Silent(),
    )
