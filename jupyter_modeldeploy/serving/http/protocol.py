"""The front end: uvicorn's httptools protocol, which answers the inference routes straight from the parser.

An inference request becomes an `Exchange`, which stands in uvicorn's pipeline beside the cycles of ASGI requests and is
started and ended like them, so that answers leave in the order of the requests. Everything else is left to uvicorn and
the ASGI application. Measured on 2 cores with a tiny model at 16 connections: 31,000 requests/s, FastAPI 6,800.
"""

from __future__ import annotations

import asyncio
import math
import select
from typing import Any
from urllib.parse import unquote_to_bytes

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, Overloaded
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.endpoint import Attempt, Endpoint, Target
from jupyter_modeldeploy.serving.http.exchange import IDLE_TIMEOUT_S, Exchange
from jupyter_modeldeploy.serving.http.heads import END, Head, Heads
from jupyter_modeldeploy.serving.http.outbox import Outbox, OutboxTransport
from jupyter_modeldeploy.serving.http.replies import Reply, error_reply

HEADER_TIMEOUT_S = 15.0
BODY_TIMEOUT_S = 30.0
MIN_BYTES_PER_S = 1000  # of a body, over longer than BODY_TIMEOUT_S
LINGER_S = 2.0
DRAIN_IDLE_S = 0.2
MAX_HEADER_BYTES = 64 * 1024


