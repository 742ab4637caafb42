"""Weights that were pruned one by one and are to stay so while the others are trained."""

from __future__ import annotations

from collections.abc import Callable

import torch


def keep(model: torch.nn.Module) -> None:
    """Let no training change the weights of matrices and kernels that are 0 now: they get no gradient, and nothing else
    moves them, for momentum and decay of 0 are 0."""
    for parameter in model.parameters():
        if parameter.ndim > 1 and (kept := parameter.detach() != 0).logical_not().any():
            parameter.register_hook(_masking(kept))  # type: ignore[no-untyped-call]


def _masking(kept: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda gradient: gradient * kept.to(gradient.device)
