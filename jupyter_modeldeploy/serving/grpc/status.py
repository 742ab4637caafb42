"""How an error is told over gRPC."""

from __future__ import annotations

import math
from typing import Any

import grpc

from jupyter_modeldeploy.errors import ModelDeployError, Overloaded

Metadata = tuple[tuple[str, str], ...]
MAX_DETAILS = 2000  # characters: they travel as a header
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.FAILED_PRECONDITION,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.FAILED_PRECONDITION,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
    507: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


def code_of(error: ModelDeployError) -> grpc.StatusCode:
    return _CODES.get(error.status, grpc.StatusCode.INTERNAL)


def trailers_of(error: ModelDeployError, version: str | None = None) -> Metadata:
    """The error's code, the version that was asked, and when to try again: as HTTP tells it, and as gRPC's own retry
    policies read it (gRFC A6)."""
    trailers = [("error-code", error.code)]
    if version is not None:
        trailers.append(("x-model-version", version))
    if isinstance(error, Overloaded):
        seconds = max(1, math.ceil(error.retry_after_s))
        trailers += [("retry-after", str(seconds)), ("grpc-retry-pushback-ms", str(1000 * seconds))]
    return tuple(trailers)


def metadata_of(headers: tuple[tuple[bytes, bytes], ...]) -> Metadata:
    """HTTP's headers as metadata."""
    return tuple((name.decode(), value.decode("latin-1")) for name, value in headers)


async def abort(context: Any, error: ModelDeployError, version: str | None = None) -> None:
    """End the call with the error; raises what ends its handler."""
    await context.abort(code_of(error), str(error)[:MAX_DETAILS], trailers_of(error, version))
