"""Inference calls: one request and its answer, or a stream of them."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.control.request import Request as Pending
from jupyter_modeldeploy.serving.endpoint import Endpoint, Target
from jupyter_modeldeploy.serving.grpc import answers, status
from jupyter_modeldeploy.serving.grpc.forms import Formed, Forms
from jupyter_modeldeploy.serving.grpc.handlers import StreamHandler, UnaryHandler, parsed, read
from jupyter_modeldeploy.serving.grpc.language import GrpcAnswer, GrpcInfer
from jupyter_modeldeploy.serving.grpc.messages import ModelInferRequest, ModelStreamInferResponse

STREAM_IN_FLIGHT = 32


class Traffic:
    """How many requests came, and how many of them wait no more."""

    __slots__ = ("answered", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.answered = 0


class Door:
    """What all calls for inference share."""

    def __init__(self, endpoint: Endpoint, traffic: Traffic) -> None:
        self.endpoint = endpoint
        self.traffic = traffic
        self.language = GrpcInfer(endpoint.regions)
        self.forms = Forms()

    def target(self, name: str, number: str) -> Target:
        """What a request for that version (for an empty number: any) of the model means. Raises NotFound."""
        model = self.endpoint.models.get(name) or self.endpoint.model(name)
        version = model.get(number) if number and model.loaded else model.only
        return Target(model, version, self.language, pinned=version if number else None)


class Caller:
    """Who asks, and with which metadata, for all requests of a call."""

    __slots__ = ("door", "headers", "name")

    def __init__(self, door: Door, headers: Headers, name: str) -> None:
        self.door = door
        self.headers = headers
        self.name = name


class Request:
    """A request, from its bytes to its answer."""

    __slots__ = ("_door", "_waiting", "_work", "answer", "size")

    def __init__(self, caller: Caller, raw: bytes, remaining_s: float | None = None) -> None:
        self._door = door = caller.door
        door.traffic.requests += 1
        self.size = len(raw)
        self.answer: GrpcAnswer | None = None
        """The answer, if it is there."""
        self._waiting: asyncio.Future[GrpcAnswer] | None = None
        self._work: Pending | None = None
        try:
            if (form := door.forms.find(raw)) is not None:
                target = door.target(form.model, form.version)
                formed = Formed(form, raw, 0 if remaining_s is None else _microseconds(remaining_s))
                self._work = door.endpoint.infer(target, caller.name, caller.headers, formed, self._reply)
            else:
                self._read(caller, raw, remaining_s)
        except ModelDeployError as error:
            door.endpoint.metrics.version("", "").answered(error.status, 0.0)
            self.answer = GrpcAnswer(b"", error)

    async def answered(self) -> GrpcAnswer:
        """The answer, once it is there."""
        if self.answer is not None:
            return self.answer
        self._waiting = asyncio.get_running_loop().create_future()
        return await self._waiting

    def end(self) -> None:
        """The answer was fetched, or nobody wants it any more: whoever asked is gone, or its deadline is over."""
        self._door.traffic.answered += 1
        if self.answer is None and self._work is not None:
            self._door.endpoint.cancel(self._work)

    def _read(self, caller: Caller, raw: bytes, remaining_s: float | None) -> None:
        door, message = self._door, parsed(ModelInferRequest, raw)
        target = door.target(message.model_name, message.model_version)
        common = not (message.id or message.parameters)
        if remaining_s is not None:
            _limit(message.parameters, remaining_s)
        self._work = door.endpoint.infer(target, caller.name, caller.headers, message, self._reply)
        if common and self.answer is not None and self.answer.error is None:
            door.forms.learn(raw, message)

    def _reply(self, answer: GrpcAnswer) -> None:
        self.answer = answer
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
            answer = request.answer or await request.answered()
        finally:
            request.end()
        if answer.error is not None:
            await status.abort(context, answer.error, answer.version)
        if answer.extra_headers:
            context.set_trailing_metadata(status.metadata_of(answer.extra_headers))
        return answer.content


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
            while self._held and self._held + len(raw) > self._caller.door.endpoint.max_body_bytes:
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


def _limit(parameters: Any, remaining_s: float) -> None:
    """Let the call's deadline be the request's own, too: it is not begun where it could not be kept."""
    remaining = _microseconds(remaining_s)
    wanted = parameters["timeout"].int64_param if "timeout" in parameters else 0
    parameters["timeout"].int64_param = min(wanted, remaining) if wanted > 0 else remaining


def _microseconds(remaining_s: float) -> int:
    return max(1, int(remaining_s * 1e6))


def _in_stream(answer: GrpcAnswer) -> bytes:
    if answer.error is None:
        return answers.in_stream(answer.content)
    message = ModelStreamInferResponse(error_message=str(answer.error)[: status.MAX_DETAILS])
    content: bytes = message.SerializeToString()
    return content
