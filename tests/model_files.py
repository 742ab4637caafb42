"""Smallest files of kinds of models whose packages the tests do without, written byte by byte as those packages do."""

from __future__ import annotations

import io
import json
import pickle
import struct
import sys
import types
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

# -- protobuf ---------------------------------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    written = bytearray()
    while True:
        value, byte = value >> 7, value & 0x7F
        written.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(written)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, *parts: bytes | str) -> bytes:
    content = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return varint(field << 3 | 2) + varint(len(content)) + content


# -- GGUF -------------------------------------------------------------------------------------------------------------

GGUF_TYPES = {"F32": (0, 1, 4), "F16": (1, 1, 2), "Q4_K": (12, 256, 144)}
"""Of each type its number, and how many elements a block of how many bytes holds."""


def gguf(
    path: Path,
    metadata: Mapping[str, str | int | Sequence[str]],
    tensors: Mapping[str, tuple[str, list[int]]],
    version: int = 3,
) -> Path:
    """A GGUF file with zeros for data."""
    content = io.BytesIO()
    content.write(b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata)))
    for key, value in metadata.items():
        content.write(_text(key))
        if isinstance(value, str):
            content.write(struct.pack("<I", 8) + _text(value))
        elif isinstance(value, int):
            content.write(struct.pack("<II", 4, value))
        else:
            content.write(struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_text, value)))
    offset = 0
    for name, (kind, shape) in tensors.items():
        type_number, elements, size = GGUF_TYPES[kind]
        content.write(_text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape))
        content.write(struct.pack("<IQ", type_number, offset))
        offset += -(-torch.Size(shape).numel() // elements * size // 32) * 32
    content.write(b"\0" * (-content.tell() % 32) + b"\0" * offset)
    path.write_bytes(content.getvalue())
    return path


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


# -- TensorFlow -------------------------------------------------------------------------------------------------------

TF_FLOAT, TF_STRING, TF_INT64, TF_HALF = 1, 7, 9, 19


def saved_model(folder: Path, variables: Mapping[str, tuple[int, list[int], int]] | None = None) -> Path:
    """FP32[-1, 4] `x` to FP32[-1, 3] `scores`; `variables` are type, shape and bytes by their names."""
    definition = message(1, *_tensor("x", TF_FLOAT, [-1, 4])) + message(2, *_tensor("scores", TF_FLOAT, [-1, 3]))
    serving = message(
        5, message(1, "serving_default"), message(2, definition, message(3, "tensorflow/serving/predict"))
    )
    init = message(5, message(1, "__saved_model_init_op"), message(2, b""))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "saved_model.pb").write_bytes(number(1, 1) + message(2, message(1, "meta"), init, serving))
    if variables is not None:
        (folder / "variables").mkdir()
        (folder / "variables" / "variables.index").write_bytes(table(_entries(variables)))
        (folder / "variables" / "variables.data-00000-of-00001").write_bytes(b"")
    return folder


def _tensor(name: str, dtype: int, shape: list[int]) -> tuple[bytes, bytes]:
    return message(1, name), message(2, message(1, f"serving_{name}:0"), number(2, dtype), message(3, *_dims(shape)))


def _dims(shape: list[int]) -> list[bytes]:
    return [message(2, number(1, size)) for size in shape]


def _entries(variables: Mapping[str, tuple[int, list[int], int]]) -> dict[bytes, bytes]:
    entries = {b"": number(1, 1)}
    for name, (dtype, shape, size) in variables.items():
        entries[name.encode()] = number(1, dtype) + message(2, *_dims(shape)) + number(5, size)
    return entries


def table(entries: Mapping[bytes, bytes]) -> bytes:
    """A table file of one block, its keys sharing their beginnings."""
    block, last = b"", b""
    for key, value in sorted(entries.items()):
        shared = next((i for i, (a, b) in enumerate(zip(last, key, strict=False)) if a != b), min(len(last), len(key)))
        block += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    data = _block(block)
    handle = varint(0) + varint(len(data) - 5)
    index = _block(varint(0) + varint(len(last)) + varint(len(handle)) + last + handle)
    metaindex = _block(b"")
    content = data + metaindex + index
    handles = varint(len(data)) + varint(len(metaindex) - 5)
    handles += varint(len(data) + len(metaindex)) + varint(len(index) - 5)
    return content + handles.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def _block(content: bytes) -> bytes:
    """The content with one restart, the mark of no compression and room for a checksum."""
    return content + struct.pack("<II", 0, 1) + b"\0" + b"\0\0\0\0"


