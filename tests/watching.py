"""A reporter that keeps what it was told."""

from __future__ import annotations


class Watching:
    def __init__(self) -> None:
        self.told: list[tuple[float, float | None, str]] = []

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        self.told.append((done, total, unit))

    def metric(self, name: str, value: float, step: int) -> None:
        return None
