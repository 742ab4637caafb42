"""Which version answers: weights, and the same version for the same unit every time.

The hash is GrowthBook's version 2 (docs.growthbook.io, "How experiments work": FNV-1a, 32 bits, applied twice), so an
assignment can be recomputed outside this service:

    bucket = fnv1a32(str(fnv1a32(seed + unit))) % 10000 / 10000        seed = "<service>/<model>"

The arms take [0, 1) in the order of the spec, each as much as its share of the weights.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from itertools import accumulate

FNV_OFFSET = 0x811C9DC5
FNV_PRIME = 0x01000193


def fnv1a32(text: str) -> int:
    """FNV-1a with 32 bits over the text's UTF-16 code units, as JavaScript counts them."""
    units = text.encode("utf-16-le", "surrogatepass")
    value = FNV_OFFSET
    for low, high in zip(units[::2], units[1::2], strict=True):
        value = ((value ^ (low | high << 8)) * FNV_PRIME) & 0xFFFFFFFF
    return value


def bucket(seed: str, unit: str) -> float:
    """The unit's place in [0, 1), in steps of 1/10000."""
    return fnv1a32(str(fnv1a32(seed + unit))) % 10000 / 10000


class Split:
    """Chooses one of the arms by their weights, which need not sum to 1."""

    def __init__(self, seed: str, weights: list[float]) -> None:
        self._seed = seed
        total = sum(weights)
        self._bounds = [bound / total for bound in accumulate(weights)]
        self._last = max(index for index, weight in enumerate(weights) if weight > 0)

    def choose(self, unit: str | None) -> int:
        """The arm's index: always the same for a unit, drawn at random without one."""
        place = random.random() if unit is None else bucket(self._seed, unit)
        return min(bisect_right(self._bounds, place), self._last)
