"""Requests that are large, or large once decompressed, hold nobody else up and are answered as small ones are."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
from typing import IO, Any

import pytest
from serving_service import MAX_BODY, Served

INFER = "/v2/models/adder/infer"
ROWS = 15_000  # a body of more than 256 KiB


def body(rows: int, **changed: Any) -> bytes:
    tensor = {"name": "x", "shape": [rows, 4], "datatype": "FP32", "data": [1] * 4 * rows} | changed
    return json.dumps({"id": "7", "inputs": [tensor]}, separators=(", ", ":")).encode()


def test_a_large_request_is_answered(served: Served) -> None:
    content = body(ROWS, data=[1.25] * 4 * ROWS)
    assert 256 * 1024 < len(content) < MAX_BODY
    for path, expected in (("/v2/models/adder/versions/1/infer", 2.25), ("/v2/models/adder/versions/2/infer", 3.25)):
        answer = served.client.post(path, content=content).json()
        assert answer["id"] == "7"
        assert answer["outputs"][0]["shape"] == [ROWS, 4]
        assert set(answer["outputs"][0]["data"]) == {expected}


@pytest.mark.parametrize("encoded", [True, False])
def test_a_large_request_that_is_wrong_is_refused(served: Served, encoded: bool) -> None:
    headers = {"Content-Encoding": "gzip"} if encoded else {}
    for content in (body(ROWS, shape=[ROWS, 5]), body(ROWS)[:-2], body(ROWS, data=["a"] * 4 * ROWS)):
        sent = gzip.compress(content) if encoded else content
        answer = served.client.post(INFER, content=sent, headers=headers)
        assert answer.status_code == 400
        assert answer.headers["x-model-version"].startswith("adder@")


def test_answers_stay_in_the_order_of_pipelined_requests(served: Served) -> None:
    rows = [1, ROWS, 2, ROWS + 1, 3]
    with connected(served) as connection, connection.makefile("rb") as answers:
        for count in rows:
            connection.sendall(request(served, body(count)))
        assert [shape(answers)[0] for _ in rows] == rows


def test_clients_that_leave_meanwhile_harm_nobody(served: Served) -> None:
    for _ in range(20):
        with connected(served) as connection:
            connection.sendall(request(served, body(ROWS)))
    assert served.client.post(INFER, content=body(1)).status_code == 200


def connected(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.port), timeout=120)


def request(served: Served, content: bytes) -> bytes:
    head = f"POST {INFER} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {served.token}\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def shape(answers: IO[bytes]) -> list[int]:
    """That of the next answer's output."""
    headers = http.client.parse_headers(answers) if answers.readline().startswith(b"HTTP/1.1 200") else {}
    answer = json.loads(answers.read(int(headers["content-length"])))
    return list(answer["outputs"][0]["shape"])
