"""Images with one class each, stored as a folder `CLASS/image.png` or `SPLIT/CLASS/image.png`.

They come as such a folder, as a table of paths and labels beside the images, or as a table that holds the images."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from jupyter_modeldeploy.datasets import arrow, columns, pictures, table, tables
from jupyter_modeldeploy.datasets.files import divided, with_suffix
from jupyter_modeldeploy.datasets.reader import AS_FOUND, Inspected, LabelledImage, Prepared, Reader, Split, Wanted
from jupyter_modeldeploy.datasets.report import Seen, check_classes, report
from jupyter_modeldeploy.datasets.split import (
    NAMES,
    Member,
    check_named,
    counted,
    divide,
    side_named,
    sides,
)
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Dataset, SplitName

PATH_COLUMNS = ("path", "file_name", "filename", "file", "image_path", "filepath", "image", "img")
LAYOUT = "Lay images out as CLASS/image.png or train/CLASS/image.png, or name paths and labels in a csv file."


class Placed(NamedTuple):
    """An image file with what its place says."""

    path: Path
    label: str
    split: SplitName | None


def prepare(found: Path, stored: Path, wanted: Wanted) -> Prepared:
    """The images of what was found as an image folder in `stored`."""
    listed = with_suffix(found, table.SUFFIXES)
    packed = with_suffix(found, arrow.SUFFIXES)
    if packed:
        _unpack(divided(packed, found, "Parquet"), stored, wanted)
    elif listed:
        for side, path in divided(listed, found, "csv, jsonl"):
            _gather(path, side, found, stored, wanted)
    elif found.is_dir():
        root = _top(found)
        for path in pictures.images_below(root):
            target = stored / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, target)
    else:
        raise InvalidInput(f"{found.name} is one file.", LAYOUT)
    return Prepared(stored)


def inspect(path: Path, wanted: Wanted = AS_FOUND) -> Inspected:
    """Decode every image and check its place. Raises InvalidInput, naming the file, for what is no image, cut off, too
    large, empty, or in no class's folder; and for a single class."""
    placed = list(_placed(path))
    if not placed:
        raise InvalidInput("There are no images.", LAYOUT)
    counts = Counter(one.label for one in placed)
    check_classes(counts, len(placed), "images", LAYOUT)
    if placed[0].split is not None:
        check_named((one.split for one in placed if one.split), "The folder")
    seen_pictures = pictures.checked([one.path for one in placed], path)
    members = [Member(picture.sha256, one.label, one.split) for picture, one in zip(seen_pictures, placed, strict=True)]
    on = sides(members, wanted)
    seen = [
        Seen(one.path.relative_to(path).as_posix(), member.key, (one.label,))
        for one, member in zip(placed, members, strict=True)
    ]
    return Inspected(
        format="imagefolder",
        classes=sorted(counts),
        rows=len(placed),
        splits=counted(on),
        report=report(seen, on, pictures.distributions(seen_pictures), pictures.about_sizes(seen_pictures)),
    )


def read(path: Path, dataset: Dataset) -> Split[LabelledImage]:
    """The dataset's images in its fixed split; files of equal content are never on both sides."""
    placed = list(_placed(path))
    keys = pictures.sums(path, [one.path for one in placed])
    on = sides([Member(key, one.label, one.split) for key, one in zip(keys, placed, strict=True)], dataset)
    index = {name: number for number, name in enumerate(dataset.classes)}
    return divide([LabelledImage(one.path, index[one.label]) for one in placed], on)


def _placed(root: Path) -> Iterator[Placed]:
    """The images of a folder in the order of their names. A single side, as `train` alone, says nothing of a split."""
    found = [(path, path.relative_to(root).parts) for path in pictures.images_below(root)]
    by_split = all(len(parts) == 3 and parts[0].lower() in NAMES for _, parts in found)
    says = by_split and len({NAMES[parts[0].lower()] for _, parts in found}) > 1
    for path, parts in found:
        if len(parts) != 2 + by_split:
            raise InvalidInput(f"{'/'.join(parts)} is not in the folder of a class.", LAYOUT)
        yield Placed(path, parts[-2], NAMES[parts[0].lower()] if says else None)


def _top(folder: Path) -> Path:
    """The folder below which splits or classes lie: the only folder in it may be a wrapping."""
    inside = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))]
    wrapped = len(inside) == 1 and all(path.is_dir() for path in inside[0].iterdir()) and any(inside[0].iterdir())
    return _top(inside[0]) if wrapped and inside[0].name.lower() not in NAMES else folder


def _gather(listed: Path, side: SplitName | None, root: Path, stored: Path, wanted: Wanted) -> None:
    """Copy the images that a table names: paths are relative to the table, or to the top."""
    names = pictures.Names()
    with table.reading(listed) as opened:
        path_column, label_column = _columns(opened.columns, PATH_COLUMNS, wanted)
        for row in opened.rows:
            place = f"Row {row.line} of {listed.name}"
            source = _inside(columns.text_of(row.line, row.values.get(path_column), "path"), listed.parent, root, place)
            label = columns.label_of(row.line, row.values.get(label_column))
            split = row.values.get(columns.SPLIT_COLUMN)
            on = side_named(columns.word(split), place) if columns.SPLIT_COLUMN in opened.columns else side
            shutil.copyfile(source, names.free(_folder(stored, label, on, place), source.name))


def _inside(name: str, beside: Path, root: Path, place: str) -> Path:
    top = root if root.is_dir() else root.parent
    for folder in (beside, top):
        path = folder / name
        if path.resolve().is_relative_to(top.resolve()) and path.is_file():
            return path
    raise InvalidInput(f"{place}: there is no file {name!r}.", "Write the path below the table's own folder.")


def _unpack(sided: Sequence[tuple[SplitName | None, Path]], stored: Path, wanted: Wanted) -> None:
    for side, path in sided:
        image = arrow.image_column(path)
        if image is None:
            raise InvalidInput(f"{path.name} has no column of images.", "Is it a dataset of images?")
        _, label_column = _columns(list(arrow.columns(path)), (image,), wanted)
        for number, row in enumerate(tables.rows(path), 1):
            place = f"Row {number} of {path.name}"
            content = (row.values.get(image) or {}).get("bytes")
            if not content:
                raise InvalidInput(f"{place}: the image is missing.", "Save the dataset with its images.")
            label = columns.label_of(number, row.values.get(label_column))
            folder = _folder(stored, label, side, place)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{path.stem}-{number:07}{pictures.suffix_of(content, place)}").write_bytes(content)


def _columns(there: Sequence[str], usual: Sequence[str], wanted: Wanted) -> tuple[str, str]:
    columns.check_there((wanted.text_column, wanted.label_column), there)
    path = wanted.text_column or columns.guess(there, usual)
    label = wanted.label_column or columns.guess([name for name in there if name != path], columns.LABEL_COLUMNS)
    if path is None or label is None:
        missing = "path" if path is None else "label"
        raise InvalidInput(
            f"Which column holds the {missing} is not clear: the columns are {', '.join(there)}.",
            f"Name it: {'text' if path is None else 'label'}_column.",
        )
    return path, label


def _folder(stored: Path, label: str, side: SplitName | None, place: str) -> Path:
    """The folder of a class, whose name is the class's own."""
    if "/" in label or "\\" in label or label.startswith(".") or not label.isprintable() or len(label.encode()) > 200:
        raise InvalidInput(f"{place}: the class {label!r} cannot be a folder's name.", "Name it otherwise.")
    return stored / side / label if side else stored / label


READER = Reader(prepare=prepare, inspect=inspect, read=read)
