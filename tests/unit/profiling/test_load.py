"""The load generator against real HTTP servers on this machine."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from http_thread import Unlogged, answering

from jupyter_modeldeploy.errors import InvalidInput, Unavailable
from jupyter_modeldeploy.profiling import load
from jupyter_modeldeploy.progress import Silent


class Echo(Unlogged, BaseHTTPRequestHandler):
    """Answers with the text in the body, odd units from version 2. "fail" is answered 500, "bye" is the last answer of
    its connection, "drop" gets none, nor does "hang" while the test runs."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    released = threading.Event()

    def do_POST(self) -> None:
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"]
        if text == "hang":
            self.released.wait(120)
        if text in ("drop", "hang"):
            self.close_connection = True
            return
        body = json.dumps({"echo": text, "unit": self.headers.get("X-Unit-Id"), "path": self.path}).encode()
        self.send_response(500 if text == "fail" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Model-Version", f"m@{1 + int(self.headers.get('X-Unit-Id', '0')) % 2}")
        if text == "bye":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    request_queue_size = 64


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with answering(Server(("127.0.0.1", 0), Echo)) as server:
        yield f"{server}/predict"
        Echo.released.set()


def send(url: str, *texts: str, **options: object) -> load.LoadResult:
    settings: dict[str, object] = {"requests": len(texts), "keep_answers": True, **options}
    return load.run(load.Load(url=url, payloads=load.predict_payloads(texts), **settings), Silent())  # type: ignore[arg-type]


def test_each_request_gets_its_own_answer_in_the_order_of_sending(url: str) -> None:
    texts = [f"text {number} é" for number in range(7)]
    result = send(url, *texts, requests=100, concurrency=8)
    assert result.answers is not None
    assert [answer["echo"] for answer in result.answers] == [texts[number % 7] for number in range(100)]
    assert result.payload.tolist() == [number % 7 for number in range(100)]
    assert result.status.tolist() == [200] * 100
    assert (result.latency_ms > 0).all()


def test_units_decide_the_version_and_the_answer_names_it(url: str) -> None:
    result = send(url, "a", requests=20, concurrency=3, unit_ids=[str(number) for number in range(20)])
    assert result.version.tolist() == ["m@1", "m@2"] * 10


def test_answers_that_are_not_kept_are_not_there(url: str) -> None:
    assert send(url, "a", requests=3, keep_answers=False).answers is None


def test_failures_are_counted_and_the_load_goes_on(url: str) -> None:
    result = send(url, "a", "fail", "drop", "b")
    assert result.status.tolist() == [200, 500, 0, 200]
    latency = load.summary(result)
    assert (latency.requests, latency.errors, latency.concurrency) == (4, 2, 1)
    answered = result.latency_ms[[0, 3]]
    assert latency.p50 == pytest.approx(float(np.median(answered)))
    assert latency.throughput_rps == pytest.approx(2 / result.wall_s)


def test_an_answer_that_does_not_come_in_time_is_an_error(url: str) -> None:
    result = send(url, "a", "hang", "b", timeout_s=2)
    assert result.status.tolist() == [200, 0, 200]


def test_a_connection_that_the_server_closes_after_its_answer_is_opened_again(url: str) -> None:
    assert send(url, "bye", "bye", "a").status.tolist() == [200, 200, 200]


def test_a_load_can_end_after_a_time(url: str) -> None:
    result = send(url, "a", requests=None, duration_s=0.3, concurrency=2)
    assert len(result.status) >= 2
    assert result.succeeded.all()


def test_the_query_and_the_headers_are_sent(url: str) -> None:
    result = send(url + "?a=1", "a", headers={"X-Unit-Id": "7"})
    assert result.answers == [{"echo": "a", "unit": "7", "path": "/predict?a=1"}]


def test_progress_is_told_up_to_the_last_request(url: str) -> None:
    told: list[float] = []

    class Told(Silent):
        def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
            told.append(done)

    load.run(load.Load(url=url, payloads=load.predict_payloads(["a"]), requests=5), Told())
    assert told[-1] == 5


def test_a_reporter_that_fails_stops_the_load(url: str) -> None:
    class CancelledError(Exception):
        pass

    class Cancelling(Silent):
        def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
            raise CancelledError

    with pytest.raises(CancelledError):
        load.run(load.Load(url=url, payloads=load.predict_payloads(["a"]), duration_s=3600), Cancelling())


def test_an_endpoint_that_is_not_there_is_an_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable, match="answered none of 3 requests"):
            send(f"http://127.0.0.1:{unused.getsockname()[1]}/predict", "a", requests=3)


def test_something_that_does_not_speak_http_is_an_error() -> None:
    for said in (b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort"):
        with Talker(said) as url, pytest.raises(Unavailable, match="answered none"):
            send(url, "a")


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://localhost/x"},
        {"url": "http://localhost:99999/x"},
        {"url": "http://localhost/x y"},
        {"headers": {"X": "a\r\nEvil: 1"}},
        {"unit_ids": ["a\nb"]},
        {"requests": None},
        {"requests": 5, "duration_s": 1.0},
        {"concurrency": 0},
        {"payloads": []},
    ],
)
def test_a_load_that_cannot_be_sent_is_refused(wrong: dict[str, object]) -> None:
    settings: dict[str, object] = {"url": "http://127.0.0.1:1/", "payloads": [b"{}"], "requests": 1, **wrong}
    with pytest.raises(InvalidInput):
        load.run(load.Load(**settings), Silent())  # type: ignore[arg-type]


class Talker:
    """A server that says the same to everyone and closes."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self._ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),))

    def __enter__(self) -> str:
        self._thread.start()
        self._ready.wait()
        return f"http://127.0.0.1:{self._port}/"

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._thread.join()

    async def _serve(self) -> None:
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        self._stop: Callable[[], object] = lambda: loop.call_soon_threadsafe(done.set)
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await done.wait()
        server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self._said)
        await writer.drain()
        writer.close()