# -- Keras ------------------------------------------------------------------------------------------------------------


def keras_archive(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("metadata.json", json.dumps({"keras_version": "3.12.0"}))
        package.writestr("config.json", json.dumps({"module": "keras", "class_name": "Functional", "config": {}}))
        package.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(64))
    return path


def keras_hdf5(path: Path, weights_only: bool = False) -> Path:
    described = b"layer_names" if weights_only else b'model_config\0{"class_name": "Sequential", "config": {}}'
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(512) + described + bytes(512))
    return path


# -- Paddle -----------------------------------------------------------------------------------------------------------

PADDLE_FP32, DENSE_TENSOR, FEED, FETCH = 5, 7, 9, 10


def paddle(folder: Path, parameters: Mapping[str, list[int]]) -> Path:
    """FP32[-1, 4] `x` to FP32[-1, 3] `y`, with parameters of FP32."""
    variables = [_variable("x", [-1, 4]), _variable("y", [-1, 3])]
    variables += [_variable(name, shape) for name, shape in parameters.items()]
    feed = message(
        4,
        message(1, message(1, "X"), message(2, "feed")),
        message(2, message(1, "Out"), message(2, "x")),
        message(3, "feed"),
    )
    fetch = message(
        4,
        message(1, message(1, "X"), message(2, "y")),
        message(2, message(1, "Out"), message(2, "fetch")),
        message(3, "fetch"),
    )
    folder.mkdir(parents=True, exist_ok=True)
    program = message(1, number(1, 0), number(2, 0), *variables, feed, fetch)
    (folder / "inference.pdmodel").write_bytes(program)
    (folder / "inference.pdiparams").write_bytes(b"".join(map(_parameter, parameters.values())))
    return folder


def _variable(name: str, shape: list[int]) -> bytes:
    tensor = message(1, number(1, PADDLE_FP32), *(number(2, size) for size in shape))
    return message(3, message(1, name), message(2, number(1, DENSE_TENSOR), message(3, tensor)))


def _parameter(shape: list[int]) -> bytes:
    description = number(1, PADDLE_FP32) + b"".join(number(2, size) for size in shape)
    head = struct.pack("<IQIi", 0, 0, 0, len(description))
    return head + description + bytes(4 * torch.Size(shape).numel())


# -- pickles of classes that are not installed ------------------------------------------------------------------------


@contextmanager
def pretended(module: str, *classes: type) -> Iterator[None]:
    """Within this, the classes can be pickled as if they came from `module`."""
    names = [".".join(module.split(".")[: depth + 1]) for depth in range(module.count(".") + 1)]
    made = {name: types.ModuleType(name) for name in names}
    real = {name: sys.modules[name] for name in names if name in sys.modules}
    for one in classes:
        one.__module__, one.__qualname__ = module, one.__name__
        setattr(made[module], one.__name__, one)
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(real)


def yolo(path: Path, kind: str = "DetectionModel", half: bool = True) -> Path:
    """A checkpoint as ultralytics writes it: a dictionary with the whole model pickled."""

    def build(self: torch.nn.Module) -> None:
        torch.nn.Module.__init__(self)
        self.model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
        self.names = {0: "person", 1: "bicycle"}
        self.yaml = {"nc": 2, "yaml_file": "yolo11n.yaml"}

    model_class = type(kind, (torch.nn.Module,), {"__init__": build})
    with pretended("ultralytics.nn.tasks", model_class):
        model = model_class()
        model = model.half() if half else model
        torch.save({"epoch": -1, "model": model, "ema": None, "license": "AGPL-3.0"}, path)
    return path


def scikit_learn(path: Path) -> Path:
    """A pickled estimator of scikit-learn."""
    estimator = type("LogisticRegression", (), {})
    with pretended("sklearn.linear_model._logistic", estimator):
        one = estimator()
        one.coef_ = [[0.5, 1.5]]
        path.write_bytes(pickle.dumps(one))
    return path
