"""Sizes, durations, rates and progress in a person's units."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import Progress

SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}


def size(count: float) -> str:
    """Bytes in decimal units, as drives and downloads count them: `91.6 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def amount(value: float, unit: str) -> str:
    """`3.2 steps`, `12.0 MB`."""
    if unit == "bytes":
        return size(value)
    return f"{value:,.0f} {unit}".rstrip() if value >= 10 else f"{value:.2g} {unit}".rstrip()


def duration(seconds: float) -> str:
    """`1:27`, `2:03:00`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def seconds_of(text: str) -> float:
    """`90`, `90s`, `1.5m`, `1h`, `7d`, `2w` in seconds. Raises ValueError for others."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw]?)", text.strip())
    if not found or float(found[1]) == 0:
        raise ValueError(f"{text!r} is no time: write 30s, 10m, 2h or 7d")
    return float(found[1]) * SECONDS[found[2]]


def percent(share: float) -> str:
    """`85.3 %`"""
    return f"{100 * share:.1f} %"


def p_value(value: float) -> str:
    """`0.042`, or `3.1e-05` of one that is very small."""
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"


def measured(series: str, value: float) -> str:
    """A point of a series in the unit that its name ends with: `91.6 MB` of `memory_bytes`, else four digits."""
    return size(value) if series.endswith("_bytes") else f"{value:.4g}"


def figures(progress: Progress) -> str:
    """`120/400 steps, 3.2 steps/s, 1:27 left`, as far as it is known."""
    if progress.total is None:
        return amount(progress.done, progress.unit) if progress.done else ""
    left = progress.total - progress.done
    if progress.unit == "bytes":
        parts = [f"{size(progress.done)} of {size(progress.total)}"]
    else:
        parts = [f"{progress.done:,.0f}/{progress.total:,.0f} {progress.unit}".rstrip()]
    if progress.seconds_left and left > 0:
        parts += [f"{amount(left / progress.seconds_left, progress.unit)}/s", f"{duration(progress.seconds_left)} left"]
    return ", ".join(parts)
