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
    was met, `images` in which image the box lies; each image has `wanted` int[images] boxes."""

    hits: np.ndarray
    images: np.ndarray
    wanted: np.ndarray


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
    once = np.ones((1, len(wanted)))
    return {number: average_precision(one, once)[0] for number, one in all_matched.items() if one.wanted.any()}


def matches(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray], classes: int) -> np.ndarray:
    """int64[boxes, 3]: class, image and, as bits, the overlaps at which a wanted box was met, of each class best first.
    It is all that an average precision needs beside the wanted boxes: what is worse than the last hit of its class
    changes nothing and is left out."""
    rows = [np.empty((0, 3), np.int64)]
    for number in range(classes):
        one = _matched(found, wanted, number)
        met = one.hits @ (1 << np.arange(len(OVERLAPS)))
        last = int(np.flatnonzero(met).max(initial=-1)) + 1
        rows.append(np.stack([np.full(last, number), one.images[:last], met[:last]], axis=1))
    return np.concatenate(rows)


def from_matches(matches: np.ndarray, wanted: Sequence[np.ndarray], classes: int) -> list[Matched]:
    """What `matches` keeps, of the classes that occur."""
    counts = np.array([np.bincount(boxes[:, 0].astype(int), minlength=classes) for boxes in wanted])
    found = []
    for number in np.flatnonzero(counts.sum(axis=0)):
        of_class = matches[matches[:, 0] == number]
        hits = (of_class[:, 2, None] >> np.arange(len(OVERLAPS))) & 1 > 0
        found.append(Matched(hits, of_class[:, 1], counts[:, number]))
    return found


def mean_over_classes(all_matched: Sequence[Matched], weights: np.ndarray) -> np.ndarray:
    """float64[n, overlaps]: the mean average precision of `n` sets of images, in which image `i` occurs
    `weights[:, i]` times; 0 where nothing is wanted."""
    total, occurring = np.zeros((len(weights), len(OVERLAPS))), np.zeros((len(weights), 1))
    for one in all_matched:
        total += average_precision(one, weights)
        occurring += (weights @ one.wanted > 0)[:, None]
    return total / np.maximum(occurring, 1)


def overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """float[boxes, others]: intersection over union of boxes float[…, 4], given by two corners."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.prod((high - low).clip(0), axis=2)
    areas = np.prod((boxes[:, 2:] - boxes[:, :2]).clip(0), axis=1)
    other_areas = np.prod((others[:, 2:] - others[:, :2]).clip(0), axis=1)
    return np.asarray(shared / np.maximum(areas[:, None] + other_areas[None] - shared, 1e-9))


def _matched(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray], number: int) -> Matched:
    scores, hits = [np.empty(0)], [np.empty((0, len(OVERLAPS)), bool)]
    counts = []
    for boxes, right in zip(found, wanted, strict=True):
        of_class = boxes[boxes[:, CLASS] == number]
        of_class = of_class[np.argsort(-of_class[:, SCORE], kind="stable")]
        targets = right[right[:, 0] == number, 1:]
        counts.append(len(targets))
        scores.append(of_class[:, SCORE])
        hits.append(_hits(overlap(of_class[:, :4], targets)))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    images = np.repeat(np.arange(len(hits) - 1), [len(each) for each in hits[1:]])
    return Matched(np.concatenate(hits)[order], images[order], np.array(counts, np.int64))


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


def average_precision(matched: Matched, weights: np.ndarray) -> np.ndarray:
    """float64[n, overlaps]: the mean over 101 recalls of the highest precision at that recall or a higher one, in `n`
    sets of images, in which image `i` occurs `weights[:, i]` times. 0 where nothing is wanted."""
    averages = np.zeros((len(weights), len(OVERLAPS)))
    drawn = weights[:, matched.images]
    found = np.maximum(drawn.cumsum(axis=1), 1)
    wanted = np.maximum(weights @ matched.wanted, 1)[:, None]
    for level in np.flatnonzero(matched.hits.any(axis=0)):
        places = np.flatnonzero(matched.hits[:, level])  # between two hits the precision only falls
        hits = drawn[:, places].cumsum(axis=1)
        precision = np.maximum.accumulate((hits / found[:, places])[:, ::-1], axis=1)[:, ::-1]
        reached = np.searchsorted(RECALLS, hits / wanted, side="right")
        averages[:, level] = (precision * np.diff(reached, axis=1, prepend=0)).sum(axis=1) / len(RECALLS)
    return averages
