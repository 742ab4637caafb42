"""Counts of a model's parameters, gathered tensor by tensor."""

from __future__ import annotations

from collections import Counter
from math import prod

from jupyter_modeldeploy.errors import InvalidInput

BITS = {
    **{"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "C64": 64, "C128": 128},
    **{"I64": 64, "I32": 32, "I16": 16, "I8": 8, "I4": 4, "U64": 64, "U32": 32, "U16": 16, "U8": 8, "U4": 4, "BOOL": 8},
}
"""Bits of one element, by the names that safetensors has for the data types."""


class Weights:
    """How many parameters of which type there are, and the bytes that hold them."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self.bytes = 0

    def add(self, dtype: str, shape: list[int], size: int | None = None) -> None:
        """One tensor; `size` bytes where that is known, else what its elements take.

        Raises InvalidInput for a shape that no file could hold."""
        if any(length < 0 for length in shape) or len(shape) > 32 or (count := prod(shape)) > 1 << 62:
            raise InvalidInput(f"A tensor has the shape {shape[:8]}.", "The file is damaged: download it again.")
        self._counts[dtype] += count
        self.bytes += -(-count * BITS.get(dtype, 0) // 8) if size is None else size

    @property
    def parameters(self) -> int:
        return self._counts.total()

    @property
    def dtype(self) -> str | None:
        """The type of most parameters."""
        return max(self._counts, key=self._counts.__getitem__) if self.parameters else None
