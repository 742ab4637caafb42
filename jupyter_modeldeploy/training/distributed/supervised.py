"""The step of models whose batches say what to learn: the default of `DistributedTrainer`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional

from jupyter_modeldeploy.errors import InvalidInput

Measured = Mapping[str, torch.Tensor]


def supervised(model: torch.nn.Module, batch: Any) -> Measured:
    """The mean "loss" over a batch's rows, for classes their "accuracy" too.

    A batch is `(inputs, targets)`, learnt with cross entropy where targets are int64[batch, …] classes and with the
    mean squared error where they are numbers, or a mapping of named inputs to a model that returns its own `loss`.
    Raises InvalidInput for any other batch."""
    if isinstance(batch, Mapping):
        return {"loss": _own_loss(model(**batch))}
    if not isinstance(batch, (tuple, list)) or len(batch) != 2 or not isinstance(batch[1], torch.Tensor):
        raise InvalidInput(
            f"The loader's batches are no (inputs, targets): {type(batch).__name__}.",
            "Give `step`, a function of model and batch that returns the loss.",
        )
    inputs, targets = batch
    outputs = model(inputs)
    if targets.is_floating_point():
        return {"loss": functional.mse_loss(outputs, targets)}
    right = (outputs.argmax(1) == targets).float().mean()
    return {"loss": functional.cross_entropy(outputs, targets), "accuracy": right}


def _own_loss(output: Any) -> torch.Tensor:
    loss = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", None)
    if not isinstance(loss, torch.Tensor):
        raise InvalidInput(
            "The model returned no loss for a batch of named inputs.",
            "Have `labels` in the batch, or give `step`, a function of model and batch that returns the loss.",
        )
    return loss
