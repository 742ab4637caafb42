"""Images with boxes, from a YOLO yaml file or COCO's json files, stored in YOLO's layout: `images/SIDE/x.png`, its
boxes in `labels/SIDE/x.txt`, and `data.yaml`; without a side where the split is drawn."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jupyter_modeldeploy.datasets import coco, pictures, yolo
from jupyter_modeldeploy.datasets.files import below
from jupyter_modeldeploy.datasets.reader import AS_FOUND, Box, BoxedImage, Inspected, Prepared, Reader, Split, Wanted
from jupyter_modeldeploy.datasets.report import Seen, distribution, report
from jupyter_modeldeploy.datasets.split import NAMES, Member, check_named, counted, divide, rarest, sides
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Dataset, SplitName

FORMS = "Give a YOLO yaml file with images and labels beside it, or COCO's json files with their images."


class Boxed(NamedTuple):
    """A stored image with its boxes and the side that its folder says."""

    path: Path
    boxes: tuple[Box, ...]
    split: SplitName | None


def prepare(found: Path, stored: Path, wanted: Wanted) -> Prepared:
    """The images and boxes of what was found in `stored`. Raises InvalidInput that names the file."""
    if listed := coco.lists(found):
        return _from_coco(found, listed, stored)
    if said := yolo.listing(found):
        return _from_yolo(found, *said, stored)
    raise InvalidInput("There is no list of boxes.", FORMS)


def inspect(path: Path, wanted: Wanted = AS_FOUND) -> Inspected:
    """Decode every image and check every box. Raises InvalidInput, naming the file and line, for an image that is none,
    cut off or too large, a box outside of its image or of no class, a label file without image, and for no boxes."""
    classes = _classes(path)
    found = _boxed(path, len(classes))
    _check_all_have_images(path, found)
    counts = Counter(classes[box.label] for one in found for box in one.boxes)
    if not counts:
        raise InvalidInput(f"None of the {len(found)} images has a box.", FORMS)
    if any(one.split for one in found):
        check_named((one.split for one in found if one.split), "The folder 'images'")
    seen_pictures = pictures.checked([one.path for one in found], path)
    labels = [tuple(classes[box.label] for box in one.boxes) for one in found]
    keys = [picture.sha256 for picture in seen_pictures]
    on = sides(_members(found, keys, labels), wanted)
    seen = [
        Seen(one.path.relative_to(path).as_posix(), key, each)
        for one, key, each in zip(found, keys, labels, strict=True)
    ]
    sizes = [box.width * box.height for one in found for box in one.boxes]
    distributions = [
        *pictures.distributions(seen_pictures),
        distribution("boxes in an image", "boxes", [len(one.boxes) for one in found]),
        distribution("area of a box", "share of its image", sizes),
    ]
    warnings = [*_about_boxes(found, classes, counts), *pictures.about_sizes(seen_pictures)]
    return Inspected(
        format="yolo",
        classes=classes,
        rows=len(found),
        splits=counted(on),
        report=report(seen, on, distributions, warnings),
    )


def read(path: Path, dataset: Dataset) -> Split[BoxedImage]:
    """The dataset's images with their boxes in its fixed split; files of equal content are never on both sides."""
    found = _boxed(path, len(dataset.classes))
    keys = pictures.sums(path, [one.path for one in found])
    labels = [tuple(dataset.classes[box.label] for box in one.boxes) for one in found]
    return divide([BoxedImage(one.path, one.boxes) for one in found], sides(_members(found, keys, labels), dataset))


def _members(found: Sequence[Boxed], keys: Sequence[str], labels: Sequence[tuple[str, ...]]) -> list[Member]:
    counts = Counter(label for each in labels for label in set(each))
    return [Member(key, rarest(each, counts), one.split) for one, key, each in zip(found, keys, labels, strict=True)]


def _classes(path: Path) -> list[str]:
    said = yolo.listing(path / yolo.DATA_YAML)
    if said is None:
        raise InvalidInput(f"There is no {yolo.DATA_YAML} that names the classes.", FORMS)
    return said[1].classes


