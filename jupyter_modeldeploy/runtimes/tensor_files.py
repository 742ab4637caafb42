"""Batches of a model's inputs as files, which another process reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jupyter_modeldeploy.datatypes import Tensors


def save(path: Path, batches: Sequence[Tensors]) -> None:
    """Texts as NumPy's fixed-width bytes, so that nothing is pickled."""
    arrays = {
        f"{number} {name}": array.astype("S") if array.dtype == np.object_ else array
        for number, tensors in enumerate(batches)
        for name, array in tensors.items()
    }
    np.savez(path, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> list[Tensors]:
    batches: dict[int, Tensors] = {}
    with np.load(path, allow_pickle=False) as archive:
        for key in archive.files:
            number, _, name = key.partition(" ")
            array = archive[key]
            batches.setdefault(int(number), {})[name] = array.astype(np.object_) if array.dtype.kind == "S" else array
    return [batches[number] for number in sorted(batches)]
