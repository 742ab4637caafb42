"""Batches of texts of a stated length, and of one length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jupyter_modeldeploy.datatypes import Tensors


def of_length(batch: Tensors, length: int) -> Tensors:
    """The tokens of each text repeated, or cut, to `length`; all of them count."""
    return {
        name: np.ones((len(array), length), array.dtype)
        if name == "attention_mask"
        else np.stack(
            [np.resize(row[: max(1, int(tokens))], length) for row, tokens in zip(array, _tokens(batch), strict=True)]
        )
        for name, array in batch.items()
    }


def is_of_tokens(batch: Tensors) -> bool:
    return all(array.ndim == 2 and array.dtype.kind in "iu" for array in batch.values())


def of_one_length(batches: Sequence[Tensors]) -> list[Tensors]:
    """Texts padded to the longest, masked: calibration by percentile and entropy compares tensors of one shape."""
    if not batches or not is_of_tokens(batches[0]) or "attention_mask" not in batches[0]:
        return list(batches)
    longest = max(array.shape[1] for batch in batches for array in batch.values())
    return [
        {name: np.pad(array, ((0, 0), (0, longest - array.shape[1]))) for name, array in batch.items()}
        for batch in batches
    ]


def _tokens(batch: Tensors) -> np.ndarray:
    """int64[rows]: how many tokens of each row are its own."""
    if "attention_mask" in batch:
        return np.asarray(batch["attention_mask"].sum(axis=1))
    first = next(iter(batch.values()))
    return np.full(len(first), first.shape[1])
