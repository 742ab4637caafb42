"""NumPy arrays in files: an array of objects is a pickle behind a header, and a header may lie."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import IO

from jupyter_modeldeploy.records import Finding
from jupyter_modeldeploy.sources.safety import pickles

HEAD = 16


def look(stream: IO[bytes], name: str) -> Iterator[Finding]:
    """Findings in an `.npy` stream that stands at its beginning."""
    from numpy.lib import format as npy

    try:
        version = npy.read_magic(stream)
        if version not in ((1, 0), (2, 0), (3, 0)):
            raise ValueError(f"format {version}")
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
    except Exception as error:  # noqa: BLE001  # a header is evaluated as a literal, which fails in many ways
        message = f"has a header that is none of an array: {str(error)[:200]}"
        yield Finding(file=name, kind="header", dangerous=False, message=message)
        return
    if dtype.hasobject:
        start = stream.read(HEAD)
        stream.seek(-len(start), io.SEEK_CUR)
        yield from pickles.look(stream, name, True, start)
    elif (size := math.prod(shape) * dtype.itemsize) > (held := _rest(stream)):
        message = f"says that it holds {size} bytes of numbers and has {held}"
        yield Finding(file=name, kind="header", dangerous=False, message=message)


def _rest(stream: IO[bytes]) -> int:
    here = stream.tell()
    return stream.seek(0, io.SEEK_END) - here