class InferenceProtocol(HttpToolsProtocol):
    """One connection. `deadline` is when the sweeper closes it: the client has so long for its next bytes; infinite
    while the client waits for us."""

    endpoint: Endpoint
    outbox: Outbox
    heads = Heads()
    max_connections: int
    transport: OutboxTransport  # type: ignore[assignment]
    drain_idle_s = DRAIN_IDLE_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(OutboxTransport(transport, self.outbox))  # type: ignore[arg-type]
        self.active: Exchange | None = None
        self.asgi_cycle: Any = None
        self.held: tuple[Exchange, Reply] | None = None
        self.repeatable: Headers | None = None
        self.lingering = False
        self.stream_asked = False
        self.draining = False
        self.header_bytes = 0
        self.in_headers = self.in_body = self.new_request = self.got_body = False
        self._date = b""
        self._date_of: list[tuple[bytes, bytes]] | None = None
        self.deadline = self.loop.time() + IDLE_TIMEOUT_S
        if len(self.connections) > self.max_connections:
            error = Overloaded(
                f"{self.max_connections} connections are open already.", "Close those that are not used."
            )
            self.transport.write(error_reply(error, v2=False).head_and_body(self.date, keep_alive=False))
            self.linger()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.active is not None:
            self.active.abandon()
        if self.asgi_cycle is not None:  # uvicorn tells only the latest of a pipeline
            self.asgi_cycle.disconnected = True
        self.pipeline.clear()
        super().connection_lost(exc)
        # what refers to each other would keep a body in memory until the garbage collector comes
        self.active = self.asgi_cycle = self.held = None
        self.cycle = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """As uvicorn's, with limits to how much of the headers may come, and how slowly what is not yet whole."""
        between_requests = not self.in_body and not self.in_headers
        if between_requests and (self.cycle is None or self.cycle.response_complete):
            end = data.find(END) + len(END)
            head = self.heads.get(data[:end])
            if head is not None and len(data) == end + head.length and self._answer_again(head, data[end:]):
                return
        self.new_request = not self.in_headers
        self.got_body = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.send_400_response("This is no valid HTTP request.")
            return
        except httptools.HttpParserUpgrade as upgrade:
            if self.stream_asked:
                self._become_websocket(data[upgrade.args[0] :])
                return
            # to what is not spoken here: nothing behind the request is understood
            if self.cycle.response_complete:
                self.transport.close()
            self.cycle.keep_alive = False
            return
        if between_requests and self.repeatable is not None:
            self.heads.remember(data, self.url, self.repeatable)
        self.repeatable = None
        if self.in_headers:
            self._limit_headers(len(data))
        elif self.in_body and not self.lingering:
            self._limit_trailers(len(data))
            self.deadline = min(self.loop.time() + BODY_TIMEOUT_S, self.deadline + len(data) / MIN_BYTES_PER_S)

    # Parser callbacks

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.header_bytes = 0
        self.in_headers = self.new_request = True

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_body:  # trailers say nothing here, and may be endless
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.in_headers = False
        self.in_body = True
        self.deadline = math.inf
        if self.lingering:
            return
        target = self._target() if self.parser.get_method() == b"POST" else None
        if target is None and self._asks_for_stream():
            self.stream_asked = True
            return
        if target is None:
            if not self.transport.is_closing():
                self._hand_to_asgi()
            return
        previous = self.cycle
        headers = dict(self.headers)
        keep_alive = self.parser.should_keep_alive()
        if b"connection" in headers:  # which HTTP/1.0 needs to be kept, and an upgrade to be asked for
            keep_alive &= self.parser.get_http_version() != "1.0" and not self.parser.should_upgrade()
        exchange = Exchange(self, target, headers, keep_alive)
        exchange.examine()
        self.repeatable = headers if keep_alive and exchange.refusal is None else None
        self.cycle = exchange  # type: ignore[assignment]
        if previous is None or previous.response_complete:
            exchange.begin()
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, self.app))  # type: ignore[arg-type]

    def on_body(self, body: bytes) -> None:
        self.got_body = True
        if isinstance(self.cycle, Exchange):
            self.cycle.feed(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self.in_body = False
        if self.stream_asked:
            return
        if self.lingering:
            self.transport.close()
            return
        self.deadline = math.inf
        if isinstance(self.cycle, Exchange):
            self.cycle.complete()
        else:
            super().on_message_complete()
            if self.cycle.response_complete:  # answered before its body had come
                self.deadline = self.loop.time() + IDLE_TIMEOUT_S

    # What uvicorn calls at the ends of a cycle

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if isinstance(cycle, Exchange):  # by the loop: a long pipeline would recurse
            self.loop.call_soon(cycle.begin)
        else:
            self.asgi_cycle = cycle
            super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """As uvicorn's, but without a timer per request: the sweeper looks at `deadline`."""
        self.server_state.total_requests += 1
        if self.lingering or self.transport.is_closing():
            return
        self.flow.resume_reading()
        self.deadline = self.loop.time() + IDLE_TIMEOUT_S
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def send_400_response(self, msg: str) -> None:
        """What follows cannot be understood: answer what is under way, then close."""
        if self.lingering or self.transport.is_closing():
            self.transport.close()
            return
        cycle = self.cycle
        error = InvalidInput(msg, "Check how the client frames its requests.")
        if cycle is None or cycle.response_complete:
            self.transport.write(error_reply(error, v2=False).head_and_body(self.date, keep_alive=False))
            self.transport.close()
            return
        self.flow.pause_reading()
        cycle.keep_alive = False
        if isinstance(cycle, Exchange):
            cycle.fail(error)

    def eof_received(self) -> bool:  # type: ignore[override]
        """A client that has sent all it will send still gets its answers. Where this is false the loop closes."""
        self.outbox.send()
        if self.active is None or not self.active.whole or self.cycle.response_complete:
            return False
        self.cycle.keep_alive = False
        return True

    def shutdown(self) -> None:
        """Answer what is there and what comes in the next moment, each with `Connection: close`, then close."""
        self.draining = True
        if self.cycle is None or self.cycle.response_complete:
            self.deadline = min(self.deadline, self.loop.time() + self.drain_idle_s)
        else:
            self.cycle.keep_alive = False

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.held is not None:
            (exchange, reply), self.held = self.held, None
            exchange.send(reply)

    # Ours

    def expired(self, now: float) -> bool:
        """Whether the client let its time pass: to send a request, the rest of one, or to read an answer."""
        if now < self.deadline:
            return False
        waits_for_us = self.flow.read_paused or (self.active is not None and self.active.whole) or self._is_unread()
        return self.held is not None or not waits_for_us

    def expire(self, now: float) -> None:
        """Close; and where the client does not even read what is left to be sent, let that be lost."""
        if self.transport.is_closing():
            self.transport.abort()
        self.transport.close()
        self.deadline = now + IDLE_TIMEOUT_S

    def linger(self) -> None:
        """Close once the client has read the answer: closing with bytes unread would reset the connection under it."""
        self.lingering = True
        self.flow.resume_reading()
        self.transport.write_eof()
        self.deadline = self.loop.time() + LINGER_S

    @property
    def date(self) -> bytes:
        """The Date header's line, from the list that uvicorn makes anew once a second."""
        headers = self.server_state.default_headers
        if headers is not self._date_of:
            self._date_of = headers
            self._date = b"".join([name + b": " + value + b"\r\n" for name, value in headers])
        return self._date

    def _is_unread(self) -> bool:
        """Whether the client has sent what this process, where the machine is busy, had no time to read. To close now
        would reset the connection, and lose a request that came in time."""
        if self.lingering or self.transport.is_closing():
            return False
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _limit_headers(self, size: int) -> None:
        if self.new_request:
            self.deadline = self.loop.time() + HEADER_TIMEOUT_S
            return
        self.header_bytes += size
        if self.header_bytes > MAX_HEADER_BYTES:
            self.send_400_response("The request's headers are too large.")

    def _limit_trailers(self, size: int) -> None:
        """What comes of a body, but holds none of it, is a trailer, or what a chunk says of itself."""
        self.header_bytes = 0 if self.got_body else self.header_bytes + size
        if self.header_bytes > MAX_HEADER_BYTES:
            self.send_400_response("The request's trailers are too large.")

    def _answer_again(self, head: Head, body: bytes) -> bool:
        """Answer a whole request whose head is known. False where it must be looked at anew."""
        endpoint = self.endpoint
        target = endpoint.routes.get(head.url)
        if target is None or self.lingering or self.draining or self.flow.write_paused or self.transport.is_closing():
            return False
        try:
            caller = endpoint.guard.check(head.headers)
        except ModelDeployError:
            return False
        if head.length > endpoint.max_body_bytes:
            return False
        answer = endpoint.at_once(target, head.headers, body)
        if type(answer) is Attempt:
            self.deadline = math.inf
            exchange = Exchange(self, target, head.headers, keep_alive=True)
            self.cycle = exchange  # type: ignore[assignment]
            exchange.go_on(answer, caller, body)
            return True
        self.transport.write_later(answer.head_and_body(self.date, keep_alive=True))
        self.server_state.total_requests += 1
        self.deadline = self.loop.time() + IDLE_TIMEOUT_S
        return True

    def _target(self) -> Target | None:
        routes = self.endpoint.routes
        target = routes.get(self.url)
        if target is None:  # with a query, percent-encoded, or the absolute form that proxies are asked in
            target = routes.get(unquote_to_bytes(httptools.parse_url(self.url).path or b"/"))
        return target

    def _asks_for_stream(self) -> bool:
        """Whether this is the handshake of a WebSocket, with no request before it under way."""
        return (
            self.parser.should_upgrade()
            and dict(self.headers).get(b"upgrade", b"").lower() == b"websocket"
            and self.parser.get_method() == b"GET"
            and (self.cycle is None or self.cycle.response_complete)
            and not self.draining
        )

    def _become_websocket(self, rest: bytes) -> None:
        """Hand the connection over, where there is such a stream and whoever asks may use it."""
        from jupyter_modeldeploy.serving.http import websocket  # here, since its library is not for every replica

        headers = dict(self.headers)
        try:
            caller = self.endpoint.guard.check(websocket.credentials(headers))
            target = websocket.target_of(self.endpoint, self.url)
        except ModelDeployError as error:
            self.transport.write(error_reply(error, v2=False).head_and_body(self.date, keep_alive=False))
            self.transport.close()
            return
        lines = [b"GET " + self.url + b" HTTP/1.1", *(name + b": " + value for name, value in self.headers)]
        self.connections.discard(self)
        websocket.WebSocketConnection(self, target, caller, headers).begin(b"\r\n".join(lines) + END, rest)

    def _hand_to_asgi(self) -> None:
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        self.headers += headers
        self.expect_100_continue = (b"expect", b"100-continue") in headers
        super().on_headers_complete()
        if self.draining:
            self.cycle.keep_alive = False
