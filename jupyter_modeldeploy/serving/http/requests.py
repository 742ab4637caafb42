"""What the ASGI application is asked: bodies, which are small here."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from jupyter_modeldeploy.errors import TooLarge
from jupyter_modeldeploy.serving.protocols.compression import decompressed
from jupyter_modeldeploy.serving.protocols.json_object import json_object

MAX_BYTES = 64 * 1024


async def object_in(request: Request, max_bytes: int = MAX_BYTES, hint: str = "") -> dict[str, Any]:
    """The object in the request's body, whatever its Content-Type says; an empty body is an empty object.

    Raises InvalidInput, with the hint for what is no object, and TooLarge."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > max_bytes:
            raise TooLarge(f"{request.url.path} takes at most {max_bytes} bytes.")
        parts.append(part)
    encoding = request.headers.get("content-encoding")
    body = decompressed(b"".join(parts), encoding.encode("latin-1") if encoding else None, max_bytes)
    return json_object(body, hint) if body.strip() else {}
