"""Boxes as COCO's json files list them: images, categories, and annotations with `bbox` [left, top, width, height]."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_modeldeploy.datasets import pictures, yolo
from jupyter_modeldeploy.datasets.files import below, side_of
from jupyter_modeldeploy.datasets.reader import Box
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import SplitName

KEYS = ("images", "annotations", "categories")
OUTSIDE = 1.0
"""How many pixels a box may reach outside of its image: some programs count the pixels, some the lines between them."""


class Annotated(NamedTuple):
    """An image with its boxes, and the side that its list's name says."""

    path: Path
    boxes: list[Box]
    side: SplitName | None


class Annotations(NamedTuple):
    """What all lists together hold; `crowds` are annotations of many things at once, which are left out."""

    classes: list[str]
    images: list[Annotated]
    crowds: int


def lists(found: Path) -> dict[Path, dict[str, Any]]:
    """The json files below `found` that are lists of COCO's kind."""
    loaded = {path: _loaded(path) for path in below(found) if path.suffix.lower() == ".json"}
    return {
        path: said for path, said in loaded.items() if isinstance(said, dict) and all(key in said for key in KEYS[::2])
    }


def read(found: Path, listed: dict[Path, dict[str, Any]]) -> Annotations:
    """The images and boxes of the lists. Raises InvalidInput that names the list and the image or annotation."""
    classes = sorted({name for path, said in listed.items() for name in _categories(said, path.name).values()})
    index = {name: number for number, name in enumerate(classes)}
    places = _places(found)
    images: list[Annotated] = []
    crowds = 0
    for path, said in listed.items():
        side = side_of(path) if len(listed) > 1 else None
        numbers = {number: index[name] for number, name in _categories(said, path.name).items()}
        boxes, skipped = _boxes(said, numbers, path.name)
        crowds += skipped
        for image in said["images"]:
            images.append(Annotated(_place(image, path, places), boxes.get(image["id"], []), side))
    return Annotations(classes, images, crowds)


def _loaded(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path.name} is not JSON: {error}.", "Export it anew.") from error


def _categories(said: dict[str, Any], file: str) -> dict[int, str]:
    try:
        found = {category["id"]: str(category["name"]) for category in said["categories"]}
    except (KeyError, TypeError) as error:
        raise InvalidInput(f"{file}: a category lacks its {error}.", "Each has an id and a name.") from error
    if len(set(found.values())) != len(said["categories"]):
        raise InvalidInput(f"{file} has two categories of one id or name.", "Give each its own.")
    return found


def _boxes(said: dict[str, Any], numbers: dict[int, int], file: str) -> tuple[dict[int, list[Box]], int]:
    """The boxes by image, and how many crowds were left out."""
    sizes = {}
    for image in said["images"]:
        if not isinstance(image, dict) or not all(key in image for key in ("id", "file_name", "width", "height")):
            raise InvalidInput(f"{file}: an image lacks id, file_name, width or height: {image!r:.80}.", "Add them.")
        if image["id"] in sizes:
            raise InvalidInput(f"{file}: two images have the id {image['id']}.", "Give each its own.")
        sizes[image["id"]] = (image["width"], image["height"])
    found: dict[int, list[Box]] = defaultdict(list)
    crowds = 0
    for each in said.get("annotations", []):
        place = f"{file}, annotation {each.get('id')}"
        if each.get("iscrowd"):
            crowds += 1
            continue
        if each.get("category_id") not in numbers:
            raise InvalidInput(f"{place}: there is no category {each.get('category_id')}.", "Add it to the categories.")
        if each.get("image_id") not in sizes:
            raise InvalidInput(f"{place}: there is no image {each.get('image_id')}.", "Add it to the images.")
        found[each["image_id"]].append(
            _box(each.get("bbox"), numbers[each["category_id"]], sizes[each["image_id"]], place)
        )
    return found, crowds


def _box(bbox: Any, label: int, size: tuple[int, int], place: str) -> Box:
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(isinstance(one, int | float) for one in bbox):
        raise InvalidInput(f"{place}: the box is {bbox!r}.", "Write [left, top, width, height] in pixels.")
    left, top, right, bottom = bbox[0], bbox[1], bbox[0] + bbox[2], bbox[1] + bbox[3]
    width, height = size
    if min(left, top) < -OUTSIDE or right > width + OUTSIDE or bottom > height + OUTSIDE:
        raise InvalidInput(
            f"{place}: the box {bbox} reaches outside of its image of {width} × {height} pixels.", "Correct it."
        )
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    box = Box(
        label,
        (left + right) / 2 / width,
        (top + bottom) / 2 / height,
        (right - left) / width,
        (bottom - top) / height,
    )
    return yolo.check_box(box, place)


def _places(found: Path) -> dict[str, list[Path]]:
    """The images below a folder by name."""
    by_name: dict[str, list[Path]] = defaultdict(list)
    for path in below(found):
        if path.suffix.lower() in pictures.SUFFIXES:
            by_name[path.name].append(path)
    return by_name


def _place(image: dict[str, Any], listed: Path, places: dict[str, list[Path]]) -> Path:
    """The file of an image: the one of its name, else the one whose path ends as the list says, else the one beside."""
    name = str(image["file_name"]).replace("\\", "/")
    there = places.get(name.rpartition("/")[2], [])
    side = side_of(listed)
    for fits in (
        there,
        [path for path in there if path.as_posix().endswith(f"/{name.lstrip('./')}")],
        [path for path in there if path.parent == listed.parent],
        [path for path in there if side is not None and side_of(path) == side],
    ):
        if len(fits) == 1:
            return fits[0]
    problem = "is not there" if not there else f"is there {len(there)} times"
    raise InvalidInput(f"{listed.name}: the image {name} {problem}.", "Put each image below the list's folder.")