def _boxed(path: Path, classes: int) -> list[Boxed]:
    found = []
    for image in pictures.images_below(path / "images"):
        side = NAMES.get(image.parent.name) if image.parent != path / "images" else None
        file = yolo.label_file(image, path)
        boxes = tuple(yolo.boxes(file, classes)) if file.path.exists() else ()
        found.append(Boxed(image, boxes, side))
    if not found:
        raise InvalidInput("There are no images.", FORMS)
    return found


def _check_all_have_images(path: Path, found: Sequence[Boxed]) -> None:
    expected = {yolo.label_file(one.path, path).path for one in found}
    for file in below(path / "labels"):
        if file not in expected:
            raise InvalidInput(
                f"{file.relative_to(path).as_posix()} has no image.", "Add the image or take the labels out."
            )


def _from_coco(found: Path, listed: dict[Path, dict[str, object]], stored: Path) -> Prepared:
    said = coco.read(found, listed)
    by_side = {one.side for one in said.images} if all(one.side for one in said.images) else set()
    names = pictures.Names()
    for one in said.images:
        image, labels = _places(stored, one.side if len(by_side) > 1 else None, one.path.name, names)
        shutil.copyfile(one.path, image)
        labels.write_text(yolo.written(one.boxes), encoding="utf-8")
    yolo.write_yaml(stored, said.classes, [side for side in by_side if side] if len(by_side) > 1 else [])
    crowds = f"Annotations of crowds, which are left out: {said.crowds:,}." if said.crowds else ""
    return Prepared(stored, warnings=(crowds,) if crowds else ())


def _from_yolo(found: Path, file: Path, said: yolo.Listing, stored: Path) -> Prepared:
    root = found if found.is_dir() else found.parent
    _check_labels_have_images(root, said)
    names = pictures.Names()
    by_side = list(said.images) if len(said.images) > 1 else []
    for side, images in said.images.items():
        for image in images:
            target, labels = _places(stored, side if by_side else None, image.name, names)
            shutil.copyfile(image, target)
            source = yolo.label_file(image, root)
            if source.path.exists():
                tuple(yolo.boxes(source, len(said.classes)))  # said here, so that an error names the file that came in
                shutil.copyfile(source.path, labels)
    if not any(said.images.values()):
        raise InvalidInput(f"{file.name} names no images.", "Name them under train, val and test.")
    yolo.write_yaml(stored, said.classes, by_side)
    return Prepared(stored)


def _check_labels_have_images(root: Path, said: yolo.Listing) -> None:
    expected = {yolo.label_file(image, root).path for images in said.images.values() for image in images}
    for folder in {path.parent for path in expected}:
        for file in sorted(folder.glob("*.txt")):
            if file not in expected and file.name not in ("classes.txt", "README.txt"):
                raise InvalidInput(
                    f"{file.relative_to(root).as_posix()} has no image.", "Add the image or take the labels out."
                )


def _places(stored: Path, side: SplitName | None, name: str, names: pictures.Names) -> tuple[Path, Path]:
    image = names.free(stored / "images" / (yolo.FOLDERS[side] if side else ""), name)
    labels = yolo.label_file(image, stored).path
    labels.parent.mkdir(parents=True, exist_ok=True)
    return image, labels


def _about_boxes(found: Sequence[Boxed], classes: Sequence[str], counts: Counter[str]) -> list[str]:
    warnings = []
    if empty := sum(not one.boxes for one in found):
        warnings.append(f"Images without a box, which teach what is no object: {empty:,}.")
    if unused := [name for name in classes if name not in counts]:
        warnings.append(f"Classes without any box: {', '.join(map(repr, unused[:5]))}.")
    if twice := sum(len(one.boxes) != len(set(one.boxes)) for one in found):
        warnings.append(f"Images that have the same box more than once: {twice:,}.")
    return warnings


READER = Reader(prepare=prepare, inspect=inspect, read=read)
