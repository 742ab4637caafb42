"""Headers of safetensors files."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.sources.formats.bounded import AGAIN, parsed
from jupyter_modeldeploy.sources.formats.weights import Weights

MAX_HEADER_BYTES = 100_000_000  # the limit of the format's own library


def count(paths: Iterable[Path]) -> Weights:
    """The tensors of all these files together. Raises InvalidInput for a header that is none."""
    weights = Weights()
    for path in paths:
        for name, tensor in _header(path).items():
            if name == "__metadata__":
                continue
            try:
                begin, end = tensor["data_offsets"]
                weights.add(str(tensor["dtype"]), [int(length) for length in tensor["shape"]], int(end) - int(begin))
            except (KeyError, TypeError, ValueError) as error:
                raise InvalidInput(f"{path.name} describes {name[:80]!r} wrongly.", AGAIN) from error
    return weights


def _header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        length = file.read(8)
        size = struct.unpack("<Q", length)[0] if len(length) == 8 else 0
        if not 2 <= size <= min(MAX_HEADER_BYTES, path.stat().st_size - 8):
            raise InvalidInput(f"{path.name} has a header of {size} bytes.", AGAIN)
        header = parsed(file.read(size), path.name)
    if not isinstance(header, dict):
        raise InvalidInput(f"{path.name} has no header.", AGAIN)
    return header
