"""Fine-tunings for tests: a `Training` of a few made rows."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tiny_bert import BAD, CLASSES, GOOD, rows
from tiny_causal import passages

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


def token_training(base: Path, folder: Path, options: FinetuneOptions) -> Training:
    """Sentences whose words of praise and of blame are entities."""
    data = folder / "data.jsonl"
    with data.open("w") as file:
        for side, made in (("train", rows(96)), ("test", rows(20, seed=1))):
            for text, _ in made:
                words = text.split()
                tags = ["B-praise" if word in GOOD else "B-blame" if word in BAD else "O" for word in words]
                file.write(json.dumps({"tokens": words, "tags": tags, "split": side}) + "\n")
    known = {"task": "token-classification", "text_column": "tokens", "label_column": "tags"}
    return training(base, folder, data, options, classes=["B-blame", "B-praise", "O"], **known)


def multi_label_training(base: Path, folder: Path, options: FinetuneOptions) -> Training:
    """Sentences with two labels that depend on words, of which a sentence may have none or both."""
    data = folder / "data.jsonl"
    with data.open("w") as file:
        for side, made in (("train", rows(96)), ("test", rows(20, seed=1))):
            for text, label in made:
                labels = [CLASSES[label], *(["long"] if len(text.split()) > 9 else [])]
                file.write(json.dumps({"text": text, "labels": labels, "split": side}) + "\n")
    known = {"text_column": "text", "label_column": "labels", "multi_label": True}
    return training(base, folder, data, options, classes=["long", *CLASSES], **known)


def generation_training(base: Path, folder: Path, options: FinetuneOptions, prompted: bool = False) -> Training:
    """Texts of a small grammar, whole or as prompt and completion."""
    data = folder / "data.jsonl"
    with data.open("w") as file:
        for side, made in (("train", passages(120)), ("test", passages(30, seed=1))):
            for text in made:
                subject, _, rest = text.partition(" ")
                row = {"prompt": subject, "completion": rest} if prompted else {"text": text}
                file.write(json.dumps({**row, "split": side}) + "\n")
    columns = {"text_column": "prompt", "label_column": "completion"} if prompted else {"text_column": "text"}
    return training(base, folder, data, options, task="text-generation", **columns)


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
