"""Boxes from the raw output of a YOLO, in the pixels of the image that was sent."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pictures import RED, file, picture

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Signature, TensorSpec
from jupyter_modeldeploy.tasks.object_detection import ObjectDetection, suppressed

SIGNATURE = Signature(
    inputs=[TensorSpec(name="images", dtype="FP32", shape=[1, 3, 64, 64])],
    outputs=[TensorSpec(name="output0", dtype="FP32", shape=[1, 6, 84])],
)


@pytest.fixture
def task(tmp_path: Path) -> ObjectDetection:
    (tmp_path / "config.json").write_text(json.dumps({"id2label": {"0": "cat", "1": "dog"}}))
    return ObjectDetection(tmp_path, SIGNATURE)


def raw(*boxes: tuple[float, ...]) -> np.ndarray:
    """`[1, 6, 84]` with these boxes (centre x, centre y, width, height, cat, dog) and nothing else."""
    output = np.zeros((1, 6, 84), np.float32)
    for index, box in enumerate(boxes):
        output[0, :, index] = box
    return output


def test_an_image_is_scaled_to_fit_with_grey_around_it(task: ObjectDetection) -> None:
    tensor = task.encode(task.parse_files(file(picture(RED, (128, 64)))))["images"]
    assert tensor.shape == (1, 3, 64, 64)
    assert tensor[0, :, 32, 32].tolist() == [1, 0, 0]
    assert tensor[0, :, 2, 32] == pytest.approx([114 / 255] * 3)


def test_boxes_are_told_in_the_images_own_pixels(task: ObjectDetection) -> None:
    items = task.parse_files(file(picture(RED, (128, 64))))
    outputs = {"output0": raw((32, 32, 16, 8, 0.1, 0.9), (32, 32, 17, 8, 0.0, 0.8), (10, 24, 4, 4, 0.6, 0.2))}
    [answer] = task.decode_items(items, outputs)
    assert [(box["label"], round(box["score"], 3)) for box in answer["boxes"]] == [("dog", 0.9), ("cat", 0.6)]
    assert answer["boxes"][0]["box"] == [48, 24, 80, 40]
    assert answer["boxes"][1]["box"] == [16, 12, 24, 20]


def test_what_is_judged_are_all_boxes_in_shares_of_the_image(task: ObjectDetection) -> None:
    items = task.parse_files(file(picture(RED, (128, 64))))
    outputs = {"output0": raw((32, 32, 16, 8, 0.1, 0.9), (32, 32, 17, 8, 0.0, 0.8), (10, 24, 4, 4, 0.6, 0.002))}
    [answer] = task.judged_answers(items, outputs)
    assert answer[:, 4:].tolist() == [
        [pytest.approx(score), label] for score, label in ((0.9, 1), (0.6, 0), (0.1, 0), (0.002, 1))
    ]
    assert answer[0, :4].tolist() == pytest.approx([48 / 128, 24 / 64, 80 / 128, 40 / 64])


def test_each_image_of_a_batch_has_its_own_boxes(task: ObjectDetection) -> None:
    items = task.parse_files(file(picture(RED, (64, 64)))) * 2
    outputs = {"output0": np.concatenate([raw((32, 32, 16, 8, 0.9, 0)), raw()])}
    assert [len(answer["boxes"]) for answer in task.decode_items(items, outputs)] == [1, 0]


def test_the_same_output_transposed_or_with_objectness_is_understood(task: ObjectDetection) -> None:
    [item] = task.parse_files(file(picture(RED, (64, 64))))
    turned = raw((32, 32, 16, 8, 0.9, 0)).transpose(0, 2, 1)
    with_objectness = np.concatenate([turned[..., :4], np.full((1, 84, 1), 0.5), turned[..., 4:]], axis=-1)
    assert task.decode_items([item], {"o": turned})[0]["boxes"][0]["score"] == pytest.approx(0.9)
    assert task.decode_items([item], {"o": with_objectness})[0]["boxes"][0]["score"] == pytest.approx(0.45)


@pytest.mark.parametrize("shape", [(1, 6), (1, 3, 84), (1, 9, 84)])
def test_another_output_is_refused(task: ObjectDetection, shape: tuple[int, ...]) -> None:
    [item] = task.parse_files(file(picture(RED, (64, 64))))
    with pytest.raises(InvalidInput, match="The model answers"):
        task.decode_items([item], {"o": np.zeros(shape, np.float32)})


def test_boxes_of_other_labels_do_not_suppress_each_other() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [0, 0, 10, 10], [50, 50, 60, 60]], np.float32)
    assert suppressed(boxes, np.array([0, 0, 1, 0])).tolist() == [0, 2, 3]
