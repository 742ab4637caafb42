"""Images with boxes, from YOLO's yaml and COCO's json: every box lies in its image and is of a class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from labelled_data import brought, coco, picture, record, yolo

from jupyter_modeldeploy.datasets.object_detection import read
from jupyter_modeldeploy.datasets.reader import Box
from jupyter_modeldeploy.errors import InvalidInput


def test_a_yolo_dataset_keeps_its_sides(tmp_path: Path) -> None:
    found = brought(yolo(tmp_path / "pets", {"train": 4, "val": 2}), tmp_path / "stored")
    assert (found.task, found.inspected.format) == ("object-detection", "yolo")
    assert (found.inspected.classes, found.inspected.splits) == (["cat", "dog"], {"train": 4, "test": 2})
    split = read(tmp_path / "stored", record(found))
    assert split.train[1].boxes == (Box(0, 0.5, 0.5, 0.25, 0.5), Box(1, 0.25, 0.25, 0.5, 0.5))
    assert split.train[1].path == tmp_path / "stored" / "images" / "train" / "1.png"
    written = yaml.safe_load((tmp_path / "stored" / "data.yaml").read_text())
    assert written == {"path": ".", "train": "images/train", "val": "images/val", "names": {0: "cat", 1: "dog"}}


def test_one_side_alone_is_divided_by_the_seed(tmp_path: Path) -> None:
    found = brought(yolo(tmp_path / "pets", {"train": 10}), tmp_path / "stored")
    assert found.inspected.splits == {"train": 8, "test": 2}
    boxes = {each.of: each for each in found.inspected.report.distributions}["boxes in an image"]
    assert (boxes.minimum, boxes.maximum) == (1, 2)


def test_cocos_boxes_become_shares_of_the_image(tmp_path: Path) -> None:
    found = brought(coco(tmp_path / "pets"), tmp_path / "stored")
    assert (found.task, found.inspected.classes, found.inspected.rows) == ("object-detection", ["cat", "dog"], 6)
    split = read(tmp_path / "stored", record(found))
    by_name = {image.path.name: image.boxes for image in [*split.train, *split.test]}
    assert by_name["1.png"] == (Box(0, 0.5, 0.5, 0.5, 0.5),)
    assert by_name["2.png"] == (Box(1, 0.5, 0.5, 0.5, 0.5),)


def test_a_list_for_each_side_is_kept_to(tmp_path: Path) -> None:
    coco(tmp_path / "pets", "instances_train.json")
    coco(tmp_path / "pets", "instances_val.json", count=2, first=6)
    found = brought(tmp_path / "pets", tmp_path / "stored")
    assert found.inspected.splits == {"train": 6, "test": 2}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2 0.5 0.5 0.1 0.1", r"labels/train/1\.txt, line 1: the class is 2, but there are 2 classes"),
        ("-1 0.5 0.5 0.1 0.1", r"labels/train/1\.txt, line 1: the class is -1"),
        ("0 0.9 0.5 0.4 0.1", r"labels/train/1\.txt, line 1: the box reaches outside of its image"),
        ("0 320 240 50 60", r"labels/train/1\.txt, line 1: the box reaches outside of its image"),
        ("0 0.5 0.5 0 0.1", r"labels/train/1\.txt, line 1: the box is empty"),
        ("0 0.5 0.5 0.1", r"labels/train/1\.txt, line 1: 4 numbers, a box has 5"),
        ("cat 0.5 0.5 0.1 0.1", r"labels/train/1\.txt, line 1: could not convert string to float: 'cat'"),
        ("0 nan 0.5 0.1 0.1", r"labels/train/1\.txt, line 1: a number is not finite"),
    ],
)
def test_a_box_that_cannot_be_is_said_with_its_file_and_line(line: str, message: str, tmp_path: Path) -> None:
    pets = yolo(tmp_path / "pets", {"train": 4, "val": 2})
    (pets / "labels" / "train" / "1.txt").write_text(line)
    with pytest.raises(InvalidInput, match=message):
        brought(pets, tmp_path / "stored")


def test_labels_without_an_image_are_refused_and_images_without_labels_told(tmp_path: Path) -> None:
    pets = yolo(tmp_path / "pets", {"train": 4, "val": 2})
    picture(pets / "images" / "train" / "more.png", 99)
    report = brought(pets, tmp_path / "stored").inspected.report
    assert "Images without a box, which teach what is no object: 1." in report.warnings
    (pets / "labels" / "val" / "lost.txt").write_text("0 0.5 0.5 0.1 0.1")
    with pytest.raises(InvalidInput, match=r"labels/val/lost\.txt has no image"):
        brought(pets, tmp_path / "again")


def test_a_yaml_file_that_names_what_is_not_there_is_refused(tmp_path: Path) -> None:
    pets = yolo(tmp_path / "pets", {"train": 4})
    (pets / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [cat, dog]\n")
    with pytest.raises(InvalidInput, match=r"data\.yaml names 'images/val', which is not there"):
        brought(pets, tmp_path / "stored")


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ({"bbox": [20, 6, 16, 12]}, r"instances\.json, annotation 5: the box \[20, 6, 16, 12\] reaches outside"),
        ({"bbox": [8, 6, 0, 12]}, r"instances\.json, annotation 5: the box is empty"),
        ({"bbox": [8, 6]}, r"instances\.json, annotation 5: the box is \[8, 6\]"),
        ({"category_id": 9}, r"instances\.json, annotation 5: there is no category 9"),
        ({"image_id": 77}, r"instances\.json, annotation 5: there is no image 77"),
    ],
)
def test_an_annotation_that_cannot_be_is_said(annotation: dict[str, Any], message: str, tmp_path: Path) -> None:
    each = {"id": 5, "image_id": 0, "category_id": 3, "bbox": [8, 6, 16, 12], **annotation}
    with pytest.raises(InvalidInput, match=message):
        brought(coco(tmp_path / "pets", annotations=[each]), tmp_path / "stored")


def test_an_image_that_the_list_names_but_nobody_gave_is_said(tmp_path: Path) -> None:
    pets = coco(tmp_path / "pets")
    (pets / "images" / "3.png").unlink()
    with pytest.raises(InvalidInput, match=r"instances\.json: the image 3\.png is not there"):
        brought(pets, tmp_path / "stored")
