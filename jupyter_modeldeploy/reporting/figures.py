"""Numbers as people read them."""

from __future__ import annotations

import math

from jupyter_modeldeploy.amounts import p_value as p_value

MINUS = "−"
GAP = "\u00a0"
"""Between a number and its unit, which no line break parts."""


def size(count: float) -> str:
    """Bytes in the decimal units that disks and downloads are told in: `91.6 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f}{GAP}B" if unit == "B" else f"{significant(count)}{GAP}{unit}"
        count /= 1000
    return f"{significant(count)}{GAP}TB"


def milliseconds(value: float) -> str:
    return f"{significant(value)}{GAP}ms"


def rate(value: float) -> str:
    """Requests per second: `1,240/s`."""
    return f"{significant(value)}/s"


def percent(proportion: float, digits: int = 1) -> str:
    return f"{100 * proportion:.{digits}f}{GAP}%".replace("-", MINUS)


def points(proportion: float, digits: int = 1) -> str:
    """A difference of proportions in percentage points, with its sign: `−0.2 pp`."""
    return f"{signed(100 * proportion, digits)}{GAP}pp"


def signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return text.replace("-", MINUS) if float(text) else f"{0:.{digits}f}"


def times(ratio: float) -> str:
    return f"{significant(ratio, 2)}×"


def difference(value: float, unit: str) -> str:
    """A difference in a metric's unit: proportions become percentage points, bytes megabytes."""
    if unit == "bytes":
        return f"{'+' if value > 0 else MINUS * (value < 0)}{size(abs(value))}"
    return points(value, 2) if unit == "proportion" else f"{signed(value, 3 if abs(value) < 1 else 2)}{GAP}{unit}"


def quantity(value: float, unit: str) -> str:
    """A value in a metric's unit: proportions become per cent, bytes megabytes."""
    if unit == "bytes":
        return size(value)
    return percent(value, 2) if unit == "proportion" else f"{significant(value)}{GAP}{unit}"


def significant(value: float, digits: int = 3) -> str:
    """`digits` digits that count, more where they stand before the point: `0.0123`, `1.23`, `1,234`."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}".replace("-", MINUS)
