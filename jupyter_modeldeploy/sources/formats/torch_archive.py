"""What PyTorch saves: checkpoints, TorchScript and exported programs as zip archives, and the older bare pickles."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.sources.formats import pickle_contents
from jupyter_modeldeploy.sources.formats.bounded import ZIP_MAGIC, beginning, member, opened_zip, parsed, starts_with
from jupyter_modeldeploy.sources.formats.pickle_contents import Global, Made, Persistent, Program
from jupyter_modeldeploy.sources.formats.weights import BITS, Weights

MAX_PICKLE_BYTES = 64 << 20
PICKLE_MAGIC = b"\x80"
LEGACY_PICKLES = 4  # magic number, protocol, the machine, the object; then the tensors' data
STORAGES = {
    **{"DoubleStorage": "F64", "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16"},
    **{"LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8"},
    **{"BoolStorage": "BOOL", "QInt8Storage": "I8", "QUInt8Storage": "U8", "UntypedStorage": "U8"},
    **{"ComplexFloatStorage": "C64", "ComplexDoubleStorage": "C128"},
}
EXPORTED_TYPES = {1: "U8", 2: "I8", 3: "I16", 4: "I32", 5: "I64", 6: "F16", 7: "F32", 8: "F64", 12: "BOOL", 13: "BF16"}
"""torch's own numbers of its types, as torch.export writes them (`torch._export.serde.schema.ScalarType`)."""
STATE = ("state_dict", "model_state_dict", "ema", "model")


def format_of(path: Path) -> Format | None:
    """Which of PyTorch's formats a file has; None where it has none of them. Raises InvalidInput for a broken zip."""
    if not starts_with(path, ZIP_MAGIC):
        return Format.torch if starts_with(path, PICKLE_MAGIC) else None
    with opened_zip(path) as package:
        inside = {name.partition("/")[2] for name in package.namelist()}
    if "models/model.json" in inside or "serialized_exported_program.json" in inside:
        return Format.exported
    if "constants.pkl" in inside and any(name.startswith("code/") for name in inside):
        return Format.torchscript
    return Format.torch if "data.pkl" in inside else None


def program(path: Path) -> Program:
    """What the pickle of a checkpoint would build, followed without building it."""
    if starts_with(path, ZIP_MAGIC):
        with opened_zip(path) as package:
            return _program_in(package)
    stream = io.BytesIO(beginning(path, MAX_PICKLE_BYTES))
    first = pickle_contents.read(stream)
    if not isinstance(first.value, int):  # the magic number that torch's older files begin with
        return first
    return [pickle_contents.read(stream) for _ in range(LEGACY_PICKLES - 1)][-1]


def _program_in(package: zipfile.ZipFile) -> Program:
    name = next((name for name in package.namelist() if name.endswith("data.pkl")), None)
    return pickle_contents.read(io.BytesIO(b"" if name is None else member(package, name, MAX_PICKLE_BYTES)))


def count(paths: Iterable[Path]) -> Weights | None:
    """The tensors of all these files together; None where a file does not tell.

    Of a pickled module those that are its parameters, of a dictionary that is a training checkpoint those of its
    model; the sizes are those of the data in the archive."""
    weights = Weights()
    for path in paths:
        kind = format_of(path)
        if kind is None:
            continue
        if not starts_with(path, ZIP_MAGIC):
            _add_stored(_storages(program(path)), None, weights)
            continue
        with opened_zip(path) as package:
            if kind is Format.exported:
                _count_exported(package, weights)
            else:
                _count_stored(package, weights)
    return weights if weights.parameters else None


def model_in(value: object) -> object:
    """The model of a training checkpoint, which is a dictionary of it and of more; else the value itself."""
    content = value if isinstance(value, dict) else {}
    return next((content[key] for key in STATE if isinstance(content.get(key), (dict, Made))), value)


def _count_stored(package: zipfile.ZipFile, weights: Weights) -> None:
    _add_stored(_storages(_program_in(package)), _data_sizes(package), weights)


def _data_sizes(package: zipfile.ZipFile) -> dict[str, int]:
    """The bytes of each storage by its key; the data of the constants of TorchScript lie elsewhere."""
    placed = [(info.filename.rpartition("/data/"), info.file_size) for info in package.infolist()]
    return {key: size for (_, separator, key), size in placed if separator and "/" not in key}


def _storages(pickled: Program) -> list[Persistent]:
    """Where the model's tensors lie: those of its parameters, where the pickle tells them from other tensors."""
    found = list(pickle_contents.parts(model_in(pickled.value)))
    parameters = [one.arguments for one in found if isinstance(one, Made) and _is_parameter(one.by)]
    within = pickle_contents.parts(parameters) if parameters else found
    return [one for one in within if isinstance(one, Persistent)]


def _add_stored(storages: Iterable[Persistent], sizes: dict[str, int] | None, weights: Weights) -> None:
    """Each storage once; by its true size where the archive tells it, since the pickle may claim anything."""
    seen: set[str] = set()
    for storage in storages:
        match storage.id:
            case ("storage", Global(name=kind), str(key), _, int(numel), *_) if key not in seen:
                seen.add(key)
                dtype = STORAGES.get(kind, "U8")
                size = numel * BITS[dtype] // 8 if sizes is None else sizes.get(key, 0)
                weights.add(dtype, [size * 8 // BITS[dtype]], size)


def _is_parameter(by: object) -> bool:
    return isinstance(by, Global) and by.name.startswith("_rebuild_parameter")


def _count_exported(package: zipfile.ZipFile, weights: Weights) -> None:
    """torch.export lists its tensors in a file of their own; it used to keep a checkpoint within the archive."""
    for info in package.infolist():
        name = PurePosixPath(info.filename).name
        if name.endswith("weights_config.json"):
            _count_listed(parsed(member(package, info.filename), name), weights)
        elif name == "serialized_state_dict.pt" and info.compress_type == zipfile.ZIP_STORED:
            with package.open(info) as within, zipfile.ZipFile(within) as nested:
                _count_stored(nested, weights)


def _count_listed(listed: Any, weights: Weights) -> None:
    tensors = listed.get("config") if isinstance(listed, dict) else None
    for tensor in (tensors if isinstance(tensors, dict) else {}).values():
        meta = tensor.get("tensor_meta") if isinstance(tensor, dict) else None
        if not isinstance(meta, dict) or not tensor.get("is_param", True):
            continue
        shape = [size.get("as_int") if isinstance(size, dict) else None for size in meta.get("sizes", [])]
        lengths = [length for length in shape if isinstance(length, int)]
        if len(lengths) == len(shape):
            weights.add(EXPORTED_TYPES.get(int(meta.get("dtype") or 0), "U8"), lengths)
