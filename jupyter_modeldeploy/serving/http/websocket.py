"""Streams of requests over a WebSocket: `/v2/models/M[/versions/N]/stream` and `/predict[/M[/versions/N]]/stream`.

Each message is a request and each answer a message, in the order of the requests; an error is an answer, too, with its
`status`. Text is the JSON that a POST would take. Binary on V2's routes is the protocol's binary tensor extension
behind the length of its JSON header in four bytes (little-endian), in both directions; on the others it is a body as it
is, such as an image. RFC 6455 without extensions."""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import orjson
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from jupyter_modeldeploy.errors import NotFound, shown
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.control.request import Request as Pending
from jupyter_modeldeploy.serving.endpoint import Endpoint, Target
from jupyter_modeldeploy.serving.http.replies import Reply

if TYPE_CHECKING:
    from jupyter_modeldeploy.serving.http.protocol import InferenceProtocol

MAX_IN_FLIGHT = 32
"""Requests of one connection that are under way; no more is read while there are so many."""
PING_S = 20.0
CLOSE_S = 2.0
SUBPROTOCOL = "modeldeploy"
HEADER_LENGTH = b"inference-header-content-length"
OF_THE_CONNECTION = (
    b"sec-websocket-",
    b"content-",
    b"accept-encoding",
    b"connection",
    b"upgrade",
    b"expect",
    HEADER_LENGTH,
)
_LENGTH = struct.Struct("<I")


class _Answer:
    """The place of an answer in the order of the requests."""

    __slots__ = ("body", "reply", "work")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.reply: Reply | None = None
        self.work: Pending | None = None


