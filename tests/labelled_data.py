"""Small datasets of every form, for tests to put on disk and to spoil."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from jupyter_modeldeploy.datasets.incoming import Brought, bring
from jupyter_modeldeploy.datasets.reader import AS_FOUND, Wanted
from jupyter_modeldeploy.records import Dataset


def brought(found: Path, stored: Path, wanted: Wanted = AS_FOUND, task: str | None = None) -> Brought:
    """What was put on disk, brought into the folder `stored`, which is made."""
    stored.mkdir()
    return bring(found, stored, wanted, task)


def record(brought: Brought, wanted: Wanted = AS_FOUND) -> Dataset:
    """The dataset that the store would make of it."""
    inspected = brought.inspected
    return Dataset(
        name="made",
        number=1,
        task=brought.task,
        files=[],
        source="file:made",
        created_at=datetime.now(UTC),
        test_share=wanted.test_share,
        validation_share=wanted.validation_share,
        seed=wanted.seed,
        **{field.name: getattr(inspected, field.name) for field in fields(inspected)},
    )


def lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """A jsonl file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def picture(path: Path, number: int = 0, size: tuple[int, int] = (32, 24)) -> Path:
    """An image of one colour, another for each number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (number % 256, number // 256, 90)).save(path)
    return path


def image_folder(root: Path, count: int = 6, classes: Iterable[str] = ("cat", "dog"), first: int = 0) -> Path:
    """`CLASS/0.png` …, `count` of each class, no two of them equal."""
    for place, name in enumerate(classes):
        for number in range(count):
            picture(root / name / f"{number}.png", first + place * count + number)
    return root


def yolo(root: Path, sides: Mapping[str, int], box: str = "0 0.5 0.5 0.25 0.5") -> Path:
    """`images/SIDE`, `labels/SIDE` and `data.yaml` with the classes cat and dog; every other image has both."""
    number = 0
    for side, count in sides.items():
        for at in range(count):
            picture(root / "images" / side / f"{at}.png", number)
            label = root / "labels" / side / f"{at}.txt"
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text(f"{box}\n" + ("1 0.25 0.25 0.5 0.5\n" if at % 2 else ""))
            number += 1
    named = "".join(f"{side}: images/{side}\n" for side in sides)
    (root / "data.yaml").write_text(f"path: /somewhere/else\n{named}names: [cat, dog]\n")
    return root


def coco(root: Path, file: str = "instances.json", count: int = 6, first: int = 0, **changes: Any) -> Path:
    """Images of 32 × 24 pixels and COCO's list of a box in each; `changes` replace keys of the list."""
    said = {
        "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
        "images": [{"id": n, "file_name": f"{first + n}.png", "width": 32, "height": 24} for n in range(count)],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 3 if n % 2 else 7, "bbox": [8, 6, 16, 12]} for n in range(count)
        ],
    }
    for number in range(count):
        picture(root / "images" / f"{first + number}.png", first + number)
    (root / file).write_text(json.dumps({**said, **changes}))
    return root
