"""Images with one class each: every file is decoded before anybody trains on it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from labelled_data import brought, image_folder, picture, record

from jupyter_modeldeploy.datasets.image_classification import read
from jupyter_modeldeploy.errors import InvalidInput


def test_the_folders_are_the_classes_and_the_split_is_drawn(tmp_path: Path) -> None:
    found = brought(image_folder(tmp_path / "pets"), tmp_path / "stored")
    assert (found.task, found.inspected.format) == ("image-classification", "imagefolder")
    assert (found.inspected.classes, found.inspected.splits) == (["cat", "dog"], {"train": 10, "test": 2})
    split = read(tmp_path / "stored", record(found))
    assert {image.path.parent.name for image in split.test} == {"cat", "dog"}
    assert all(image.label == ["cat", "dog"].index(image.path.parent.name) for image in split.train)
    width = found.inspected.report.distributions[0]
    assert (width.of, width.unit, width.minimum, width.maximum) == ("width of an image", "pixels", 32, 32)


def test_folders_for_each_side_are_kept_to_inside_of_a_wrapping(tmp_path: Path) -> None:
    for first, side in ((0, "train"), (100, "val"), (200, "test")):
        image_folder(tmp_path / "wrapping" / "pets" / side, 2, first=first)
    (tmp_path / "wrapping" / ".DS_Store").write_bytes(b"x")
    found = brought(tmp_path / "wrapping", tmp_path / "stored")
    assert found.inspected.splits == {"train": 4, "validation": 4, "test": 4}


def test_equal_files_are_never_on_both_sides(tmp_path: Path) -> None:
    image_folder(tmp_path / "pets" / "train", 3)
    image_folder(tmp_path / "pets" / "test", 2)
    found = brought(tmp_path / "pets", tmp_path / "stored").inspected
    assert found.splits == {"train": 2, "test": 4}
    assert any("first train/cat/0.png" in warning for warning in found.report.warnings)


def test_a_table_beside_the_images_names_their_classes(tmp_path: Path) -> None:
    for number in range(6):
        picture(tmp_path / "pets" / "img" / f"{number}.png", number)
    rows = [f"img/{number}.png,{'cat' if number % 2 else 'dog'}" for number in range(6)]
    (tmp_path / "pets" / "labels.csv").write_text("\n".join(["file_name,label", *rows]))
    found = brought(tmp_path / "pets", tmp_path / "stored")
    assert (found.task, found.inspected.classes, found.inspected.rows) == ("image-classification", ["cat", "dog"], 6)
    assert (tmp_path / "stored" / "cat" / "1.png").exists()


def broken(path: Path) -> None:
    path.write_bytes(b"no image")


def cut_off(path: Path) -> None:
    content = picture(path, size=(400, 400)).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def bomb(path: Path) -> None:
    """A PNG whose header says 30,000 × 30,000 pixels."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "name", "message"),
    [
        (broken, "cat/bad.png", r"cat/bad\.png is not an image that can be read"),
        (cut_off, "cat/bad.png", r"cat/bad\.png is not an image that can be read: .*truncated"),
        (cut_off, "cat/bad.jpg", r"cat/bad\.jpg is not an image that can be read: .*truncated"),
        (bomb, "cat/bad.png", r"cat/bad\.png has 30,000 × 30,000 pixels; 50,000,000 are the most"),
        (empty, "dog/bad.webp", r"dog/bad\.webp is not an image that can be read"),
        (picture, "lost.png", r"lost\.png is not in the folder of a class"),
        (broken, "cat/notes.txt", r"cat/notes\.txt is not one of \.png"),
    ],
)
def test_a_file_that_cannot_be_learned_from_is_named(
    spoil: Callable[[Path], object], name: str, message: str, tmp_path: Path
) -> None:
    spoil(image_folder(tmp_path / "pets") / name)
    with pytest.raises(InvalidInput, match=message):
        brought(tmp_path / "pets", tmp_path / "stored")


def test_images_of_one_class_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="All 6 images are of one class, 'cat'"):
        brought(image_folder(tmp_path / "pets", classes=["cat"]), tmp_path / "stored")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1.png,cat", r"Row 3 of labels\.csv: there is no file '1\.png'"),
        ("../secret.png,cat", r"Row 3 of labels\.csv: there is no file '\.\./secret\.png'"),
        ("0.png,../cat", r"Row 3 of labels\.csv: the class '\.\./cat' cannot be a folder's name"),
        (",cat", "Row 3: the path is empty"),
    ],
)
def test_a_row_that_names_no_image_is_said(row: str, message: str, tmp_path: Path) -> None:
    picture(tmp_path / "secret.png")
    picture(tmp_path / "pets" / "0.png")
    (tmp_path / "pets" / "labels.csv").write_text(f"path,label\n0.png,dog\n{row}\n")
    with pytest.raises(InvalidInput, match=message):
        brought(tmp_path / "pets", tmp_path / "stored")
