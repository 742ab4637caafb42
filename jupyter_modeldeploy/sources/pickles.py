"""Look through pickles for what they would run, without running them."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jupyter_modeldeploy.errors import UnsafeContent

if TYPE_CHECKING:
    from picklescan.scanner import Global, ScanResult

SUFFIXES = frozenset(
    (
        ".bin",
        ".pt",
        ".pt2",
        ".pth",
        ".ckpt",
        ".pkl",
        ".pickle",
        ".joblib",
        ".dill",
        ".dat",
        ".data",
        ".npy",
        ".npz",
        ".h5",
    )
)
NESTED_SUFFIXES = frozenset((".pt", ".pth", ".bin", ".ckpt", ".npz", ".npy", ".zip"))
ZIP_MAGIC, PICKLE_MAGIC = b"PK\x03\x04", b"\x80"
MAX_NESTED_BYTES = 512 << 20
TORCH_DATA = re.compile(r"^(\w+Storage|Size|device|dtype|bool|u?int\d+|b?float\d+\w*|complex\d+)$")
HINT = "Ask for the weights as safetensors or ONNX. Nothing was added."


def check(folder: Path, trust: bool = False) -> None:
    """Scan every file below `folder` that could be a pickle, with picklescan.

    Raises UnsafeContent, naming the file and the global, for what is known to be dangerous or cannot be scanned; for
    what is merely unknown (classes of the model's own) unless `trust` is given."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and _may_be_pickle(path):
            _check_file(path, path.relative_to(folder).as_posix(), trust)


def is_zip(path: Path) -> bool:
    return _magic(path) == ZIP_MAGIC


def is_pickle(path: Path) -> bool:
    """A pickle of protocol 2 or later, by its first byte."""
    return _magic(path)[:1] == PICKLE_MAGIC


def _check_file(path: Path, name: str, trust: bool) -> None:
    from picklescan.scanner import scan_file_path

    _judge(scan_file_path(str(path)), name, trust)
    if is_zip(path):
        _check_nested(path, name, trust)


def _check_nested(path: Path, name: str, trust: bool) -> None:
    """Archives in the archive: torch.export keeps its sample inputs in one."""
    from picklescan.scanner import scan_bytes

    try:
        with zipfile.ZipFile(path) as package:
            for info in package.infolist():
                suffix = PurePosixPath(info.filename).suffix
                if suffix not in NESTED_SUFFIXES:
                    continue
                if info.file_size > MAX_NESTED_BYTES:
                    raise UnsafeContent(
                        f"{name} holds {info.filename} of {info.file_size} bytes, too big to scan.", HINT
                    )
                nested = f"{name}/{info.filename}"
                _judge(scan_bytes(io.BytesIO(package.read(info)), nested, suffix), nested, trust)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise UnsafeContent(f"{name} cannot be scanned: {error}.", HINT) from error


def _judge(result: ScanResult, name: str, trust: bool) -> None:
    from picklescan.scanner import SafetyLevel

    for one in result.globals:
        if one.safety == SafetyLevel.Dangerous:
            raise UnsafeContent(f"{name} would run {one.module}.{one.name} when loaded.", HINT)
    if result.scan_err:
        raise UnsafeContent(f"{name} is a pickle that cannot be scanned.", HINT)
    for one in result.globals:
        if one.safety == SafetyLevel.Suspicious and not trust and not _is_tensor_data(one):
            message = f"{name} would call {one.module}.{one.name} when loaded."
            raise UnsafeContent(message, f"{HINT} Or say that you trust it.")


def _is_tensor_data(one: Global) -> bool:
    """What tensors and TorchScript archives are made of, beyond picklescan's own list."""
    return (
        (one.module == "torch._utils" and one.name.startswith("_rebuild"))
        or (one.module == "torch.storage" and one.name in ("UntypedStorage", "TypedStorage"))
        or (one.module == "torch" and TORCH_DATA.match(one.name) is not None)
        or (one.module == "torch.jit._pickle" and one.name.startswith(("build_", "restore_type_tag")))
        or one.module.startswith("__torch__")
        or (one.module in ("builtins", "__builtin__") and one.name in ("set", "frozenset", "dict", "list", "slice"))
    )


def _may_be_pickle(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES or is_pickle(path) or is_zip(path)


def _magic(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)
