"""Headers of GGUF files (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md)."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.sources.formats.bounded import AGAIN, starts_with
from jupyter_modeldeploy.sources.formats.recognised import Recognised
from jupyter_modeldeploy.sources.formats.weights import Weights

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MAX_TENSORS, MAX_KEYS, MAX_ELEMENTS, MAX_DIMENSIONS = 1_000_000, 100_000, 16_000_000, 4
MAX_TEXT_BYTES, MAX_NESTED_ARRAYS = 4 << 20, 2
KEPT_TEXT_BYTES, DEFAULT_ALIGNMENT = 1024, 32
STRING, ARRAY = 8, 9
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TYPES = dict(
    enumerate(
        (
            *("F32", "F16", "Q4_0", "Q4_1", "Q4_2", "Q4_3", "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K", "Q3_K", "Q4_K"),
            *("Q5_K", "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS"),
            *("I8", "I16", "I32", "I64", "F64", "IQ1_M", "BF16"),
        )
    )
) | {34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4"}
TEXT_TASK, ENCODER_TASK = "text-generation", "feature-extraction"
ENCODERS = ("bert", "nomic-bert", "jina-bert-v2", "t5encoder")
PART = re.compile(r"-\d{5}-of-\d{5}$")
NOTE = "A GGUF file, made for llama.cpp: serve it with llama.cpp's own server, or fetch the same model as safetensors."


@dataclass
class Header:
    """`metadata` holds what is general of it by its keys, texts cut short; `data` is where the tensors begin."""

    metadata: dict[str, str | float] = field(default_factory=dict)
    tensors: list[tuple[str, list[int]]] = field(default_factory=list)
    data: int = 0


def recognise(files: Sequence[Path]) -> Recognised | None:
    """The first GGUF file among `files`. Raises InvalidInput where its header is damaged."""
    primary = next((path for path in files if path.suffix == ".gguf" or starts_with(path, MAGIC)), None)
    if primary is None:
        return None
    named = read_header(primary).metadata.get("general.architecture")
    architecture = named if isinstance(named, str) else None
    task = ENCODER_TASK if architecture in ENCODERS else TEXT_TASK
    return Recognised(Format.gguf, task, None, None, primary, NOTE, framework="gguf", architecture=architecture)


def licence(path: Path) -> str | None:
    """What the header says of the licence."""
    named = read_header(path).metadata.get("general.license")
    return named if isinstance(named, str) and named else None


def weights(recognised: Recognised) -> Weights:
    """The tensors of the file, and of the other parts of the same model where it was split."""
    found = Weights()
    for path in _model_parts(recognised.primary):
        header = read_header(path)
        for dtype, shape in header.tensors:
            found.add(dtype, shape, 0)
        found.bytes += max(path.stat().st_size - header.data, 0)
    return found


def read_header(path: Path) -> Header:
    """What a GGUF file says of itself. Raises InvalidInput for anything else and for sizes that none has."""
    with path.open("rb") as file:
        try:
            return _Reader(file, path.name, path.stat().st_size).header()
        except struct.error as error:
            raise InvalidInput(f"{path.name} is cut off in its header.", AGAIN) from error


def _model_parts(primary: Path) -> list[Path]:
    name = PART.sub("", primary.stem)
    if name == primary.stem:
        return [primary]
    return sorted(path for path in primary.parent.glob("*.gguf") if PART.sub("", path.stem) == name)


class _Reader:
    def __init__(self, file: BinaryIO, name: str, size: int) -> None:
        self._file, self._name, self._size = file, name, size
        self._elements = 0

    def header(self) -> Header:
        if self._file.read(4) != MAGIC:
            raise InvalidInput(f"{self._name} is no GGUF file.", AGAIN)
        version = self._number("I")
        if version not in VERSIONS:
            known = " and ".join(map(str, VERSIONS))
            raise InvalidInput(f"{self._name} is GGUF of version {version}.", f"The versions {known} are read.")
        tensors = self._bounded(int(self._number("Q")), MAX_TENSORS, "tensors")
        keys = self._bounded(int(self._number("Q")), MAX_KEYS, "keys")
        header = Header()
        for _ in range(keys):
            key = self._text()
            value = self._value(int(self._number("I")))
            if value is not None and key.startswith("general."):
                header.metadata[key] = value
        for _ in range(tensors):
            header.tensors.append(self._tensor())
        named = header.metadata.get("general.alignment")
        alignment = named if isinstance(named, int) and named > 0 else DEFAULT_ALIGNMENT
        header.data = -(-self._file.tell() // alignment) * alignment
        return header

    def _tensor(self) -> tuple[str, list[int]]:
        self._text()
        dimensions = self._bounded(int(self._number("I")), MAX_DIMENSIONS, "dimensions")
        shape = [int(self._number("Q")) for _ in range(dimensions)]
        kind = int(self._number("I"))
        self._number("Q")
        return TYPES.get(kind, f"type {kind}"), shape

    def _value(self, kind: int, depth: int = 0) -> str | float | None:
        if kind == STRING:
            return self._text()
        if kind == ARRAY:
            self._skip_array(depth)
            return None
        if kind not in NUMBERS:
            raise InvalidInput(f"{self._name} has a value of the unknown type {kind}.", AGAIN)
        return self._number(NUMBERS[kind])

    def _skip_array(self, depth: int) -> None:
        if depth >= MAX_NESTED_ARRAYS:
            raise InvalidInput(f"{self._name} nests its values too deeply.", AGAIN)
        kind, length = int(self._number("I")), int(self._number("Q"))
        self._elements += length
        self._bounded(self._elements, MAX_ELEMENTS, "elements in its lists")
        if kind in NUMBERS:
            self._skip(length * struct.calcsize(f"<{NUMBERS[kind]}"))
            return
        skip: Callable[[], object] = self._skip_text if kind == STRING else lambda: self._value(kind, depth + 1)
        for _ in range(length):
            skip()

    def _text(self) -> str:
        size = self._bounded(int(self._number("Q")), MAX_TEXT_BYTES, "bytes of text")
        kept = self._file.read(min(size, KEPT_TEXT_BYTES))
        self._skip(size - len(kept))
        return kept.decode("utf-8", "replace")

    def _skip_text(self) -> None:
        self._skip(self._bounded(int(self._number("Q")), MAX_TEXT_BYTES, "bytes of text"))

    def _number(self, form: str) -> float:
        form = f"<{form}"
        value: float = struct.unpack(form, self._file.read(struct.calcsize(form)))[0]
        return value

    def _skip(self, size: int) -> None:
        if self._file.tell() + size > self._size:
            raise InvalidInput(f"{self._name} is cut off in its header.", AGAIN)
        self._file.seek(size, 1)

    def _bounded(self, count: int, most: int, what: str) -> int:
        if count > most:
            raise InvalidInput(f"{self._name} claims {count} {what}.", "It is damaged: download it again.")
        return count
