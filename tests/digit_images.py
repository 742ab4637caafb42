"""Real images for tests: the handwritten digits of scikit-learn, alone and pasted on generated photos, and bases to
train from nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import yaml
from PIL import Image
from sklearn.datasets import load_digits

TINY_RESNET = {
    "architectures": ["ResNetForImageClassification"],
    "model_type": "resnet",
    "image_size": 32,
    "num_channels": 1,
    "embedding_size": 32,
    "hidden_sizes": [32, 64],
    "depths": [1, 1],
    "layer_type": "basic",
}
TINY_YOLO = {
    "nc": 80,
    "backbone": [[-1, 1, "Conv", [width, 3, 2]] for width in (8, 16, 16, 24, 32)],
    "head": [[[2, 3, 4], 1, "Detect", ["nc"]]],
}
"""Its layers 2, 3 and 4 see the image at an eighth, a sixteenth and a thirty-second of its size."""


def digits(each: int | None = None, classes: Sequence[int] = range(10)) -> list[tuple[Image.Image, int]]:
    """Images of 8 × 8 grey pixels with what they show; the first `each` of every class, else all (1,797)."""
    known = load_digits()
    found = []
    for label in classes:
        of_class = known.images[known.target == label]
        found += [(Image.fromarray((image * 15.9).astype(np.uint8)), int(label)) for image in of_class[:each]]
    return found


def digit_folder(folder: Path, each: int | None = None, classes: Sequence[int] = range(10)) -> Path:
    """The digits as a folder `LABEL/NUMBER.png`."""
    for number, (image, label) in enumerate(digits(each, classes)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        image.save(folder / str(label) / f"{number}.png")
    return folder


def digit_photos(
    folder: Path, train: int, test: int, side: int = 160, classes: Sequence[int] = range(10), seed: int = 0
) -> Path:
    """Photos of `side` pixels, on each one to four digits of 24 to 56 pixels, as a folder in YOLO's layout."""
    generator = np.random.default_rng(seed)
    pool = digits(classes=classes)
    pools = {"train": pool[::2], "val": pool[1::2]}
    for name, count in (("train", train), ("val", test)):
        images, labels = folder / "images" / name, folder / "labels" / name
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for number in range(count):
            photo, boxes = _photo(generator, pools[name], side)
            photo.save(images / f"{number}.jpg", quality=92)
            lines = [f"{list(classes).index(label)} {x} {y} {width} {height}\n" for label, x, y, width, height in boxes]
            (labels / f"{number}.txt").write_text("".join(lines))
    names = {place: f"digit {label}" for place, label in enumerate(classes)}
    (folder / "data.yaml").write_text(yaml.safe_dump({"train": "images/train", "val": "images/val", "names": names}))
    return folder


def untrained_resnet(folder: Path) -> Path:
    """config.json of a small network for small images, and nothing else."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(TINY_RESNET))
    return folder


def untrained_yolo(folder: Path) -> Path:
    """The description of a YOLO nano, which comes with ultralytics."""
    folder.mkdir(parents=True)
    found = find_spec("ultralytics")
    assert found is not None
    shutil.copyfile(Path(str(found.origin)).parent / "cfg/models/11/yolo11.yaml", folder / "yolo11n.yaml")
    return folder


def untrained_tiny_yolo(folder: Path) -> Path:
    """The description of a network of a few layers with a YOLO's head."""
    folder.mkdir(parents=True)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(TINY_YOLO, sort_keys=False))
    return folder


Placed = tuple[int, float, float, float, float]


def _photo(
    generator: np.random.Generator, pool: Sequence[tuple[Image.Image, int]], side: int
) -> tuple[Image.Image, list[Placed]]:
    coarse = generator.integers(40, 200, (5, 5, 3), dtype=np.uint8)
    photo = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
    boxes: list[Placed] = []
    taken: list[tuple[int, int, int]] = []
    for _ in range(int(generator.integers(1, 5))):
        size = int(generator.integers(24, 57))
        left, top = (int(place) for place in generator.integers(0, side - size, 2))
        if any(abs(left - x) < max(size, other) and abs(top - y) < max(size, other) for x, y, other in taken):
            continue
        digit, label = pool[int(generator.integers(len(pool)))]
        mask = digit.resize((size, size), Image.Resampling.BICUBIC)
        colour = tuple(int(value) for value in generator.choice((10, 245), 3))
        photo.paste(Image.new("RGB", mask.size, colour), (left, top), mask)
        taken.append((left, top, size))
        boxes.append((label, (left + size / 2) / side, (top + size / 2) / side, size / side, size / side))
    return photo, boxes
