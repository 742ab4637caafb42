"""One inference request on a connection, from its headers to its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modeldeploy.errors import ModelDeployError, TooLarge
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.control.request import Request
from jupyter_modeldeploy.serving.endpoint import Attempt, Target
from jupyter_modeldeploy.serving.http.replies import Reply

if TYPE_CHECKING:
    from jupyter_modeldeploy.serving.http.protocol import InferenceProtocol

IDLE_TIMEOUT_S = 75.0


class _Nobody:
    """Stands for the event that an ASGI application would wait on."""

    def set(self) -> None:
        return None


NOBODY = _Nobody()


class Exchange:
    """One inference request and its answer. The names that uvicorn's protocol uses of its own cycles are the same."""

    message_event = NOBODY
    response_complete = disconnected = whole = expect = False
    caller = ""
    refusal: ModelDeployError | None = None
    work: Request | None = None
    _size = 0
    _turn = False

    def __init__(self, protocol: InferenceProtocol, target: Target, headers: Headers, keep_alive: bool) -> None:
        """What is the same for nearly all is left to the class: there are some ten thousand a second."""
        self.protocol = protocol
        self.endpoint = protocol.endpoint
        self.target = target
        self.headers = headers
        self.keep_alive = keep_alive and not protocol.draining
        self._body: list[bytes] = []

    def examine(self) -> None:
        """See what the headers say of a request whose body is still to come."""
        self.expect = self.headers.get(b"expect", b"").lower() == b"100-continue"
        self.refusal = self._refused()

    def feed(self, body: bytes) -> None:
        """Some more of the body. What is too much, or comes for a refused request, is dropped."""
        if self.response_complete:
            return
        self._size += len(body)
        if self._size > self.endpoint.max_body_bytes:
            self._body.clear()
            self.refusal = self.refusal or self._too_large(self._size)
            if self._turn:
                self._refuse_early()
        elif self.refusal is None:
            self._body.append(body)

    def complete(self) -> None:
        """The body has ended."""
        self.whole = True
        if self._turn and not self.response_complete:
            self._answer()

    def begin(self) -> None:
        """All requests before this one are answered."""
        if self.protocol.transport.is_closing():
            return
        self._turn = True
        self.protocol.active = self
        if self.whole:
            self._answer()
        elif isinstance(self.refusal, TooLarge) or (self.refusal is not None and self.expect):
            self._refuse_early()
        elif self.expect:
            self.protocol.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def go_on(self, attempt: Attempt, caller: str, body: bytes) -> None:
        """There is no request before this one, its body is here, and it could not be answered at once."""
        self._turn = self.whole = True
        self.protocol.active = self
        self.work = self.endpoint.go_on(attempt, self.target, caller, self.headers, body, self.send)

    def fail(self, error: ModelDeployError) -> None:
        """The rest of the request makes no sense."""
        if not self.whole:
            self.refusal = error
            self.complete()

    def abandon(self) -> None:
        """The connection is gone."""
        self.disconnected = True
        self._body.clear()
        if self.work is not None and not self.response_complete:
            self.endpoint.cancel(self.work)

    def send(self, reply: Reply) -> None:
        """Write the answer, once the client has read enough of those before it."""
        protocol = self.protocol
        if self.disconnected or protocol.transport.is_closing():
            return
        if protocol.flow.write_paused:
            protocol.held = (self, reply)
            protocol.flow.pause_reading()
            protocol.deadline = protocol.loop.time() + IDLE_TIMEOUT_S
            return
        protocol.transport.write_later(reply.head_and_body(protocol.date, self.keep_alive))
        self.response_complete = True
        protocol.active = None
        if not self.keep_alive:
            protocol.deadline = protocol.loop.time() + IDLE_TIMEOUT_S
            protocol.transport.close() if self.whole else protocol.linger()
        protocol.on_response_complete()

    def _answer(self) -> None:
        if self.refusal is not None:
            self._refuse()
            return
        body, self._body = b"".join(self._body), []
        self.work = self.endpoint.infer(self.target, self.caller, self.headers, body, self.send)

    def _refuse_early(self) -> None:
        self.keep_alive = False
        self._refuse()

    def _refuse(self) -> None:
        if self.refusal is not None:
            self.endpoint.metrics.version("", "").answered(self.refusal.status, 0.0)
            self.send(self.target.language.refuse(self.refusal))

    def _refused(self) -> ModelDeployError | None:
        try:
            self.caller = self.endpoint.guard.check(self.headers)
        except ModelDeployError as error:
            return error
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self.endpoint.max_body_bytes:
            return self._too_large(int(length))
        return None

    def _too_large(self, size: int) -> TooLarge:
        limit = self.endpoint.max_body_bytes
        return TooLarge(f"The body has {size} bytes or more; the service takes {limit}.", "Send less at once.")
