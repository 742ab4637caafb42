"""Paddle's inference models: the program in .pdmodel (protobuf) or in JSON, the parameters in .pdiparams.

The messages are those of paddle/fluid/framework/framework.proto; the parameters lie one behind another as
`phi::SerializeToStream` writes them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Format, Signature, TensorSpec
from jupyter_modeldeploy.sources.formats.bounded import AGAIN, beginning
from jupyter_modeldeploy.sources.formats.protobuf_wire import messages, numbers, text
from jupyter_modeldeploy.sources.formats.recognised import PLAIN_TASK, Recognised
from jupyter_modeldeploy.sources.formats.weights import Weights

PROGRAM, PARAMETERS, JSON_PROGRAM = ".pdmodel", ".pdiparams", ".json"
PIR_MAGIC = b'"magic":"pir"'
MAX_PROGRAM_BYTES = 256 << 20
MAX_DESCRIPTION_BYTES = 1 << 16
MAX_LEVELS = 16
TYPES = {0: "BOOL", 1: "I16", 2: "I32", 3: "I64", 4: "F16", 5: "F32", 6: "F64", 20: "U8", 21: "I8", 22: "BF16"}
OIP_TYPES = {
    **{0: "BOOL", 1: "INT16", 2: "INT32", 3: "INT64", 4: "FP16", 5: "FP32", 6: "FP64", 20: "UINT8", 21: "INT8"},
    **{22: "BF16"},
}
"""The numbers of `VarType.Type`."""
NOTE = (
    "A Paddle inference model. Convert it with paddle2onnx (paddle2onnx --model_dir . --model_filename {program} "
    "--params_filename {parameters} --save_file model.onnx) and fetch the ONNX file."
)


def recognise(files: Sequence[Path]) -> Recognised | None:
    """The first Paddle program among the files. Raises InvalidInput where it is damaged."""
    program = next((path for path in files if path.suffix == PROGRAM or _is_json_program(path)), None)
    if program is None:
        return None
    parameters = program.with_suffix(PARAMETERS)
    note = NOTE.format(program=program.name, parameters=parameters.name)
    signature = _signature(program) if program.suffix == PROGRAM else None
    return Recognised(Format.paddle, PLAIN_TASK, signature, None, program, note, framework="paddle")


def weights(recognised: Recognised) -> Weights | None:
    """The tensors in the file of parameters; None where there is none."""
    path = recognised.primary.with_suffix(PARAMETERS)
    if not path.is_file():
        return None
    found = Weights()
    left = path.stat().st_size
    with path.open("rb") as file:
        while file.tell() < left:
            _skip_tensor(file, left, found, path.name)
    return found if found.parameters else None


def _skip_tensor(file: BinaryIO, end: int, found: Weights, name: str) -> None:
    """Version, levels of detail, version again, the size of a description, the description, the data."""
    _, levels = struct.unpack("<IQ", _exactly(file, 12, name))
    if levels > MAX_LEVELS:
        raise InvalidInput(f"{name} has a tensor of {levels} levels.", AGAIN)
    for _ in range(levels):
        _skip(file, struct.unpack("<Q", _exactly(file, 8, name))[0], end, name)
    _, size = struct.unpack("<Ii", _exactly(file, 8, name))
    if not 0 <= size <= MAX_DESCRIPTION_BYTES:
        raise InvalidInput(f"{name} describes a tensor in {size} bytes.", AGAIN)
    description = memoryview(_exactly(file, size, name))
    dtype = TYPES.get(next(numbers(description, 1), -1))
    if dtype is None:
        raise InvalidInput(f"{name} has a tensor of an unknown type.", AGAIN)
    shape = list(numbers(description, 2))
    before = found.bytes
    found.add(dtype, shape)
    _skip(file, found.bytes - before, end, name)


def _exactly(file: BinaryIO, size: int, name: str) -> bytes:
    content = file.read(size)
    if len(content) != size:
        raise InvalidInput(f"{name} is cut off.", AGAIN)
    return content


def _skip(file: BinaryIO, size: int, end: int, name: str) -> None:
    if file.tell() + size > end:
        raise InvalidInput(f"{name} is cut off.", AGAIN)
    file.seek(size, 1)


def _is_json_program(path: Path) -> bool:
    return path.suffix == JSON_PROGRAM and PIR_MAGIC in beginning(path, 4096).replace(b" ", b"").replace(b"\n", b"")


def _signature(program: Path) -> Signature | None:
    """The variables that the first block is fed with and those that are fetched from it."""
    if (size := program.stat().st_size) > MAX_PROGRAM_BYTES:
        raise InvalidInput(f"{program.name} is {size} bytes, too big for a program.", "Check the file.")
    block = next(messages(memoryview(program.read_bytes()), 1), None)
    if block is None:
        raise InvalidInput(f"{program.name} holds no program.", AGAIN)
    specs = {text(variable, 1): _spec(variable) for variable in messages(block, 3)}
    inputs = [specs.get(name) for name in _arguments(block, "feed", 2)]
    outputs = [specs.get(name) for name in _arguments(block, "fetch", 1)]
    known_inputs, known_outputs = [one for one in inputs if one], [one for one in outputs if one]
    if not outputs or len(known_inputs) < len(inputs) or len(known_outputs) < len(outputs):
        return None
    return Signature(known_inputs, known_outputs)


def _arguments(block: memoryview, kind: str, number: int) -> Iterator[str]:
    for operator in messages(block, 4):
        if text(operator, 3) == kind:
            for variable in messages(operator, number):
                yield from (bytes(name).decode("utf-8", "replace") for name in messages(variable, 2))


def _spec(variable: memoryview) -> TensorSpec | None:
    for kind in messages(variable, 2):
        for dense in messages(kind, 3):
            for tensor in messages(dense, 1):
                dtype = OIP_TYPES.get(next(numbers(tensor, 1), -1))
                shape = [max(length, -1) for length in numbers(tensor, 2)]
                return TensorSpec(text(variable, 1), dtype, shape) if dtype else None
    return None
