"""No client holds a connection for ever, and none takes those of all others. Real sockets; time is only told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tiny_onnx
import uvicorn
from uvicorn.server import ServerState

from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.serving.access import guard
from jupyter_modeldeploy.serving.endpoint import Endpoint, ModelRoute
from jupyter_modeldeploy.serving.execution.instances import Instances
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.http.app import Application
from jupyter_modeldeploy.serving.http.exchange import IDLE_TIMEOUT_S
from jupyter_modeldeploy.serving.http.heads import MAX_HEAD_BYTES, MAX_HEADS, Heads
from jupyter_modeldeploy.serving.http.outbox import Outbox
from jupyter_modeldeploy.serving.http.protocol import (
    BODY_TIMEOUT_S,
    HEADER_TIMEOUT_S,
    LINGER_S,
    MIN_BYTES_PER_S,
    InferenceProtocol,
)
from jupyter_modeldeploy.serving.metrics import Metrics
from jupyter_modeldeploy.serving.plan import PlannedVersion
from jupyter_modeldeploy.tokens import Tokens

MAX_BODY = 2**20
HEAD = "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n"
GOOD = b'{"inputs": {"x": [[1, 2, 3, 4]]}}'


@dataclass
class Client:
    """A client's end of a connection, and the server's."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: InferenceProtocol

    async def send(self, data: bytes, until: Callable[[], bool]) -> None:
        self.writer.write(data)
        while not until():
            await asyncio.sleep(0.001)

    def expired(self, seconds: float) -> bool:
        """Whether the server gives this connection up after so much time from now."""
        return self.server.expired(asyncio.get_running_loop().time() + seconds)


class Server:
    """A server of one model in this event loop; `close` ends the connections at both ends."""

    def __init__(self, port: int, state: ServerState) -> None:
        self.state = state
        self._port = port
        self._clients: list[Client] = []

    async def connect(self) -> Client:
        before = set(self.state.connections)
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while not (made := set(self.state.connections) - before):
            await asyncio.sleep(0.001)
        connection = made.pop()
        assert isinstance(connection, InferenceProtocol)
        self._clients.append(Client(reader, writer, connection))
        return self._clients[-1]

    async def close(self) -> None:
        for client in self._clients:
            client.writer.transport.abort()
        while self.state.connections:
            await asyncio.sleep(0.001)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Server], Awaitable[Any]]], Any]:
    """Runs a scenario with a server of one model, for at most two minutes."""
    planned = PlannedVersion(
        number=1, weight=1, format=Format.onnx, task="tensor", folder=tiny_onnx.add_one(tmp_path / "adder")
    )
    metrics = Metrics(tmp_path, 0)
    version = ServedVersion("adder", planned, metrics.version("adder", "1"))
    version.warm_up()

    async def main(scenario: Callable[[Server], Awaitable[Any]]) -> Any:
        loop = asyncio.get_running_loop()
        instances = Instances(1, 8, 3600.0, loop)
        models = [ModelRoute("service", "adder", [version], [1.0])]
        endpoint = Endpoint("service", models, guard(None), instances, metrics, MAX_BODY)
        monkeypatch.setattr(InferenceProtocol, "endpoint", endpoint, raising=False)
        monkeypatch.setattr(InferenceProtocol, "outbox", Outbox(loop), raising=False)
        monkeypatch.setattr(InferenceProtocol, "max_connections", 4, raising=False)
        config = uvicorn.Config(Application(endpoint), ws="none", lifespan="off", log_config=None)
        config.load()
        state = ServerState()
        listening = await loop.create_server(lambda: InferenceProtocol(config, state, {}), "127.0.0.1", 0)
        server = Server(listening.sockets[0].getsockname()[1], state)
        try:
            async with asyncio.timeout(120):
                return await scenario(server)
        finally:
            await server.close()
            listening.close()
            await listening.wait_closed()
            instances.close()

    return lambda scenario: asyncio.run(main(scenario))


