"""Fields of a protobuf message by their numbers, for the few that are asked for, without the message's own classes.

See https://protobuf.dev/programming-guides/encoding/."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from jupyter_modeldeploy.errors import InvalidInput

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_VARINT_BYTES = 10
Field: TypeAlias = int | memoryview


def fields(message: memoryview) -> Iterator[tuple[int, Field]]:
    """Number and value of each field in turn; numbers as they are written, texts and messages as bytes.

    Raises InvalidInput for what is no protobuf message."""
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        kind = tag & 7
        if kind == VARINT:
            value, at = varint(message, at)
            yield tag >> 3, value
            continue
        if kind == BYTES:
            size, at = varint(message, at)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
        else:
            raise _damaged()
        if size > len(message) - at:
            raise _damaged()
        yield tag >> 3, message[at : at + size]
        at += size


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of one to ten bytes, and where the next byte is."""
    value = 0
    for index, byte in enumerate(message[at : at + MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    raise _damaged()


def messages(message: memoryview, number: int) -> Iterator[memoryview]:
    """The messages, or texts, in the field `number`."""
    for found, value in fields(message):
        if found == number and isinstance(value, memoryview):
            yield value


def numbers(message: memoryview, number: int) -> Iterator[int]:
    """The signed whole numbers in the field `number`, packed or one by one."""
    for found, value in fields(message):
        if found != number:
            continue
        if isinstance(value, int):
            yield _signed(value)
            continue
        at = 0
        while at < len(value):
            one, at = varint(value, at)
            yield _signed(one)


def text(message: memoryview, number: int) -> str:
    """The last text in the field `number`; empty where there is none."""
    return next((bytes(value).decode("utf-8", "replace") for value in reversed(list(messages(message, number)))), "")


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def _damaged() -> InvalidInput:
    return InvalidInput("The file is cut off, or no protobuf.", "Download it again.")
