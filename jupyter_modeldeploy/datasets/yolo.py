"""Images with boxes in the layout of YOLO: `images/…`, `labels/…` beside it, and a yaml file that names the classes.

A line of a label file is `class x y width height`: the class's number, the box's centre and size as shares of the
image's sides."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from jupyter_modeldeploy.datasets import pictures
from jupyter_modeldeploy.datasets.files import below
from jupyter_modeldeploy.datasets.reader import Box
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import SplitName

DATA_YAML = "data.yaml"
FOLDERS: dict[SplitName, str] = {"train": "train", "validation": "val", "test": "test"}
KEYS: dict[str, SplitName] = {"train": "train", "val": "validation", "valid": "validation", "test": "test"}
ROUNDING = 1e-3
"""How far a box may reach outside of its image, in shares of the sides: what rounding of the numbers does."""


class Listing(NamedTuple):
    """What a yaml file says: the classes, and the images of each side, where it names sides."""

    classes: list[str]
    images: dict[SplitName, list[Path]]


class LabelFile(NamedTuple):
    """The label file of an image: where it would stand, and as what an error names it."""

    path: Path
    name: str


def listing(found: Path) -> tuple[Path, Listing] | None:
    """The yaml file below `found` that names classes and images, and what it says; None where there is none.

    Raises InvalidInput for several of them, and for one that cannot be understood."""
    files = {path: _loaded(path) for path in below(found) if path.suffix.lower() in (".yaml", ".yml")}
    files = {path: said for path, said in files.items() if isinstance(said, dict) and "names" in said}
    if len(files) > 1:
        raise InvalidInput(
            f"Here are {len(files)} lists of classes: {', '.join(path.name for path in files)}.",
            "Name one, with #PATH.",
        )
    for path, said in files.items():
        root = found if found.is_dir() else found.parent
        sides: dict[SplitName, list[Path]] = {}
        for key, side in KEYS.items():
            if said.get(key):
                sides.setdefault(side, []).extend(_images(said[key], said.get("path"), path, root))
        return path, Listing(_classes(said["names"], path.name), sides)
    return None


def label_file(image: Path, root: Path) -> LabelFile:
    """Where the boxes of an image stand: `labels` for the last folder `images`, else beside the image."""
    parts = list(image.relative_to(root).parts)
    places = [number for number, part in enumerate(parts[:-1]) if part == "images"]
    if places:
        parts[places[-1]] = "labels"
    path = root.joinpath(*parts).with_suffix(".txt")
    return LabelFile(path, path.relative_to(root).as_posix())


def boxes(file: LabelFile, classes: int) -> Iterator[Box]:
    """The boxes of a label file. Raises InvalidInput that names the file and the line."""
    try:
        lines = file.path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file.name} is not a text file: {error}.", "Save it as UTF-8.") from error
    for number, line in enumerate(lines, 1):
        if words := line.split():
            yield _box(words, f"{file.name}, line {number}", classes)


def check_box(box: Box, place: str) -> Box:
    """The box, cut where rounding let it reach outside. Raises InvalidInput for one that is empty or outside."""
    if box.width <= 0 or box.height <= 0:
        raise InvalidInput(f"{place}: the box is empty: {_sides(box)}.", "Correct it or take it out.")
    left, right = box.x - box.width / 2, box.x + box.width / 2
    top, bottom = box.y - box.height / 2, box.y + box.height / 2
    if min(left, top) < -ROUNDING or max(right, bottom) > 1 + ROUNDING:
        raise InvalidInput(
            f"{place}: the box reaches outside of its image: {_sides(box)}.", "Centre and size are shares from 0 to 1."
        )
    left, right, top, bottom = max(left, 0.0), min(right, 1.0), max(top, 0.0), min(bottom, 1.0)
    return Box(box.label, (left + right) / 2, (top + bottom) / 2, right - left, bottom - top)


def written(boxes: Iterable[Box]) -> str:
    """The boxes as the lines of a label file."""
    return "".join(f"{box.label} {box.x:.6f} {box.y:.6f} {box.width:.6f} {box.height:.6f}\n" for box in boxes)


def write_yaml(folder: Path, classes: list[str], sides: Iterable[SplitName]) -> None:
    """The yaml file of a stored dataset; without sides, all images are named as those to train with."""
    there = {FOLDERS[side]: f"images/{FOLDERS[side]}" for side in FOLDERS if side in set(sides)}
    said = {"path": ".", **(there or {"train": "images"}), "names": dict(enumerate(classes))}
    (folder / DATA_YAML).write_text(yaml.safe_dump(said, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _box(words: list[str], place: str, classes: int) -> Box:
    if len(words) != 5:
        raise InvalidInput(
            f"{place}: {len(words)} numbers, a box has 5.", "Write class, x, y, width, height; no outlines or points."
        )
    try:
        label, *sides = [float(word) for word in words]
    except ValueError as error:
        raise InvalidInput(f"{place}: {error}.", "Write numbers.") from error
    if not all(map(math.isfinite, (label, *sides))):
        raise InvalidInput(f"{place}: a number is not finite.", "Correct it or take it out.")
    if label != int(label) or not 0 <= label < classes:
        raise InvalidInput(
            f"{place}: the class is {words[0]}, but there are {classes} classes.", "Their numbers begin with 0."
        )
    return check_box(Box(int(label), *sides), place)


def _sides(box: Box) -> str:
    return f"x {box.x:g}, y {box.y:g}, width {box.width:g}, height {box.height:g}"


def _loaded(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path.name} is not yaml: {error}.", "Correct it.") from error


def _classes(names: Any, file: str) -> list[str]:
    if isinstance(names, dict):
        numbers = sorted(names, key=str) if not all(isinstance(one, int) for one in names) else sorted(names)
        if numbers != list(range(len(names))):
            raise InvalidInput(f"{file} numbers the classes {numbers}.", "Number them from 0 on, without gaps.")
        names = [names[number] for number in numbers]
    if not isinstance(names, list) or not names or len({str(name) for name in names}) != len(names):
        raise InvalidInput(f"{file} names the classes {names!r}.", "List names, each once.")
    return [str(name) for name in names]


def _images(said: Any, path: Any, file: Path, root: Path) -> list[Path]:
    """The images that a key of the yaml file means: folders, files of paths, or a list of them."""
    found: list[Path] = []
    for one in said if isinstance(said, list) else [said]:
        place = _resolved(str(one), str(path or ""), file, root)
        if place.suffix.lower() == ".txt":
            lines = place.read_text(encoding="utf-8").split("\n")
            found += [_resolved(line.strip(), str(path or ""), file, root) for line in lines if line.strip()]
        else:
            found += [image for image in below(place) if image.suffix.lower() in pictures.SUFFIXES]
    return found


def _resolved(name: str, path: str, file: Path, root: Path) -> Path:
    """What a path of the yaml file means here: it was written on another machine, so only its end may hold."""
    base = file.parent
    while name.startswith("../"):
        name = name.removeprefix("../")
    for folder in (base / path if path and not Path(path).is_absolute() else base, base, base.parent, root):
        place = folder / name
        if place.exists() and place.resolve().is_relative_to(root.resolve()):
            return place
    raise InvalidInput(f"{file.name} names {name!r}, which is not there.", "Paths are below the yaml file's folder.")
