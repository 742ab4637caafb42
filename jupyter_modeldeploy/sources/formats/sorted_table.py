"""Entries of a table file as LevelDB and TensorFlow's checkpoint indexes have it, uncompressed.

See https://github.com/google/leveldb/blob/main/doc/table_format.md."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.sources.formats.protobuf_wire import varint

FOOTER_BYTES, MAGIC = 48, 0xDB4775248B80FB57
MAX_KEY_BYTES = 1 << 16
UNCOMPRESSED = 0


def entries(content: bytes, name: str) -> Iterator[tuple[bytes, memoryview]]:
    """Key and value of each entry. Raises InvalidInput for what is no such table, or a compressed one."""
    whole = memoryview(content)
    if len(content) < FOOTER_BYTES or struct.unpack("<Q", content[-8:])[0] != MAGIC:
        raise InvalidInput(f"{name} is no index of variables.", "Download it again.")
    footer = whole[-FOOTER_BYTES:]
    _, _, at = _handle(footer, 0)
    offset, size, _ = _handle(footer, at)
    read = 0
    for _, handle in _block(whole, offset, size, name):
        offset, size, _ = _handle(handle, 0)
        read += size
        if read > len(content):  # blocks that are listed again and again
            raise InvalidInput(f"{name} lists more than it holds.", "Download it again.")
        yield from _block(whole, offset, size, name)


def _handle(message: memoryview, at: int) -> tuple[int, int, int]:
    offset, at = varint(message, at)
    size, at = varint(message, at)
    return offset, size, at


def _block(whole: memoryview, offset: int, size: int, name: str) -> Iterator[tuple[bytes, memoryview]]:
    block = whole[offset : offset + size]
    if len(block) != size or size < 4 or offset + size >= len(whole) or whole[offset + size] != UNCOMPRESSED:
        raise InvalidInput(f"{name} is cut off or compressed.", "Download it again.")
    restarts = struct.unpack("<I", block[-4:])[0]
    end, at, key = size - 4 * (restarts + 1), 0, b""
    while at < end:
        shared, at = varint(block, at)
        more, at = varint(block, at)
        length, at = varint(block, at)
        if shared > len(key) or shared + more > MAX_KEY_BYTES or at + more + length > end:
            raise InvalidInput(f"{name} is damaged.", "Download it again.")
        key = key[:shared] + bytes(block[at : at + more])
        yield key, block[at + more : at + more + length]
        at += more + length