def test_a_client_that_sends_nothing_is_given_up(run: Any) -> None:
    async def scenario(server: Server) -> None:
        client = await server.connect()
        assert not client.expired(IDLE_TIMEOUT_S / 2)
        assert client.expired(IDLE_TIMEOUT_S)

    run(scenario)


def test_a_request_that_is_there_but_not_yet_read_came_in_time(run: Any) -> None:
    async def scenario(server: Server) -> None:
        client = await server.connect()
        client.writer.write(HEAD.format(len(GOOD)).encode() + GOOD)
        assert not client.expired(IDLE_TIMEOUT_S)
        assert b"200" in await client.reader.readline()

    run(scenario)


def test_headers_that_come_in_drops_are_given_up(run: Any) -> None:
    async def scenario(server: Server) -> None:
        client = await server.connect()
        await client.send(b"POST /predict HTTP/1.1\r\n", lambda: client.server.in_headers)
        assert not client.expired(HEADER_TIMEOUT_S / 2)
        deadline = client.server.deadline
        await client.send(b"X: y\r\n", lambda: client.server.header_bytes > 0)
        assert client.server.deadline == deadline

    run(scenario)


def test_a_body_that_comes_in_drops_is_given_up(run: Any) -> None:
    async def scenario(server: Server) -> None:
        client = await server.connect()
        await client.send(HEAD.format(1000).encode(), lambda: client.server.in_body)
        assert not client.expired(BODY_TIMEOUT_S / 2)
        deadline = client.server.deadline
        await client.send(b"x", lambda: client.server.deadline != deadline)
        assert client.server.deadline <= deadline + 1 / MIN_BYTES_PER_S

    run(scenario)


def test_what_ends_a_connection_comes_after_its_held_answer(run: Any) -> None:
    """A tiny model's answer waits for others to leave with, but not for longer than its connection lives."""
    request = HEAD.format(len(GOOD)).encode() + GOOD

    async def scenario(server: Server) -> None:
        for what, rest, last in (
            ("garbage", b"\x16\x03\x01garbage\r\n\r\n", b"HTTP/1.1 400"),
            (
                "an upgrade",
                b"POST /predict HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
                b"HTTP/1.1 ",
            ),
            ("the end", b"", b"HTTP/1.1 200"),
        ):
            client = await server.connect()
            client.writer.write(request + rest)
            client.writer.write_eof()
            answers = await client.reader.read()
            assert answers.startswith(b"HTTP/1.1 200"), what
            assert answers[answers.rindex(b"HTTP/1.1 ") :].startswith(last), what

    run(scenario)


def test_an_answered_client_has_time_for_its_next_request(run: Any) -> None:
    async def scenario(server: Server) -> None:
        client = await server.connect()
        client.writer.write(HEAD.format(len(GOOD)).encode() + GOOD)
        assert b"200" in await client.reader.readline()
        assert not client.expired(IDLE_TIMEOUT_S / 2)
        assert client.expired(IDLE_TIMEOUT_S)

    run(scenario)


@pytest.mark.parametrize("header", ["", "Connection: close\r\n"])
def test_a_client_that_never_reads_its_answer_is_cut_off(run: Any, header: str) -> None:
    body = b'{"inputs": {"x": [' + b"[1,2,3,4]," * 50_000 + b"[1,2,3,4]]}}"
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\n{header}Content-Length: {len(body)}\r\n\r\n"

    async def scenario(server: Server) -> None:
        client = await server.connect()
        for end, buffer in ((client.writer, socket.SO_RCVBUF), (client.server.transport, socket.SO_SNDBUF)):
            end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, buffer, 8192)  # little room in the kernel
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        written = client.server.transport.get_write_buffer_size
        await client.send(head.encode() + body, lambda: written() > 0)
        now = asyncio.get_running_loop().time() + IDLE_TIMEOUT_S
        assert client.server.expired(now)
        client.server.expire(now)
        now += IDLE_TIMEOUT_S
        assert client.server.expired(now)
        client.server.expire(now)
        while server.state.connections:
            await asyncio.sleep(0.001)

    run(scenario)


