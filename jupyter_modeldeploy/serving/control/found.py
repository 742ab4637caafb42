"""What a cache gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Found:
    """A packed answer, and the seconds that it may still be given; none are left of one that is too old unless nothing
    better can be had."""

    content: bytes
    left_s: float
    source: Literal["memory", "redis"]

    @property
    def fresh(self) -> bool:
        return self.left_s > 0
