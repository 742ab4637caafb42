"""What a distributed training gives back. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochResult:
    """One pass over the training rows: the means over all its rows, by name ("loss", "accuracy").

    `training` was measured while the weights changed, `validation` afterwards; empty without validation rows."""

    epoch: int
    step: int
    training: dict[str, float]
    validation: dict[str, float]

    @property
    def judged_by(self) -> float:
        """The loss that epochs are compared by."""
        return (self.validation or self.training)["loss"]


@dataclass(frozen=True)
class DistributedResult:
    """How a training went. The model that was given to `fit` holds the weights of `best`.

    `restarts` is how often workers were lost, `seconds` the time of all attempts, starting processes included."""

    history: list[EpochResult]
    best: EpochResult
    processes: int
    restarts: int
    seconds: float
