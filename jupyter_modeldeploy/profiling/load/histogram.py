"""Counts of durations whose error is bounded at every size, so that an hour's latencies take a fixed 350 kB.

The buckets are those of HdrHistogram with three significant digits (Gil Tene, https://hdrhistogram.org): below 2048 ns
each nanosecond has its own, from there each power of two has 1024, so that a value is at most 1/1024 off, and what is
told of a bucket, its middle, half of that. The text form is HdrHistogram's own (V2, compressed, base64), which its
plotters and logs in other languages read.
"""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput

HIGHEST_NS = 3_600_000_000_000
"""An hour; what took longer counts as that."""
_HALF_BITS = 10
_HALF = 1 << _HALF_BITS
_COOKIE, _ZIPPED_COOKIE = 0x1C849303 | 0x10, 0x1C849304 | 0x10
_HEAD = struct.Struct(">iiiiqqd")


class Histogram:
    """Counts of nanoseconds. Two of them are merged by `add`."""

    def __init__(self) -> None:
        self._counts = np.zeros(int(_places(np.array([HIGHEST_NS]))[0]) + 1, dtype=np.int64)
        self._total_ns = 0.0

    @property
    def count(self) -> int:
        return int(self._counts.sum())

    @property
    def mean(self) -> float:
        """Nanoseconds, of the values as they came; NaN without any."""
        return self._total_ns / self.count if self.count else float("nan")

    @property
    def highest(self) -> float:
        """The largest value, as its bucket tells it; NaN without any."""
        return self.percentile(100)

    def record(self, values: np.ndarray) -> None:
        """Add int64[n] nanoseconds; what is below 0 counts as 0."""
        values = np.clip(values, 0, HIGHEST_NS)
        self._counts += np.bincount(_places(values), minlength=len(self._counts))
        self._total_ns += float(values.sum())

    def add(self, other: Histogram) -> None:
        self._counts += other._counts
        self._total_ns += other._total_ns

    def percentile(self, percent: float) -> float:
        """The nanoseconds that `percent` of the values do not exceed; NaN without any value."""
        count = self.count
        return self.at_rank(max(1, int(np.ceil(round(count * percent / 100, 6))))) if count else float("nan")

    def at_rank(self, rank: int) -> float:
        """The `rank`-th smallest value, counted from 1."""
        return float(_middles(np.searchsorted(np.cumsum(self._counts), rank)))

    def corrected(self, interval_ns: float) -> Histogram:
        """With the values that a closed loop left out while it waited for a late answer: for each longer than
        `interval_ns`, in which it would have sent the next request, those that the requests left out would have had.

        It is HdrHistogram's correction for coordinated omission (`copyCorrectedForCoordinatedOmission`, Gil Tene)."""
        made = Histogram()
        made.add(self)
        step = max(1, round(interval_ns))
        for place in np.flatnonzero(self._counts):
            value = float(_middles(place))
            if value >= 2 * step:
                omitted = np.arange(value - step, step - 1, -step)
                counts = np.bincount(_places(omitted.astype(np.int64)), minlength=len(made._counts))
                made._counts += counts * self._counts[place]
                made._total_ns += float(omitted.sum()) * int(self._counts[place])
        return made

    def encode(self) -> str:
        """HdrHistogram's compressed text: what its tools read, in nanoseconds."""
        used = np.flatnonzero(self._counts)
        body, before = bytearray(), -1
        for place in used:
            if (gap := int(place) - before - 1) > 0:
                _put(body, -gap)
            _put(body, int(self._counts[place]))
            before = int(place)
        plain = _HEAD.pack(_COOKIE, len(body), 0, 3, 1, HIGHEST_NS, 1.0) + bytes(body)
        zipped = zlib.compress(plain)
        return base64.b64encode(struct.pack(">ii", _ZIPPED_COOKIE, len(zipped)) + zipped).decode()

    @classmethod
    def decode(cls, text: str) -> Histogram:
        """The histogram that `encode` wrote; its mean is then that of the buckets. Raises InvalidInput for others."""
        try:
            cookie, length = struct.unpack_from(">ii", raw := base64.b64decode(text, validate=True))
            plain = zlib.decompress(raw[8 : 8 + length])
            inner, size, offset, digits, lowest, _, _ = _HEAD.unpack_from(plain)
        except (ValueError, struct.error, zlib.error) as error:
            raise InvalidInput(f"This is no histogram: {error}.") from error
        if (cookie, inner, offset, digits, lowest) != (_ZIPPED_COOKIE, _COOKIE, 0, 3, 1):
            raise InvalidInput("This histogram is not one of nanoseconds with three digits.", "Measure again.")
        made, place = cls(), 0
        for number in _numbers(plain[_HEAD.size : _HEAD.size + size]):
            if number < 0:
                place -= number
            elif place < len(made._counts):
                made._counts[place] = number
                place += 1
        made._total_ns = float((_middles(np.arange(len(made._counts))) * made._counts).sum())
        return made


def _places(values: np.ndarray) -> np.ndarray:
    """The bucket of each of int64[n] values."""
    exponents = np.maximum(np.frexp(values.astype(np.float64))[1] - (_HALF_BITS + 1), 0)
    places: np.ndarray = exponents * _HALF + (values >> exponents)
    return places


def _middles(places: np.ndarray | np.int64) -> np.ndarray:
    """What each bucket tells: its middle."""
    exponents = np.maximum(np.asarray(places) // _HALF - 1, 0)
    lowest = (places - exponents * _HALF).astype(np.int64) << exponents
    middles: np.ndarray = lowest + ((np.int64(1) << exponents) - 1) / 2
    return middles


def _put(body: bytearray, number: int) -> None:
    """Append one number, zigzag and then seven bits a byte, as HdrHistogram's V2 form has it."""
    left = (number << 1) ^ (number >> 63)
    for _ in range(8):
        if left < 0x80:
            body.append(left)
            return
        body.append((left & 0x7F) | 0x80)
        left >>= 7
    body.append(left)


def _numbers(body: bytes) -> list[int]:
    found, value, shift = [], 0, 0
    for byte in body:
        if shift == 56:
            value, shift, more = value | byte << shift, 0, False
        else:
            value, more = value | (byte & 0x7F) << shift, byte >= 0x80
            shift = shift + 7 if more else 0
        if not more:
            found.append((value >> 1) ^ -(value & 1))
            value = 0
    return found
