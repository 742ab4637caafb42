"""The classification extension: the highest values of an output, as `value:index` or `value:index:label`."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from jupyter_modeldeploy import datatypes
from jupyter_modeldeploy.errors import InvalidInput


def classified(array: np.ndarray, count: int, labels: Mapping[int, str]) -> np.ndarray:
    """BYTES[rows, count]: for each row its `count` highest values, the highest first; BYTES[count] of a vector.

    Raises InvalidInput for an output of strings or booleans."""
    values = datatypes.widened(array)
    if values.dtype.kind not in "fiu":
        raise InvalidInput("Only an output of numbers can be classified.", "Ask for it without classification.")
    rows = values.reshape(values.shape[0], math.prod(values.shape[1:])) if values.ndim > 1 else values.reshape(1, -1)
    count = min(count, rows.shape[1])
    found = np.empty((len(rows), count), dtype=np.object_)
    for number, row in enumerate(rows):
        highest = np.argsort(-row.astype(np.float64), kind="stable")[:count]
        found[number] = [_class(row[index], int(index), labels) for index in highest]
    return found if values.ndim > 1 else found.reshape(-1)


def _class(value: float, index: int, labels: Mapping[int, str]) -> bytes:
    label = labels.get(index)
    return (f"{value:f}:{index}" if label is None else f"{value:f}:{index}:{label}").encode()
