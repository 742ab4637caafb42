"""How good found boxes are: mean average precision, as COCO has it (Lin et al. 2014)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

OVERLAPS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
X1, Y1, X2, Y2, SCORE, CLASS = range(6)


class Matched(NamedTuple):
    """The found boxes of one class over all images, best first: `hits` bool[boxes, overlaps] says whether a wanted box
    was met; there were `wanted` of these."""

    hits: np.ndarray
    wanted: int


def mean_average_precision(
    found: Sequence[np.ndarray], wanted: Sequence[np.ndarray], classes: Sequence[str]
) -> dict[str, float]:
    """`map50` and `map50_95` over the classes that occur. Of each image `found` float[boxes, 6] (two corners, score,
    class) and `wanted` float[boxes, 5] (class, two corners)."""
    precisions = by_class(found, wanted, len(classes))
    if not precisions:
        return {"map50": 0.0, "map50_95": 0.0}
    table = np.stack(list(precisions.values()))
    return {"map50": float(table[:, 0].mean()), "map50_95": float(table.mean())}


def by_class(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray], classes: int) -> dict[int, np.ndarray]:
    """The average precision at each of `OVERLAPS`, for each class that occurs among the wanted boxes."""
    all_matched = {number: _matched(found, wanted, number) for number in range(classes)}
    return {number: _average_precision(one) for number, one in all_matched.items() if one.wanted}


def overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """float[boxes, others]: intersection over union of boxes float[…, 4], given by two corners."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.prod((high - low).clip(0), axis=2)
    areas = np.prod((boxes[:, 2:] - boxes[:, :2]).clip(0), axis=1)
    other_areas = np.prod((others[:, 2:] - others[:, :2]).clip(0), axis=1)
    return np.asarray(shared / np.maximum(areas[:, None] + other_areas[None] - shared, 1e-9))


def _matched(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray], number: int) -> Matched:
    scores, hits, count = [np.empty(0)], [np.empty((0, len(OVERLAPS)), bool)], 0
    for boxes, right in zip(found, wanted, strict=True):
        of_class = boxes[boxes[:, CLASS] == number]
        of_class = of_class[np.argsort(-of_class[:, SCORE], kind="stable")]
        targets = right[right[:, 0] == number, 1:]
        count += len(targets)
        scores.append(of_class[:, SCORE])
        hits.append(_hits(overlap(of_class[:, :4], targets)))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return Matched(np.concatenate(hits)[order], count)


def _hits(overlaps: np.ndarray) -> np.ndarray:
    """bool[boxes, overlaps]: whether each box, best first, meets a wanted one that no better box has met."""
    hits = np.zeros((len(overlaps), len(OVERLAPS)), bool)
    free = np.ones((len(OVERLAPS), overlaps.shape[1]), bool)
    levels = np.arange(len(OVERLAPS))
    for index in np.flatnonzero((overlaps >= OVERLAPS[0]).any(axis=1)):
        candidates = np.where(free, overlaps[index], -1.0)
        best = candidates.argmax(axis=1)
        hits[index] = candidates[levels, best] >= OVERLAPS
        free[levels[hits[index]], best[hits[index]]] = False
    return hits


def _average_precision(matched: Matched) -> np.ndarray:
    """float[overlaps]: the mean over 101 recalls of the highest precision at that recall or a higher one."""
    hits = matched.hits.cumsum(axis=0)
    precision = hits / np.arange(1, len(hits) + 1)[:, None]
    precision = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    recall = hits / matched.wanted
    averages = []
    for level in range(len(OVERLAPS)):
        places = np.searchsorted(recall[:, level], RECALLS, side="left")
        reached = places < len(hits)
        averages.append(precision[places[reached], level].sum() / len(RECALLS))
    return np.array(averages)
