"""Whether a classifier is right as often as it is sure."""

from __future__ import annotations

import numpy as np

from jupyter_modeldeploy.records import Calibration, CalibrationBin

BINS = 15


def calibration(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> Calibration:
    """Of answers with a confidence, float[n] from 0 to 1, of which bool[n] are right, in bins of equal width.

    The error is the mean over the answers of the distance between confidence and accuracy in their bin: Guo, Pleiss,
    Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, equation 3, with their 15 bins."""
    number = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(number, minlength=bins)
    sure = np.bincount(number, confidence, bins)
    hits = np.bincount(number, right, bins)
    found = [
        CalibrationBin(
            low=index / bins,
            high=(index + 1) / bins,
            count=int(counts[index]),
            confidence=float(sure[index] / counts[index]),
            accuracy=float(hits[index] / counts[index]),
        )
        for index in np.flatnonzero(counts)
    ]
    return Calibration(ece=float(np.abs(sure - hits).sum() / max(1, len(confidence))), bins=found)


def softmax(logits: np.ndarray) -> np.ndarray:
    """float64[..., classes] that sum to 1."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return shares
