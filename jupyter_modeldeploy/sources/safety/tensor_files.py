"""Files of tensors whose header says what follows: safetensors and GGUF. A header may lie; what it says is held
against the file before anybody sets memory aside for it."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Finding
from jupyter_modeldeploy.sources.safety import templates

GGUF = b"GGUF"
MAX_ENTRIES, MAX_TENSORS, MAX_DIMENSIONS, MAX_DEPTH = 1 << 16, 1 << 20, 8, 4
MAX_TEXT = 16 << 20
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY = 8, 9
AGAIN = "Download it again; if it is the same then, it was made to harm or is broken. Nothing was added."


def look(path: Path, name: str) -> Iterator[Finding]:
    """Findings in a safetensors or GGUF file. Raises InvalidInput for one whose header does not fit the file, which no
    sound program wrote."""
    if path.suffix == ".safetensors":
        _check_safetensors(path, name)
    with path.open("rb") as stream:
        if stream.read(4) == GGUF:
            yield from _gguf(stream, path.stat().st_size, name)


def _check_safetensors(path: Path, name: str) -> None:
    """The library checks the header's length, its JSON, and that the tensors fill the file without overlap."""
    import safetensors

    try:
        with safetensors.safe_open(path, framework="numpy") as tensors:
            tensors.keys()
    except (safetensors.SafetensorError, OSError) as error:
        raise InvalidInput(f"{name} is not a sound safetensors file: {error}.", AGAIN) from error


def _gguf(stream: IO[bytes], size: int, name: str) -> Iterator[Finding]:
    try:
        read = _Reader(stream, size)
        version = read.number("I")
        if version not in (2, 3):
            yield Finding(
                file=name, kind="header", dangerous=False, message=f"is GGUF of the unknown version {version}"
            )
            return
        tensors, entries = read.number("Q"), read.number("Q")
        if tensors > MAX_TENSORS or entries > MAX_ENTRIES:
            raise ValueError(f"it says that it has {tensors} tensors and {entries} entries")
        texts = dict(read.entry() for _ in range(entries))
        alignment = texts.get("general.alignment", 32)
        ends = [read.tensor_begin() for _ in range(tensors)]
        if not isinstance(alignment, int) or alignment < 1 or (ends and read.position + max(ends) > size + alignment):
            raise ValueError(f"its tensors begin behind its end, at {max(ends, default=0)}")
    except (ValueError, struct.error, OverflowError) as error:
        raise InvalidInput(f"{name} is not a sound GGUF file: {error}.", AGAIN) from error
    for key, value in texts.items():
        if key.startswith("tokenizer.chat_template") and isinstance(value, str):
            yield from templates.look(value, name)


class _Reader:
    """Reads GGUF's little-endian parts, each held against what is left of the file."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream, self._size = stream, size

    @property
    def position(self) -> int:
        return self._stream.tell()

    def number(self, form: str) -> Any:
        return struct.unpack(f"<{form}", self._stream.read(struct.calcsize(form)))[0]

    def entry(self) -> tuple[str, Any]:
        key = self._text()
        return key, self._value(self.number("I"), 0)

    def tensor_begin(self) -> int:
        """Where a tensor begins, counted from the end of the header."""
        self._text()
        dimensions = self.number("I")
        if dimensions > MAX_DIMENSIONS:
            raise ValueError(f"a tensor has {dimensions} dimensions")
        elements = math.prod(self.number("Q") for _ in range(dimensions))
        if elements > self._size * 32:  # the smallest type has about two bits an element
            raise ValueError(f"a tensor has {elements} elements, more than the file can hold")
        self.number("I")
        return int(self.number("Q"))

    def _text(self) -> str:
        length = self.number("Q")
        if length > min(MAX_TEXT, self._size - self.position):
            raise ValueError(f"a text is {length} bytes long")
        return self._stream.read(length).decode("utf-8", "replace")

    def _value(self, kind: int, depth: int) -> Any:
        if kind == TEXT:
            return self._text()
        if kind != ARRAY:
            if kind not in NUMBERS:
                raise ValueError(f"a value has the unknown type {kind}")
            return self.number(NUMBERS[kind])
        inner, length = self.number("I"), self.number("Q")
        if depth > MAX_DEPTH or length > self._size - self.position:
            raise ValueError(f"an array has {length} values")
        if inner in NUMBERS:
            self._stream.seek(length * struct.calcsize(NUMBERS[inner]), 1)
            if self.position > self._size:
                raise ValueError(f"an array has {length} values")
            return None
        for _ in range(length):
            self._value(inner, depth + 1)
        return None
