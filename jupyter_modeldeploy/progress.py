"""How long work tells how far it is. Capabilities take a `Reporter`; a job's worker hands them one that writes
to the store, a caller without a job hands them `Silent()`."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        """Say how much is done, of how much (None: unknown), in `unit` ("steps", "bytes")."""

    def metric(self, name: str, value: float, step: int) -> None:
        """Add one point to the series `name`. Values that are not finite are left out."""

    def sample(self, step: int, row: int, text: str, answer: str) -> None:
        """Show what a model in training answers at `step` to what stands in the held-out row `row`."""


class Silent:
    """A reporter for work that nobody watches."""

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        return None

    def metric(self, name: str, value: float, step: int) -> None:
        return None

    def sample(self, step: int, row: int, text: str, answer: str) -> None:
        return None
