"""TorchScript archives, read so that what they hold can compute and do nothing else.

`torch.jit.load` runs no Python: its unpickler knows tensors and the archive's own classes only. But TorchScript itself
has operators that write and read files, and may call them while the archive is loaded."""

from __future__ import annotations

import io
import math
import pickle
import re
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any, cast

import torch

from jupyter_modeldeploy.errors import InvalidInput, UnsafeContent

NAMESPACES = frozenset(("aten", "prim", "prims", "quantized", "_quantized", "sparse", "mkldnn_prepacked", "prepacked"))
USED_NAMESPACE = re.compile(r"\bops\s*\.\s*(\w+)")
FILE_OPERATOR = re.compile(r"\b(?:torch|ops\s*\.\s*\w+)\s*\.\s*(save|load|from_file|rpc_\w+)\b|\b(rpc_\w+)\s*\(")
STORAGES = {
    "Float": torch.float32,
    "Double": torch.float64,
    "Half": torch.float16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
}
MAX_DIMENSIONS, MAX_ELEMENTS = 32, 2**28
TRACED_INPUTS = "traced_inputs.pkl"
HINT = "Ask for the weights as safetensors or ONNX."


def load(path: Path, device: torch.device) -> torch.jit.ScriptModule:
    """The module, in evaluation mode. Raises UnsafeContent for one that reaches for files or the network, InvalidInput
    for a broken one."""
    vet(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the format, which is served as long as torch can
            module: torch.jit.ScriptModule = torch.jit.load(str(path), device)  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise InvalidInput(
            f"{path.name} is no TorchScript that can be loaded: {str(error)[:300]}",
            f"Save it again with torch.jit.save; torch is {torch.__version__} here.",
        ) from error
    return module.eval()


def traced_inputs(path: Path) -> list[torch.Tensor] | None:
    """Zeros of the datatypes and shapes that `forward` was traced with, which `torch.jit.trace` leaves in the archive;
    None without any, or where an input is no tensor."""
    reader = _reader(path)
    if TRACED_INPUTS not in reader.get_all_records():
        return None
    try:
        found = _TracedShapes(io.BytesIO(reader.get_record(TRACED_INPUTS))).load()["forward"]
    except (pickle.UnpicklingError, KeyError, TypeError, ValueError, IndexError, EOFError):
        return None
    return list(found) if all(isinstance(one, torch.Tensor) for one in found) else None


class _TracedShapes(pickle.Unpickler):
    """Reads a pickle in which a tensor has a storage's type, a size and no values; it can call nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("torch.jit._pickle", "restore_type_tag"): lambda value, type_: value,
            ("torch._utils", "_rebuild_tensor_v2"): _zeros,
            ("collections", "OrderedDict"): OrderedDict,
        }
        if module == "torch" and name.endswith("Storage") and name.removesuffix("Storage") in STORAGES:
            return STORAGES[name.removesuffix("Storage")]
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a tensor")
        return known[module, name]

    def persistent_load(self, identifier: Any) -> torch.dtype:
        return cast(torch.dtype, identifier[1])


def _zeros(dtype: torch.dtype, offset: int, size: tuple[int, ...], *rest: object) -> torch.Tensor:
    if len(size) > MAX_DIMENSIONS or math.prod(size) > MAX_ELEMENTS:
        raise ValueError(f"a traced input of the size {size}")
    return torch.zeros(size, dtype=dtype)


def vet(path: Path) -> None:
    """Raise what `load` raises for an archive whose code reaches for files or the network, without loading it."""
    reader = _reader(path)
    for name in reader.get_all_records():
        if not name.startswith("code/") or not name.endswith(".py"):
            continue
        code = reader.get_record(name).decode("utf-8", "replace")
        for namespace in USED_NAMESPACE.findall(code):
            if namespace not in NAMESPACES:
                raise UnsafeContent(f"{path.name} calls operators of {namespace!r}, unknown here.", HINT)
        if (used := FILE_OPERATOR.search(code)) is not None:
            raise UnsafeContent(f"{path.name} reaches for files or the network: {used[0]} in {name}.", HINT)


def _reader(path: Path) -> torch._C.PyTorchFileReader:
    """torch's own reader, so that what is checked is what it loads."""
    try:
        return torch._C.PyTorchFileReader(str(path))
    except RuntimeError as error:
        raise InvalidInput(f"{path.name} is no archive of torch: {str(error)[:200]}", "Save it again.") from error
