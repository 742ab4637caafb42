"""Protobuf's own encoding of what makes up most of a message here: fields that hold bytes or another message.

Concatenated messages are one message that has the fields of all, which is how an answer is put together below."""

from __future__ import annotations

from typing import Any


def tag(message: Any, field: str) -> bytes:
    """What stands before the length of such a field, in messages of that class."""
    return varint(message.DESCRIPTOR.fields_by_name[field].number << 3 | 2)


def varint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
