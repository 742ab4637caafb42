"""A model's numbers as probabilities."""

from __future__ import annotations

import numpy as np


def probabilities(logits: np.ndarray, independent: bool = False) -> np.ndarray:
    """Softmax over the last axis, or a sigmoid of each where the labels are independent; in the same shape."""
    wide = logits.astype(np.float64)
    if independent:
        return 1.0 / (1.0 + np.exp(-wide))
    exponents = np.exp(wide - wide.max(axis=-1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True))
