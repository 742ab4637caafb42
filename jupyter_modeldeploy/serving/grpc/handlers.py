"""What grpc.aio asks of a method's handler, for handlers that take and give bytes.

None parses or serializes by grpcio's means, which answer what cannot be parsed with a stack trace in the log."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, Unavailable
from jupyter_modeldeploy.serving.grpc import status


class _Handler:
    __slots__ = ()

    request_streaming = False
    response_streaming = False
    request_deserializer = None
    response_serializer = None


class UnaryHandler(_Handler):
    """One message in, one message out."""

    __slots__ = ()

    async def unary_unary(self, raw: bytes, context: Any) -> bytes:
        raise NotImplementedError


class Refusal(_Handler):
    """Ends a call of whichever method with an error, without reading its messages."""

    __slots__ = ("_error",)

    request_streaming = True
    response_streaming = True

    def __init__(self, error: ModelDeployError) -> None:
        self._error = error

    async def stream_stream(self, _: Any, context: Any) -> None:
        await status.abort(context, self._error)


class Operation(UnaryHandler):
    """A method that is a function from its request's message to its answer's, or to an awaitable of it."""

    __slots__ = ("_function", "_request")

    def __init__(self, request: Any, function: Callable[[Any], Any]) -> None:
        self._request = request
        self._function = function

    async def unary_unary(self, raw: bytes, context: Any) -> bytes:
        try:
            answer = self._function(parsed(self._request, raw))
            if inspect.isawaitable(answer):
                answer = await answer
        except ModelDeployError as error:
            await status.abort(context, error)
        content: bytes = answer.SerializeToString()
        return content


class StreamHandler(_Handler):
    """Messages in, messages out, until the client has sent all or the server drains."""

    __slots__ = ("_draining",)

    request_streaming = True
    response_streaming = True

    def __init__(self, draining: asyncio.Event) -> None:
        self._draining = draining

    async def stream_stream(self, _: Any, context: Any) -> None:
        conversing = asyncio.create_task(self.converse(context))
        draining = asyncio.create_task(self._draining.wait())
        try:
            await asyncio.wait([conversing, draining], return_when=asyncio.FIRST_COMPLETED)
            if conversing.done():
                await conversing
            else:
                conversing.cancel()
            await self.finish(context)
        except ModelDeployError as error:
            await status.abort(context, error)
        finally:
            conversing.cancel()
            draining.cancel()
            self.abandon()
        if self._draining.is_set():
            await status.abort(context, Unavailable("This server process ends.", "Open the stream again."))

    async def converse(self, context: Any) -> None:
        """Read and answer until the client ends; cancelled where the server drains."""
        raise NotImplementedError

    async def finish(self, context: Any) -> None:
        """Answer what was read."""

    def abandon(self) -> None:
        """Whatever has no answer now needs none."""


async def read(context: Any) -> bytes | None:
    """The stream's next message; None at its end."""
    raw = await context.read()
    return None if raw is grpc.aio.EOF else raw


def parsed(message: Any, raw: bytes) -> Any:
    """The message of that class. Raises InvalidInput where the bytes are none."""
    try:
        return message.FromString(raw)
    except DecodeError:
        raise InvalidInput(f"The bytes are no {message.DESCRIPTOR.name}.", "Use the service's .proto file.") from None