def test_a_connection_too_many_is_told_so_and_harms_no_other(run: Any) -> None:
    async def scenario(server: Server) -> None:
        clients = [await server.connect() for _ in range(5)]
        assert b"503" in await clients[-1].reader.readline()
        assert clients[-1].expired(LINGER_S)
        clients[0].writer.write(HEAD.format(len(GOOD)).encode() + GOOD)
        assert b"200" in await clients[0].reader.readline()

    run(scenario)


@pytest.mark.parametrize("path", ["POST /predict", "GET /v2"])
def test_a_wish_to_upgrade_is_answered_in_http_and_the_connection_closed(run: Any, path: str) -> None:
    head = f"{path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"

    async def scenario(server: Server) -> bytes:
        client = await server.connect()
        body = GOOD if path.startswith("POST") else b""
        client.writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return await client.reader.read()

    assert b"connection: close" in run(scenario)


async def _asked(client: Client, request: bytes) -> bytes:
    """The answer to a request, without its date."""
    client.writer.write(request)
    head = await client.reader.readuntil(b"\r\n\r\n")
    length = int(next(line for line in head.split(b"\r\n") if line.startswith(b"content-length")).split()[1])
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"date")]
    return b"\r\n".join(lines) + await client.reader.readexactly(length)


def test_a_head_that_is_known_is_answered_as_it_was(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(server: Server) -> None:
        heads = Heads()
        monkeypatch.setattr(InferenceProtocol, "heads", heads)
        client, other = await server.connect(), await server.connect()
        request = HEAD.format(len(GOOD)).encode() + GOOD
        first = await _asked(client, request)
        assert heads.get(request[: -len(GOOD)]) is not None
        assert await _asked(client, request) == first
        assert await _asked(other, request) == first
        two = await _asked(client, request + request[:40])  # the rest of the second comes later
        assert two == first
        assert await _asked(client, request[40:]) == first

    run(scenario)


def test_a_known_head_lets_nobody_in(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)

    async def scenario(server: Server) -> None:
        monkeypatch.setattr(InferenceProtocol, "heads", Heads())
        monkeypatch.setattr(InferenceProtocol.endpoint, "guard", guard(tmp_path))
        client = await server.connect()
        bearer = f"\r\nAuthorization: Bearer {tokens.ensure_own()}\r\n\r\n"
        head = HEAD.format(len(GOOD)).replace("\r\n\r\n", bearer).encode()
        assert b" 200 " in await _asked(client, head + GOOD)
        tokens.rotate("owner")
        InferenceProtocol.endpoint.guard.refresh()
        assert b" 401 " in await _asked(client, head + GOOD)

    run(scenario)


@pytest.mark.parametrize(
    "line", ["Transfer-Encoding: chunked", "Expect: 100-continue", "Connection: keep-alive", "Upgrade: h2c"]
)
def test_only_plain_heads_are_kept(line: str) -> None:
    heads = Heads()
    name, _, value = line.partition(": ")
    request = HEAD.format(2).replace("\r\n\r\n", f"\r\n{line}\r\n\r\n").encode() + b"{}"
    heads.remember(request, b"/predict", {name.lower().encode(): value.encode(), b"content-length": b"2"})
    assert heads.get(request[:-2]) is None


def test_heads_take_bounded_memory() -> None:
    heads = Heads()
    heads.remember(HEAD.format(2).encode() + b"{}", b"/", {b"content-length": b"2"})
    assert heads.get(HEAD.format(2).encode()) is not None
    for number in range(MAX_HEADS):
        heads.remember(b"%d %b{}" % (number, HEAD.format(2).encode()), b"/", {b"content-length": b"2"})
    assert heads.get(HEAD.format(2).encode()) is None
    long = HEAD.format(2).replace("localhost", "l" * MAX_HEAD_BYTES).encode() + b"{}"
    heads.remember(long, b"/", {b"content-length": b"2"})
    assert heads.get(long[:-2]) is None
