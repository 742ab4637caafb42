"""What a request may hold. Bodies have a limit of their own, which says little of what they unfold to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jupyter_modeldeploy.datatypes import NUMPY, Tensors
from jupyter_modeldeploy.errors import TooLarge
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.signatures import Signature

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import InputLimits


def configure(version: ServedVersion, limits: InputLimits) -> None:
    """Let the version know which requests need no look at their size."""
    version.plain_rows = limits.max_tensor_bytes // _row_bytes(version.signature)


def check(kind: str, payload: Any, limits: InputLimits) -> None:
    """Raise TooLarge where tensors are larger than the limit; texts and images were looked at by their task."""
    tensors = [payload] if kind == "tensors" else [item for item in payload if isinstance(item, dict)]
    if (size := sum(map(_size, tensors))) > limits.max_tensor_bytes:
        raise TooLarge(
            f"The inputs have {size} bytes; the limit max_tensor_bytes is {limits.max_tensor_bytes}.",
            "Send less at once.",
        )


def _size(tensors: Tensors) -> int:
    return sum(sum(map(len, array.ravel())) if array.dtype == object else array.nbytes for array in tensors.values())


def _row_bytes(signature: Signature) -> float:
    """The bytes of a row of all inputs; infinite where the signature leaves it open."""
    if any(spec.dtype == "BYTES" or -1 in spec.shape[1:] for spec in signature.inputs):
        return math.inf
    return max(1, sum(NUMPY[spec.dtype].itemsize * math.prod(spec.shape[1:]) for spec in signature.inputs))
