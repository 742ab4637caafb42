"""Answers over HTTP that carry a result."""

from __future__ import annotations

from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.http.replies import JSON, Reply
from jupyter_modeldeploy.serving.protocols.compression import COMPRESSED_FROM, compressed, encoding_of


def answer(asked: Headers, body: bytes, headers: tuple[tuple[bytes, bytes], ...], content_type: bytes = JSON) -> Reply:
    """The reply to a request with the headers `asked`: compressed, if it is large and the client wants that."""
    if len(body) >= COMPRESSED_FROM and (encoding := encoding_of(asked.get(b"accept-encoding", b""))):
        body = compressed(body, encoding)
        headers = (*headers, (b"content-encoding", encoding), (b"vary", b"accept-encoding"))
    return Reply(200, body, content_type, headers)
