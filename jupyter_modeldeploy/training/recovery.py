"""How a pruned version is trained again: the options of a fine-tuning that mean something there."""

from __future__ import annotations

import copy
from typing import Any

from pydantic import BaseModel, ConfigDict

from jupyter_modeldeploy.training.options import Augmentation, FinetuneOptions, Precision


def _as_in_finetuning(name: str) -> Any:
    return copy.copy(FinetuneOptions.model_fields[name])


class RecoveryOptions(BaseModel):
    """All weights are trained; each field is the one of that name in `FinetuneOptions`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: float | None = _as_in_finetuning("epochs")
    max_steps: int | None = _as_in_finetuning("max_steps")
    batch_size: int | None = _as_in_finetuning("batch_size")
    learning_rate: float | None = _as_in_finetuning("learning_rate")
    precision: Precision = _as_in_finetuning("precision")
    max_length: int = _as_in_finetuning("max_length")
    augmentation: Augmentation | None = _as_in_finetuning("augmentation")
    train_rows: int | None = _as_in_finetuning("train_rows")
    seed: int = _as_in_finetuning("seed")
    deterministic: bool = _as_in_finetuning("deterministic")
    checkpoint_every: int | None = _as_in_finetuning("checkpoint_every")

    def as_finetuning(self) -> FinetuneOptions:
        return FinetuneOptions(method="full", **self.model_dump())
