"""Compresses answers of the ASGI application for clients that ask for it."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope, Send

from jupyter_modeldeploy.serving.protocols.compression import COMPRESSED_FROM, compressed, encoding_of


def compressing(scope: Scope, send: Send) -> Send:
    """`send`, for this request: an answer that comes at once, and is large, goes compressed where that is asked for."""
    encoding = encoding_of(dict(scope["headers"]).get(b"accept-encoding", b""))
    if encoding is None or scope["type"] != "http":
        return send
    start: Message = {}

    async def send_compressed(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        if start:
            body = message.get("body", b"")
            headers = MutableHeaders(raw=start["headers"])
            whole = not message.get("more_body", False) and "content-encoding" not in headers
            if whole and len(body) >= COMPRESSED_FROM:
                message = {**message, "body": compressed(body, encoding)}
                headers["content-encoding"] = encoding.decode()
                headers["content-length"] = str(len(message["body"]))
                headers.add_vary_header("accept-encoding")
            begun, start = start, {}
            await send(begun)
        await send(message)

    return send_compressed
