from __future__ import annotations

import numpy as np
import pytest

from jupyter_modeldeploy.judging.average_precision import (
    from_matches,
    matches,
    mean_average_precision,
    mean_over_classes,
)

CLASSES = ["cat", "dog"]
WANTED = np.array([[0, 0, 0, 10, 10], [0, 20, 20, 30, 30]], np.float32)


def found(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 6)


def score(answers: np.ndarray, wanted: np.ndarray = WANTED) -> tuple[float, float]:
    metrics = mean_average_precision([answers], [wanted], CLASSES)
    return metrics["map50"], metrics["map50_95"]


def test_all_found_is_one_and_nothing_found_is_zero() -> None:
    assert score(found((0, 0, 10, 10, 0.9, 0), (20, 20, 30, 30, 0.8, 0))) == (1.0, 1.0)
    assert score(found()) == (0.0, 0.0)


def test_a_wrong_box_between_two_right_ones_costs_precision_behind_it() -> None:
    right_wrong_right = found((0, 0, 10, 10, 0.9, 0), (50, 50, 60, 60, 0.8, 0), (20, 20, 30, 30, 0.7, 0))
    assert score(right_wrong_right)[0] == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)


def test_a_box_that_is_found_twice_counts_once() -> None:
    twice = found((0, 0, 10, 10, 0.9, 0), (0, 0, 10, 10, 0.8, 0))
    assert score(twice)[0] == pytest.approx(51 / 101)


def test_a_box_that_is_off_meets_the_lower_overlaps_alone() -> None:
    off = found((0, 0, 10, 8, 0.9, 0), (20, 20, 30, 28, 0.8, 0))  # an overlap of 0.8
    assert score(off) == (1.0, pytest.approx(0.7))


def test_the_right_place_under_the_wrong_class_is_wrong() -> None:
    assert score(found((0, 0, 10, 10, 0.9, 1), (20, 20, 30, 30, 0.8, 1))) == (0.0, 0.0)


def test_boxes_of_one_image_do_not_meet_those_of_another() -> None:
    metrics = mean_average_precision([found((0, 0, 10, 10, 0.9, 0)), found()], [WANTED[1:], WANTED[:1]], CLASSES)
    assert metrics == {"map50": 0.0, "map50_95": 0.0}


def test_it_agrees_with_ultralytics() -> None:
    from jupyter_modeldeploy.runtimes.offline_ultralytics import metrics

    generator = np.random.default_rng(0)
    wanted, answers, hits = [], [], []
    for _ in range(30):
        corners = generator.uniform(0, 400, (3, 2)) + 200 * np.arange(3)[:, None]
        boxes = np.concatenate([corners, corners + 100], 1)
        wanted.append(np.column_stack([np.zeros(3), boxes]))
        moved = boxes + generator.normal(0, 12, boxes.shape)
        answers.append(np.column_stack([moved, generator.random(3), np.zeros(3)]))
        overlaps = np.diag(metrics.box_iou(*(torch_of(each) for each in (boxes, moved))).numpy())
        hits.append(overlaps[:, None] >= np.linspace(0.5, 0.95, 10))
    scores = np.concatenate([answer[:, 4] for answer in answers])
    theirs = metrics.ap_per_class(np.concatenate(hits), scores, np.zeros(90), np.zeros(90))[5]
    ours = mean_average_precision(answers, wanted, CLASSES)
    assert ours["map50"] == pytest.approx(theirs[0, 0], abs=0.01)
    assert ours["map50_95"] == pytest.approx(theirs.mean(), abs=0.01)


def torch_of(boxes: np.ndarray) -> object:
    import torch

    return torch.from_numpy(boxes)


def test_images_that_occur_several_times_count_as_often() -> None:
    random = np.random.default_rng(0)
    wanted, answers = [], []
    for _ in range(12):
        boxes = random.integers(0, 60, (random.integers(1, 5), 2)).astype(float)
        right = np.concatenate([random.integers(0, 2, (len(boxes), 1)), boxes, boxes + 20], axis=1)
        moved = right[:, 1:] + random.integers(-4, 5, (len(boxes), 4))
        wrong = random.integers(0, 40, (3, 2)).astype(float)
        corners = np.concatenate([moved, np.concatenate([wrong, wrong + 15], axis=1)])
        classes = np.concatenate([right[:, 0], random.integers(0, 2, 3)])
        answers.append(np.concatenate([corners, random.random((len(corners), 1)), classes[:, None]], axis=1))
        wanted.append(right)
    weights = random.integers(0, 4, (5, 12))

    met = matches(answers, wanted, len(CLASSES))
    precisions = mean_over_classes(from_matches(met, wanted, len(CLASSES)), weights.astype(float))

    for drawn, precision in zip(weights, precisions, strict=True):
        several = [index for index in range(12) for _ in range(drawn[index])]
        again = mean_average_precision([answers[i] for i in several], [wanted[i] for i in several], CLASSES)
        assert again == pytest.approx({"map50": precision[0], "map50_95": precision.mean()})
    assert len(met) < sum(map(len, answers))  # what is worse than the last hit is not kept
