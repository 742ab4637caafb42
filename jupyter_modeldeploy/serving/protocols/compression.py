"""Bodies that come compressed."""

from __future__ import annotations

import zlib

from jupyter_modeldeploy.errors import InvalidInput, TooLarge


def decompressed(body: bytes, encoding: bytes | None, limit: int) -> bytes:
    """The body without its Content-Encoding (`gzip` or `deflate`), at most `limit` bytes.

    Raises TooLarge beyond the limit, InvalidInput for another encoding or broken data."""
    if encoding is None or encoding.lower() == b"identity":
        return body
    if encoding.lower() not in (b"gzip", b"deflate"):
        raise InvalidInput(f"Content-Encoding {encoding.decode('latin-1')!r} is not supported.", "Use gzip or deflate.")
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)  # finds out by itself which of the two headers there is
    try:
        content = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise InvalidInput(f"The body cannot be decompressed: {error}.") from None
    if len(content) > limit:
        raise TooLarge(f"The body is larger than {limit} bytes when decompressed.", "Send less at once.")
    if not inflater.eof:
        raise InvalidInput("The compressed body ends too early.")
    return content