class WebSocketConnection(asyncio.Protocol):
    """Takes over the connection of an HTTP request that asks for it. Stands among uvicorn's connections, which are shut
    down and counted by the names of their own."""

    def __init__(self, http: InferenceProtocol, target: Target, caller: str, headers: Headers) -> None:
        self._endpoint = http.endpoint
        self._state = http.server_state
        self._loop = http.loop
        self._transport = http.transport
        self._target = target
        self._caller = caller
        self._v2 = http.url.startswith(b"/v2/")
        self._headers = {name: value for name, value in headers.items() if not name.startswith(OF_THE_CONNECTION)}
        self._protocol = ServerProtocol(max_size=self._endpoint.max_body_bytes, select_subprotocol=_chosen)
        self._opcode = Opcode.TEXT
        self._fragments: list[bytes] = []
        self._waiting: deque[tuple[Opcode, bytes]] = deque()
        self._answers: deque[_Answer] = deque()
        self._bytes = 0
        self._writable = True
        self._draining = self._closing = self._asking = False
        self._answered_ping = True
        self._timer: asyncio.TimerHandle | None = None

    @property
    def cycle(self) -> WebSocketConnection:
        """What is under way on this connection."""
        return self

    @property
    def response_complete(self) -> bool:
        return not self._answers

    def begin(self, request: bytes, rest: bytes) -> None:
        """Answer the handshake `request`, and read on where it was accepted."""
        self._state.connections.add(self)  # type: ignore[arg-type]
        self._transport.set_protocol(self)
        self._transport.resume_reading()
        self._at(PING_S, self._ping)
        self.data_received(request + rest)

    # What the transport calls

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
            elif isinstance(event, Frame):
                self._received(event)
        self._advance()

    def eof_received(self) -> bool:
        self._protocol.receive_eof()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        for answer in self._answers:
            if answer.work is not None and answer.reply is None:
                self._endpoint.cancel(answer.work)
        self._waiting.clear()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._advance()

    def shutdown(self) -> None:
        """Answer what is under way, then close: the service goes away."""
        self._draining = True
        self._waiting.clear()
        self._advance()

    # Ours

    def _received(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG:
            self._answered_ping = True
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if frame.opcode is not Opcode.CONT:
            self._opcode = frame.opcode
        if frame.data:
            self._fragments.append(bytes(frame.data))
        if frame.fin:
            message, self._fragments = b"".join(self._fragments), []
            if not self._draining:
                self._waiting.append((self._opcode, message))

    def _advance(self) -> None:
        """Send the answers that are next, take as many requests as there may be, and write."""
        self._send_answers()
        while self._waiting and self._writable and self._has_room and self._open:
            self._ask(*self._waiting.popleft())
            self._send_answers()
        if self._draining and not self._answers and self._open:
            self._protocol.send_close(CloseCode.GOING_AWAY, "the service stops")
        if not self._transport.is_closing():
            self._write()

    def _write(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.write_eof()
        if self._protocol.close_expected() and not self._closing:
            self._closing = True
            self._at(CLOSE_S, self._transport.close)
        if self._open and (self._waiting or not self._writable):
            self._transport.pause_reading()
        else:  # also to see the client's end of a connection that is being closed
            self._transport.resume_reading()

    def _ask(self, opcode: Opcode, message: bytes) -> None:
        if opcode is Opcode.TEXT and not _is_text(message):
            self._protocol.fail(CloseCode.INVALID_DATA, "a text message is not UTF-8")
            return
        answer = _Answer(message)
        self._answers.append(answer)
        self._bytes += len(message)
        self._state.total_requests += 1
        headers, body = self._request(opcode, message)

        def reply(made: Any) -> None:
            answer.reply = made
            if not self._asking:
                self._advance()

        self._asking = True
        answer.work = self._endpoint.infer(self._target, self._caller, headers, body, reply)
        self._asking = False

    def _request(self, opcode: Opcode, message: bytes) -> tuple[Headers, bytes]:
        if opcode is Opcode.TEXT:
            return self._headers, message
        if not self._v2:
            return {**self._headers, b"content-type": b"application/octet-stream"}, message
        length = _LENGTH.unpack_from(message)[0] if len(message) >= _LENGTH.size else len(message) + 1
        return {**self._headers, HEADER_LENGTH: str(length).encode()}, message[_LENGTH.size :]

    def _send_answers(self) -> None:
        """Those that have come, up to the first that has not."""
        while self._answers and self._answers[0].reply is not None and self._open:
            self._send(self._answers.popleft())

    def _send(self, answer: _Answer) -> None:
        reply = answer.reply
        assert reply is not None
        self._bytes -= len(answer.body)
        if reply.status != 200:
            self._protocol.send_text(_with_status(reply, answer.body))
        elif length := dict(reply.headers).get(HEADER_LENGTH):
            self._protocol.send_binary(_LENGTH.pack(int(length)) + reply.body)
        else:
            self._protocol.send_text(reply.body)

    @property
    def _has_room(self) -> bool:
        """Whether one more may be under way: there are few, and together they are no larger than one may be."""
        return len(self._answers) < MAX_IN_FLIGHT and self._bytes < self._endpoint.max_body_bytes

    @property
    def _open(self) -> bool:
        return self._protocol.state is State.OPEN

    def _ping(self) -> None:
        if not self._answered_ping:
            self._transport.abort()
            return
        if self._open:
            self._answered_ping = False
            self._protocol.send_ping(b"")
            self._write()
            self._at(PING_S, self._ping)

    def _at(self, seconds: float, do: Callable[[], None]) -> None:
        """The one timer of the connection: its next ping, or its end."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, do)


def target_of(endpoint: Endpoint, url: bytes) -> Target:
    """What the stream at this address asks. Raises NotFound where there is no such stream."""
    path = unquote_to_bytes(url.partition(b"?")[0])
    before = path.removesuffix(b"/stream")
    target = endpoint.routes.get(before + b"/infer" if path.startswith(b"/v2/") else before)
    if target is None or before == path:
        raise NotFound(f"There is no stream at {shown(path.decode('latin-1'))}.", "Streams end with /stream.")
    return target


def credentials(headers: Headers) -> Headers:
    """The handshake's headers with the token of a browser's script, which can only name it as a subprotocol."""
    offered = headers.get(b"sec-websocket-protocol", b"").split(b",")
    for name in offered if b"authorization" not in headers else ():
        if name.strip().startswith(b"bearer."):
            return {**headers, b"authorization": b"Bearer " + name.strip().removeprefix(b"bearer.")}
    return headers


def _chosen(protocol: ServerProtocol, offered: Any) -> Any:
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


def _is_text(message: bytes) -> bool:
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True


def _with_status(reply: Reply, request: bytes) -> bytes:
    """The error with its status, and the id of the request where that had one."""
    told = {**orjson.loads(reply.body), "status": reply.status}
    try:
        asked = orjson.loads(request)
    except orjson.JSONDecodeError:
        asked = None
    if isinstance(asked, dict) and isinstance(asked.get("id"), str):
        told["id"] = asked["id"]
    return orjson.dumps(told)
