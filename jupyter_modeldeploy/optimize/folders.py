"""The folder that a step writes: whole, or not there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_modeldeploy.errors import Conflict, from_os_error

WEIGHTS = (
    *(".safetensors", ".onnx", ".onnx.data", ".data", ".bin", ".msgpack", ".h5", ".ot"),
    *(".xml", ".pt", ".pth", ".pt2", ".ts", ".torchscript"),
)
WEIGHT_INDEX = ".index.json"
PROTOBUF_LIMIT = 2**31 - 2**24
"""One protobuf file, and so one ONNX file, holds less than 2 GiB; the graph takes some of it."""


@contextmanager
def building(out: Path) -> Iterator[Path]:
    """A folder to write into; it becomes `out` at the end, and vanishes when the work fails.

    Raises Conflict when `out` holds files already, StorageFull when the disk is full."""
    if out.exists() and any(out.iterdir()):
        raise Conflict(f"{out} is not empty.", "Choose another folder.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            yield partial
            partial.replace(out)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise from_os_error(error, f"writing {out}") from error


def copy_side_files(folder: Path, out: Path) -> None:
    """Copy what lies beside the weights: the configuration, the tokenizer, the licence. Links are left out."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.is_symlink() and not path.name.endswith((*WEIGHTS, WEIGHT_INDEX)):
            shutil.copyfile(path, out / path.name)
