"""Bodies that come compressed, and answers that go so."""

from __future__ import annotations

import zlib

from jupyter_modeldeploy.errors import InvalidInput, TooLarge

COMPRESSED_FROM = 32 * 1024  # bytes: below, compressing costs more than it saves on any network
_LEVEL = 1
_WINDOWS = {b"gzip": zlib.MAX_WBITS | 16, b"deflate": zlib.MAX_WBITS}


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


def encoding_of(accept: bytes) -> bytes | None:
    """The first of gzip and deflate that an Accept-Encoding asks for by its name, or None."""
    asked = {}
    for one in accept.lower().split(b","):
        name, _, weight = one.partition(b";")
        asked[name.strip()] = weight.strip() not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return next((name for name in _WINDOWS if asked.get(name)), None)


def compressed(body: bytes, encoding: bytes) -> bytes:
    """The body in that encoding, `gzip` or `deflate`; fast rather than small."""
    deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOWS[encoding])
    return deflater.compress(body) + deflater.flush()
