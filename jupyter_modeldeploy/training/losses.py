"""Losses of classifiers and language models: sums over the labels to be learnt, divided by `items`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from jupyter_modeldeploy.training.problem import IGNORED, Loss


def cross_entropy(weights: torch.Tensor | None = None) -> Loss:
    """Of `outputs.logits` [..., classes] against class indices [...]; `weights` [classes] are of the classes."""

    def loss(outputs: Any, labels: torch.Tensor, items: torch.Tensor | int) -> torch.Tensor:
        logits = outputs["logits"].float()
        weighed = None if weights is None else weights.to(logits.device)
        flat = logits.reshape(-1, logits.shape[-1])
        total = functional.cross_entropy(flat, labels.reshape(-1), weighed, ignore_index=IGNORED, reduction="sum")
        return total / items

    return loss


def binary_cross_entropy(weights: torch.Tensor | None = None) -> Loss:
    """Of `outputs.logits` [batch, classes] against 0 and 1 for each class; `weights` [classes] are of the ones."""

    def loss(outputs: Any, labels: torch.Tensor, items: torch.Tensor | int) -> torch.Tensor:
        logits = outputs["logits"].float()
        weighed = None if weights is None else weights.to(logits.device)
        total = functional.binary_cross_entropy_with_logits(logits, labels.float(), pos_weight=weighed, reduction="sum")
        return total / items

    return loss


def next_token(outputs: Any, labels: torch.Tensor, items: torch.Tensor | int) -> torch.Tensor:
    """Of `outputs.logits` [batch, length, vocabulary] against the token that follows."""
    logits = outputs["logits"][:, :-1].float()
    flat = logits.reshape(-1, logits.shape[-1])
    total = functional.cross_entropy(flat, labels[:, 1:].reshape(-1), ignore_index=IGNORED, reduction="sum")
    return total / items


def balanced(labels: Sequence[int], classes: int) -> torch.Tensor:
    """float32[classes]: the inverse of each class's share, so that all classes together weigh as much as before and
    each as much as another. A class without rows gets 1."""
    counts = np.bincount(np.asarray(labels, dtype=np.int64), minlength=classes)
    present = int((counts > 0).sum())
    weights = np.where(counts > 0, counts.sum() / (present * np.maximum(counts, 1)), 1.0)
    return torch.tensor(weights, dtype=torch.float32)


def balanced_ones(labels: np.ndarray) -> torch.Tensor:
    """float32[classes]: for each class of `labels` [rows, classes], how many rows lack it for one that has it."""
    ones = labels.sum(axis=0)
    return torch.tensor(np.where(ones > 0, (len(labels) - ones) / np.maximum(ones, 1), 1.0), dtype=torch.float32)
