"""Inference calls: one request and its answer, or a stream of them."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.control.request import Request as Pending
from jupyter_modeldeploy.serving.endpoint import Endpoint, Target
from jupyter_modeldeploy.serving.grpc import status
from jupyter_modeldeploy.serving.grpc.handlers import StreamHandler, UnaryHandler, parsed, read
from jupyter_modeldeploy.serving.grpc.language import GrpcAnswer, GrpcInfer
from jupyter_modeldeploy.serving.grpc.messages import ModelInferRequest, ModelStreamInferResponse

STREAM_IN_FLIGHT = 32
FINAL = "triton_final_response"


class Traffic:
    """How many requests came, and how many of them wait no more."""

    __slots__ = ("answered", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.answered = 0


class Caller:
    """Who asks, and with which metadata, for all requests of a call."""

    __slots__ = ("endpoint", "headers", "language", "name", "traffic")

    def __init__(self, endpoint: Endpoint, language: GrpcInfer, traffic: Traffic, headers: Headers, name: str) -> None:
        self.endpoint = endpoint
        self.language = language
        self.traffic = traffic
        self.headers = headers
        self.name = name


class Request:
    """A request, from its bytes to its answer."""

    __slots__ = ("_answer", "_endpoint", "_traffic", "_waiting", "_work", "size")

    def __init__(self, caller: Caller, raw: bytes, remaining_s: float | None = None) -> None:
        self._endpoint = endpoint = caller.endpoint
        self._traffic = caller.traffic
        self._traffic.requests += 1
        self.size = len(raw)
        self._answer: GrpcAnswer | None = None
        self._waiting: asyncio.Future[GrpcAnswer] | None = None
        self._work: Pending | None = None
        try:
            message = parsed(ModelInferRequest, raw)
            target = _target(caller, message.model_name, message.model_version)
            if remaining_s is not None:
                _limit(message.parameters, remaining_s)
        except ModelDeployError as error:
            endpoint.metrics.version("", "").answered(error.status, 0.0)
            self._answer = GrpcAnswer(None, error)
        else:
            self._work = endpoint.infer(target, caller.name, caller.headers, message, self._reply)

    async def answered(self) -> GrpcAnswer:
        """The answer, once it is there."""
        if self._answer is not None:
            return self._answer
        self._waiting = asyncio.get_running_loop().create_future()
        return await self._waiting

    def end(self) -> None:
        """The answer was fetched, or nobody wants it any more: whoever asked is gone, or its deadline is over."""
        self._traffic.answered += 1
        if self._answer is None and self._work is not None:
            self._endpoint.cancel(self._work)

    def _reply(self, answer: GrpcAnswer) -> None:
        self._answer = answer
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)


class InferCall(UnaryHandler):
    """`ModelInfer` for one call."""

    __slots__ = ("_caller",)

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def unary_unary(self, raw: bytes, context: Any) -> bytes:
        request = Request(self._caller, raw, context.time_remaining())
        try:
            answer = await request.answered()
        finally:
            request.end()
        if answer.error is not None:
            await status.abort(context, answer.error, answer.version)
        if answer.extra_headers:
            context.set_trailing_metadata(status.metadata_of(answer.extra_headers))
        content: bytes = answer.message.SerializeToString()
        return content


class StreamInferCall(StreamHandler):
    """`ModelStreamInfer` for one call: answers leave in the order of the requests, of which some may be under way at
    once, together no larger than one may be. A request that fails is told so in the stream, which goes on."""

    __slots__ = ("_caller", "_held", "_requests", "_room", "_writing")

    def __init__(self, draining: asyncio.Event, caller: Caller) -> None:
        super().__init__(draining)
        self._caller = caller
        self._requests: asyncio.Queue[Request | None] = asyncio.Queue(STREAM_IN_FLIGHT)
        self._held = 0
        self._room = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None

    async def converse(self, context: Any) -> None:
        self._writing = asyncio.create_task(self._write(context))
        while (raw := await read(context)) is not None:
            while self._held and self._held + len(raw) > self._caller.endpoint.max_body_bytes:
                self._room.clear()
                await self._room.wait()
            self._held += len(raw)
            await self._requests.put(Request(self._caller, raw))

    async def finish(self, context: Any) -> None:
        if self._writing is not None:
            await self._requests.put(None)
            await self._writing

    def abandon(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
        while not self._requests.empty():
            if (request := self._requests.get_nowait()) is not None:
                request.end()

    async def _write(self, context: Any) -> None:
        while (request := await self._requests.get()) is not None:
            try:
                await context.write(_in_stream(await request.answered()))
            finally:
                request.end()
                self._held -= request.size
                self._room.set()


def _target(caller: Caller, name: str, number: str) -> Target:
    model = caller.endpoint.models.get(name) or caller.endpoint.model(name)
    version = model.get(number) if number and model.loaded else model.only
    return Target(model, version, caller.language, pinned=version if number else None)


def _limit(parameters: Any, remaining_s: float) -> None:
    """Let the call's deadline be the request's own, too: it is not begun where it could not be kept."""
    remaining = max(1, int(remaining_s * 1e6))
    wanted = parameters["timeout"].int64_param if "timeout" in parameters else 0
    parameters["timeout"].int64_param = min(wanted, remaining) if wanted > 0 else remaining


def _in_stream(answer: GrpcAnswer) -> bytes:
    if answer.error is not None:
        message = ModelStreamInferResponse(error_message=str(answer.error)[: status.MAX_DETAILS])
    else:
        answer.message.parameters[FINAL].bool_param = True  # each request of ours has one answer
        message = ModelStreamInferResponse(infer_response=answer.message)
    content: bytes = message.SerializeToString()
    return content
