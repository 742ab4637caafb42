"""Which arm a unit is in, as GrowthBook's SDKs compute it (docs.growthbook.io/lib/build-your-own, specification 0.7.1),
so that clients and other systems find the same without asking.

    version 1:  fnv1a32(value + seed) % 1000 / 1000
    version 2:  fnv1a32(str(fnv1a32(seed + value))) % 10000 / 10000

FNV-1a, 32 bits, over the text's UTF-16 code units, as JavaScript counts them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from fnv_hash_fast import fnv1a_32

PLACES = 10_000
"""Of version 2."""

Range = tuple[float, float]
"""From the first inclusive to the second exclusive, in [0, 1]."""


def fnv1a32(text: str) -> int:
    """FNV-1a with 32 bits of the text."""
    if text.isascii():
        return fnv1a_32(text.encode())
    state = 0x811C9DC5
    units = text.encode("utf-16-le", "surrogatepass")
    for low, high in zip(units[::2], units[1::2], strict=True):
        state = (state ^ (low | high << 8)) * 0x01000193 & 0xFFFFFFFF
    return state


def bucket(seed: str, value: str, version: int = 2) -> float | None:
    """The value's place in [0, 1), in steps of 1/1000 by version 1 and of 1/10000 by version 2; None for another."""
    if version == 1:
        return fnv1a32(value + seed) % 1000 / 1000
    return fnv1a32(str(fnv1a32(seed + value))) % PLACES / PLACES if version == 2 else None


def places(seed: str) -> Callable[[bytes], int]:
    """How to find the place of a value in UTF-8 by version 2, as a whole number of 1/10000: there are some ten thousand
    requests a second."""
    before = seed.encode() if seed.isascii() else b""

    def place(value: bytes) -> int:
        if before and value.isascii():
            return fnv1a_32(b"%d" % fnv1a_32(before + value)) % 10000
        return fnv1a32(str(fnv1a32(seed + value.decode("utf-8", "replace")))) % PLACES

    return place


def in_namespace(value: str, namespace: str, within: Range) -> bool:
    """Whether the unit takes part in what has this range of the namespace: no unit is in two ranges that are apart."""
    return within[0] <= fnv1a32(f"{value}__{namespace}") % 1000 / 1000 < within[1]


def equal_weights(count: int) -> list[float]:
    return [1 / count] * count if count > 0 else []


def bucket_ranges(count: int, coverage: float = 1.0, weights: Sequence[float] | None = None) -> list[Range]:
    """The range of each arm: as wide as its weight, of which the share `coverage` takes part. Weights of another number
    or that do not sum to about 1 count as equal."""
    if weights is None or len(weights) != count or not 0.99 <= sum(weights) <= 1.01:
        weights = equal_weights(count)
    coverage = min(max(coverage, 0.0), 1.0)
    ends = list(accumulate(weights, initial=0.0))
    return [(start, start + coverage * weight) for start, weight in zip(ends, weights, strict=False)]


def choose(place: float, ranges: Sequence[Range]) -> int:
    """The arm whose range holds the place, the first of several; -1 where none does."""
    return next((arm for arm, (start, end) in enumerate(ranges) if start <= place < end), -1)
