"""Many small files come over connections that stay open, and whatever goes wrong ends as with any other file."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256

import httpx
import pytest
from faulty_server import Fault, FaultyServer, serving

from jupyter_modeldeploy.errors import ModelDeployError, NotFound, Overloaded, Unavailable, UnsafeContent
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import RemoteFile
from jupyter_modeldeploy.sources.transfer import flow
from jupyter_modeldeploy.sources.transfer.answers import InterruptionError
from jupyter_modeldeploy.sources.transfer.cache import Cache
from jupyter_modeldeploy.sources.transfer.plain_connection import Answer, PlainConnection

CONTENTS = {f"{number:02}": os.urandom(1_000) for number in range(20)}
MIDDLE = "10"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    monkeypatch.setattr(flow, "FIRST_DELAY_S", 0.01)
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_PARALLEL_DOWNLOADS", "1")
    with serving() as running:
        running.files = {**CONTENTS}
        yield running


def get(server: FaultyServer, headers: Callable[[str], dict[str, str]] = lambda url: {}) -> list[bytes]:
    files = [
        RemoteFile(path=name, url=f"{server.url}/{name}", size=len(content), sha256=sha256(content).hexdigest())
        for name, content in CONTENTS.items()
    ]
    cache = Cache(Settings(), headers, allowed_hosts=[server.address])
    return [path.read_bytes() for path in cache.get(files, Silent(), "Downloading")]


def test_one_thread_keeps_its_connection(server: FaultyServer) -> None:
    assert get(server) == [*CONTENTS.values()]
    assert len(server.requests) == len(CONTENTS)
    assert server.connections == 2, "the HTTP library's for the first file, its own for the others"


PASSING = {
    "dropped": [Fault(drop_after=300)],
    "nothing arrives": [Fault(drop_after=0)],
    "503": [Fault(status=503, retry_after=0)],
    "redirected within the server": [Fault(status=307, location="/elsewhere")],
    "redirected round and round": [Fault(status=307, location=f"/{MIDDLE}")] * 9,
    "redirected to nowhere": [Fault(status=302, location="http://[")],
    "not modified": [Fault(status=304)],
}


@pytest.mark.parametrize("case", PASSING)
def test_what_goes_wrong_with_one_file_delays_only_that(case: str, server: FaultyServer) -> None:
    server.faults[MIDDLE] = [*PASSING[case]]
    server.files["elsewhere"] = CONTENTS[MIDDLE]
    assert get(server) == [*CONTENTS.values()]
    assert all(len(server.ranges(name)) == 1 for name in CONTENTS if name != MIDDLE)


def test_a_redirect_to_another_server_takes_no_credentials_along(server: FaultyServer) -> None:
    with serving() as other:
        other.files = {"elsewhere": CONTENTS[MIDDLE]}
        server.faults[MIDDLE], server.forever = [Fault(status=302, location=f"{other.url}/elsewhere")], {MIDDLE}
        assert get(server, lambda url: {"Authorization": "Bearer secret"}) == [*CONTENTS.values()]
        assert [one.get("Authorization") for one in other.headers] == [None]
        assert {one.get("Authorization") for one in server.headers} == {"Bearer secret"}


FAILING: dict[str, tuple[Fault, type[ModelDeployError], str]] = {
    "damaged": (Fault(damage=True), UnsafeContent, "published is"),
    "storm of 429": (Fault(status=429, retry_after=0), Overloaded, "asks for fewer requests"),
    "always dropped": (Fault(drop_after=300), Unavailable, "could not be downloaded"),
    "announces more": (Fault(announced=2_000), Unavailable, "could not be downloaded|the listing says"),
    "announces less": (Fault(announced=500), Unavailable, "the listing says"),
    "endless": (Fault(content=bytes(1 << 20)), Unavailable, "the listing says"),
    "gone": (Fault(status=404), NotFound, f"answered 404 for {MIDDLE}"),
    "redirected to a private host": (Fault(status=302, location="http://10.0.0.1/"), UnsafeContent, "private"),
}


@pytest.mark.parametrize("case", FAILING)
def test_what_goes_wrong_for_good_is_said(case: str, server: FaultyServer) -> None:
    fault, error, message = FAILING[case]
    server.faults[MIDDLE], server.forever = [fault], {MIDDLE}
    with pytest.raises(error, match=message):
        get(server)
    server.faults.clear()
    assert get(server) == [*CONTENTS.values()], "what arrived before is kept, and is right"


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
ANSWER = Answer(200, {"content-length": "2"}, b"OK")


def test_every_request_has_the_same_headers_each_once(server: FaultyServer) -> None:
    wanted = {"Accept": "application/octet-stream", "User-Agent": "somebody", "Authorization": "Bearer secret"}
    get(server, lambda url: wanted)
    first, *others = [{name.lower(): value for name, value in headers.items()} for headers in server.headers]
    assert all(len(headers) == len({*headers.keys()}) for headers in server.headers)
    assert {name: first[name.lower()] for name in wanted} == wanted
    assert all(headers | {"connection": "keep-alive"} == first for headers in others)


@contextmanager
def talking(*connections: Sequence[bytes]) -> Iterator[PlainConnection]:
    """To a server that answers the requests of each connection with these bytes, then closes it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for answers in connections:
                with listening.accept()[0] as accepted:
                    for answer in answers:
                        accepted.recv(1 << 16)
                        accepted.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        address, port = listening.getsockname()
        connection = PlainConnection(lambda: socket.create_connection((address, port), 10))
        yield connection
        connection.close()
        thread.join()


def ask(connection: PlainConnection, headers: dict[str, str] | None = None) -> Answer | None:
    return connection.get(httpx.URL("http://example.test/a%20file?x=1"), headers or {}, 100)


def test_a_connection_that_was_closed_meanwhile_is_opened_anew() -> None:
    with talking([OK, OK], [OK]) as connection:
        assert [ask(connection) for _ in range(3)] == [ANSWER] * 3


def test_a_connection_that_the_server_closes_is_opened_anew_past_the_guard() -> None:
    with talking([OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")], [OK]) as connection:
        assert [answer and answer.body for answer in (ask(connection), ask(connection))] == [b"OK", b"OK"]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(100_000),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nOK",
    ],
)
def test_a_long_answer_or_one_of_unknown_length_is_for_others(answer: bytes) -> None:
    with talking([answer], [OK]) as connection:
        assert [ask(connection), ask(connection)] == [None, ANSWER]


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.7\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, OK[:-1], b""]
)
def test_what_is_no_whole_answer_is_an_interruption(answer: bytes) -> None:
    with talking([answer], [OK]) as connection:
        with pytest.raises(InterruptionError):
            ask(connection)
        assert ask(connection) == ANSWER


def test_nothing_is_smuggled_into_a_request() -> None:
    with talking([OK]) as connection:
        assert ask(connection, {"Authorization": "a\r\nX: b"}) is None
        assert ask(connection) == ANSWER
