"""An inference request in either of its languages: made into work for a version, and its result into an answer."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Literal, Protocol

import orjson

from jupyter_modeldeploy.errors import InvalidInput, TooLarge
from jupyter_modeldeploy.serving import v2
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.replies import JSON, Reply
from jupyter_modeldeploy.serving.served import ServedVersion


class Call(Protocol):
    """A parsed request: `payload` is what `ServedVersion.run_<kind>` takes, `rows` how many rows it has."""

    kind: Literal["tensors", "items"]
    payload: Any
    rows: int

    def answer(self, result: Any) -> Reply:
        """The reply that carries the result."""


class InferCall:
    """`POST /v2/models/M[/versions/V]/infer`: the model in its own tensors, whatever its task is."""

    kind: Literal["tensors", "items"] = "tensors"

    def __init__(self, version: ServedVersion, headers: Headers, body: bytes) -> None:
        self._version = version
        self._request = v2.decode_request(body, headers.get(b"inference-header-content-length"))
        self.payload = self._request.inputs
        first, *_ = self.payload.values()
        self.rows = len(first) if first.ndim else 1

    def answer(self, result: Any) -> Reply:
        version = self._version
        body, header_length = v2.encode_response(version.model, version.name, result, self._request)
        if header_length is None:
            return Reply(200, body, JSON, version.reply_headers)
        length = (b"inference-header-content-length", str(header_length).encode())
        return Reply(200, body, b"application/octet-stream", (*version.reply_headers, length))


class PredictCall:
    """`POST /predict[/M[/versions/V]]`: the model in the words of its task, as JSON or, for one text, as text/plain."""

    kind: Literal["tensors", "items"] = "items"

    def __init__(self, version: ServedVersion, headers: Headers, body: bytes) -> None:
        self._version = version
        self.payload = version.task.parse(_decoded(headers, body))
        self.rows = len(self.payload)

    def answer(self, result: Any) -> Reply:
        body = orjson.dumps({"model": self._version.ref, "predictions": result})
        return Reply(200, body, JSON, self._version.reply_headers)


Language = Callable[[ServedVersion, Headers, bytes], Call]


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


def _decoded(headers: Headers, body: bytes) -> Any:
    if headers.get(b"content-type", b"").lower().startswith(b"text/plain"):
        try:
            return body.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"The text is not UTF-8: {error}.") from None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(
            f"The request is not JSON: {error}.", "Send JSON, or a text as it is with Content-Type: text/plain."
        ) from None
