"""What a connection promises: answers in order, limits, and that nothing a client sends harms another."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from serving_service import MAX_BODY, Served


class Connection:
    """A raw connection to the service; `answer` gives status, headers and body of the next response."""

    def __init__(self, served: Served) -> None:
        self.socket = socket.create_connection(("127.0.0.1", served.port), timeout=120)
        self.reader = self.socket.makefile("rb")
        self.token = served.token

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(self, method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Host: test", f"Authorization: Bearer {self.token}", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        status = self.reader.readline()
        if not status:
            raise EOFError
        headers = {}
        while line := self.reader.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return int(status.split()[1]), headers, self.reader.read(int(headers.get("content-length", 0)))

    def at_end(self) -> bool:
        try:
            return self.reader.read(1) == b""
        except ConnectionResetError:
            return True


@contextmanager
def connected(served: Served) -> Iterator[Connection]:
    connection = Connection(served)
    try:
        yield connection
    finally:
        connection.reader.close()
        connection.socket.close()


@pytest.fixture
def connection(served: Served) -> Iterator[Connection]:
    with connected(served) as made:
        yield made


def text(word: str) -> bytes:
    return json.dumps(word).encode()


def slow_body(thousands: float) -> bytes:
    return json.dumps({"inputs": {"x": [[thousands]]}}).encode()


def test_pipelined_requests_are_answered_in_order_whatever_they_are(connection: Connection) -> None:
    connection.send(
        connection.request("POST", "/predict/slow", slow_body(50))
        + connection.request("POST", "/predict/texts", text("good"))
        + connection.request("GET", "/v2/health/live")
        + connection.request("POST", "/predict/slow", slow_body(20))
        + connection.request("GET", "/nothing")
        + connection.request("POST", "/predict/texts", text("bad"))
        + connection.request("POST", "/predict/texts", b"{")
        + connection.request("GET", "/v2")
    )
    answers = [connection.answer() for _ in range(8)]
    assert [status for status, _, _ in answers] == [200, 200, 200, 200, 404, 200, 400, 200]
    assert json.loads(answers[0][2])["predictions"] == [{"y": [50.0]}]
    assert json.loads(answers[1][2])["predictions"][0]["label"] == "positive"
    assert json.loads(answers[3][2])["predictions"] == [{"y": [20.0]}]
    assert json.loads(answers[5][2])["predictions"][0]["label"] == "negative"
    assert json.loads(answers[7][2])["name"] == "jupyter_modeldeploy"


def test_a_long_pipeline_behind_a_slow_request_comes_out_whole(connection: Connection) -> None:
    words = ["good" if n % 2 else "bad" for n in range(1500)]
    connection.send(connection.request("POST", "/predict/slow", slow_body(100)))
    connection.send(b"".join(connection.request("POST", "/predict/texts", text(word)) for word in words))
    assert connection.answer()[0] == 200
    labels = [json.loads(connection.answer()[2])["predictions"][0]["label"] for _ in words]
    assert labels == ["positive" if word == "good" else "negative" for word in words]


def test_a_request_in_many_pieces_is_one_request(connection: Connection) -> None:
    for piece in connection.request("POST", "/predict/texts", text("good film")):
        connection.send(bytes([piece]))
    assert connection.answer()[0] == 200


def test_a_chunked_body_is_read(connection: Connection) -> None:
    head = connection.request("POST", "/predict/texts", b"", "Transfer-Encoding: chunked")
    connection.send(head + b'3\r\n"go\r\n3\r\nod"\r\n0\r\n\r\n')
    assert json.loads(connection.answer()[2])["predictions"][0]["label"] == "positive"


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(connection: Connection) -> None:
    connection.send(connection.request("POST", "/predict/texts", b"", f"Content-Length: {MAX_BODY + 1}"))
    status, headers, body = connection.answer()
    assert (status, headers["connection"]) == (413, "close")
    assert json.loads(body)["error"]["code"] == "too_large"
    connection.socket.shutdown(socket.SHUT_WR)
    assert connection.at_end()


def test_a_chunked_body_that_grows_too_large_is_refused(connection: Connection) -> None:
    connection.send(connection.request("POST", "/v2/models/adder/infer", b"", "Transfer-Encoding: chunked"))
    chunk = b"%x\r\n" % 65536 + b" " * 65536 + b"\r\n"
    for _ in range(MAX_BODY // 65536 + 1):
        connection.send(chunk)
    status, headers, body = connection.answer()
    assert (status, headers["connection"]) == (413, "close")
    assert isinstance(json.loads(body)["error"], str)


def test_the_largest_allowed_body_is_taken(connection: Connection) -> None:
    body = b'"good"'.ljust(MAX_BODY)
    connection.send(connection.request("POST", "/predict/texts", body))
    assert connection.answer()[0] == 200


def test_a_client_that_expects_is_told_to_continue_or_not_to(served: Served, connection: Connection) -> None:
    expect = "Expect: 100-continue"
    connection.send(connection.request("POST", "/predict/texts", b"", expect, "Content-Length: 6"))
    assert connection.answer()[0] == 100
    connection.send(text("good"))
    assert connection.answer()[0] == 200
    connection.send(connection.request("POST", "/predict/texts", b"", expect, f"Content-Length: {MAX_BODY * 2}"))
    assert connection.answer()[0] == 413
    with connected(served) as stranger:
        stranger.token = "wrong"
        stranger.send(stranger.request("POST", "/predict/texts", b"", expect, "Content-Length: 6"))
        assert stranger.answer()[0] == 401


def test_a_connection_is_kept_until_the_client_wants_it_closed(connection: Connection) -> None:
    for _ in range(3):
        connection.send(connection.request("POST", "/predict/texts", text("good")))
        status, headers, _ = connection.answer()
        assert status == 200
        assert "connection" not in headers
    connection.send(connection.request("POST", "/predict/texts", text("good"), "Connection: close"))
    assert connection.answer()[1]["connection"] == "close"
    assert connection.at_end()


def test_http_1_0_is_answered_and_closed(connection: Connection) -> None:
    connection.send(connection.request("POST", "/predict/texts", text("good")).replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert connection.answer()[0] == 200
    assert connection.at_end()


def test_a_refused_request_leaves_the_connection_usable(connection: Connection) -> None:
    good, connection.token = connection.token, "wrong"
    connection.send(connection.request("POST", "/predict/texts", text("good")))
    assert connection.answer()[0] == 401
    connection.token = good
    connection.send(connection.request("POST", "/predict/texts", text("good")))
    assert connection.answer()[0] == 200


def test_a_half_closed_connection_still_gets_its_answer(connection: Connection) -> None:
    connection.send(connection.request("POST", "/predict/slow", slow_body(50)))
    connection.socket.shutdown(socket.SHUT_WR)
    assert connection.answer()[0] == 200
    assert connection.at_end()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"POST /predict HTTP/9.9\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 500_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 500_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_gets_400_and_the_end(connection: Connection, garbage: bytes) -> None:
    connection.send(garbage)
    status, headers, body = connection.answer()
    assert (status, headers["connection"]) == (400, "close")
    assert json.loads(body)["error"]["code"] == "invalid_input"
    assert connection.at_end()


@pytest.mark.parametrize("target", ["http://test/predict/texts", "/predict/texts?", "/%70redict/texts#x"])
def test_each_form_of_a_target_is_understood(connection: Connection, target: str) -> None:
    connection.send(connection.request("POST", target, text("good")))
    assert connection.answer()[0] == 200


@pytest.mark.parametrize("target", ["*", "test:80", "http://test", "/predict//", "/predict/ÿ"])
def test_a_target_that_is_no_route_is_the_callers_fault(connection: Connection, target: str) -> None:
    connection.send(connection.request("POST", target, text("good")))
    assert connection.answer()[0] in (400, 404, 405)


def test_garbage_behind_a_request_does_not_cost_its_answer(connection: Connection) -> None:
    connection.send(connection.request("POST", "/predict/slow", slow_body(50)) + b"\x16\x03\x01garbage\r\n\r\n")
    status, headers, _ = connection.answer()
    assert (status, headers["connection"]) == (200, "close")
    assert connection.at_end()


def test_a_broken_chunk_is_told(connection: Connection) -> None:
    head = connection.request("POST", "/v2/models/adder/infer", b"", "Transfer-Encoding: chunked")
    connection.send(head + b"xyz\r\n")
    assert connection.answer()[0] == 400
    assert connection.at_end()


@pytest.mark.parametrize("path", ["/predict", "/nothing"])
@pytest.mark.parametrize("begun", [b"0\r\n", b"0\r\nx: ", b"2;"])
def test_trailers_without_end_are_refused(connection: Connection, path: str, begun: bytes) -> None:
    connection.send(connection.request("POST", path, b"", "Transfer-Encoding: chunked") + b"2\r\n{}\r\n" + begun)
    more = b"x: y\r\n" * 10_000 if begun == b"0\r\n" else b"x" * 60_000
    with pytest.raises(ConnectionError):
        connection.send(more * 500)


def test_trailers_change_nothing(served: Served, connection: Connection) -> None:
    connection.send(
        b"POST /v2/repository/index HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
        b"0\r\nAuthorization: Bearer %b\r\n\r\n" % served.token.encode()
    )
    assert connection.answer()[0] == 401


def test_a_client_that_does_not_read_holds_nobody_up(served: Served) -> None:
    rows = 20_000
    body = json.dumps({"inputs": {"x": [[1, 2, 3, 4]] * rows}}).encode()
    assert len(body) < MAX_BODY
    with connected(served) as lazy:
        lazy.send(lazy.request("POST", "/predict/adder", body) * 8)
        for _ in range(20):
            assert served.client.post("/predict/texts", json="good").status_code == 200
        assert [lazy.answer()[0] for _ in range(8)] == [200] * 8


def test_a_client_that_leaves_harms_nobody(served: Served) -> None:
    for _ in range(4):
        with connected(served) as leaving:
            leaving.send(leaving.request("POST", "/predict/slow", slow_body(300)))
    assert served.client.post("/predict/slow", json={"inputs": {"x": [[1.0]]}}).status_code == 200
