"""The easiest images there are to tell: red and blue squares, alone or on a grey photo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

COLOURS = {"blue": (30, 60, 230), "red": (230, 30, 30)}
SIDE = 64
Box = tuple[str, tuple[int, int, int, int]]


def square_folder(folder: Path, each: int) -> Path:
    """`COLOUR/NUMBER.png`, each of a shade of its own."""
    random = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(each):
            shade = tuple(int(value) for value in np.clip(np.array(colour) + random.integers(-25, 26, 3), 0, 255))
            Image.new("RGB", (40, 40), shade).save(folder / name / f"{number}.png")
    return folder


def square_photos(folder: Path, train: int, test: int) -> tuple[Path, list[tuple[bytes, Box]]]:
    """Photos of 64 pixels with one square each, as a folder in YOLO's layout; and those to test on, as files, with the
    colour and the corners of the square in pixels."""
    photos = _photos()
    held_out = []
    for side, count in (("train", train), ("val", test)):
        for sort in ("images", "labels"):
            (folder / sort / side).mkdir(parents=True)
        for number, (photo, (name, box)) in zip(range(count), photos, strict=False):
            path = folder / "images" / side / f"{number}.png"
            photo.save(path)
            left, top, right, bottom = (place / SIDE for place in box)
            place = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
            line = " ".join(map(str, (list(COLOURS).index(name), *place)))
            (folder / "labels" / side / f"{number}.txt").write_text(line + "\n")
            if side == "val":
                held_out.append((path.read_bytes(), (name, box)))
    known = {"train": "images/train", "val": "images/val", "names": dict(enumerate(COLOURS))}
    (folder / "data.yaml").write_text(yaml.safe_dump(known))
    return folder, held_out


def _photos() -> Iterator[tuple[Image.Image, Box]]:
    random = np.random.default_rng(0)
    while True:
        name = list(COLOURS)[int(random.integers(2))]
        size = int(random.integers(20, 33))
        left, top = (int(place) for place in random.integers(0, SIDE - size, 2))
        box = (left, top, left + size, top + size)
        photo = Image.new("RGB", (SIDE, SIDE), (120, 120, 120))
        photo.paste(COLOURS[name], box)
        yield photo, (name, box)
