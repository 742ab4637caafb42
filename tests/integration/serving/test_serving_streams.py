"""Streams of requests over a WebSocket: answered in order, kept within bounds, closed with the code that says why."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import tiny_onnx
import websocket
from serving_service import MAX_BODY, Served, add, spec
from websocket import ABNF, WebSocket

from jupyter_modeldeploy.serving import lifecycle

X = {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}
Open = Callable[..., WebSocket]


@pytest.fixture
def stream(served: Served) -> Iterator[Open]:
    opened: list[WebSocket] = []

    def connect(path: str, url: str | None = None, token: str | None = served.token, **more: Any) -> WebSocket:
        header = [f"Authorization: Bearer {token}"] if token else []
        address = (url or str(served.service.url)).replace("http", "ws", 1) + path
        opened.append(websocket.create_connection(address, header=header, timeout=120, suppress_origin=True, **more))
        return opened[-1]

    yield connect
    for one in opened:
        one.shutdown()


def ask(socket: WebSocket, body: object) -> Any:
    socket.send(json.dumps(body))
    return json.loads(socket.recv())


def close_code(socket: WebSocket) -> int:
    """The code of the close frame that comes, past whatever comes before it."""
    while True:
        opcode, data = socket.recv_data(control_frame=True)
        if opcode == ABNF.OPCODE_CLOSE:
            code: int = struct.unpack("!H", data[:2])[0]
            return code


def test_requests_are_answered_in_their_order(stream: Open) -> None:
    socket = stream("/v2/models/slow/stream")
    for number in range(100):
        work = 200.0 if number % 10 == 0 else 0.0
        one = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [work, number]}
        socket.send(json.dumps({"id": str(number), "inputs": [one]}))
    for number in range(100):
        answer = json.loads(socket.recv())
        assert answer["id"] == str(number)
        assert answer["outputs"][0]["data"][1] == number


@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        ("/predict/stream", {"inputs": {"x": [[1, 2, 3, 4]]}}, "adder@"),
        ("/predict/texts/stream", {"text": "good film"}, "texts@1"),
        ("/predict/adder/versions/3/stream", {"inputs": {"x": [[1, 2, 3, 4]]}}, "adder@3"),
    ],
)
def test_a_task_is_asked_in_its_own_words(stream: Open, path: str, body: object, model: str) -> None:
    assert ask(stream(path), body)["model"].startswith(model)


def test_binary_tensors_go_both_ways(stream: Open) -> None:
    socket = stream("/v2/models/adder/versions/2/stream")
    tensor = {"name": "x", "shape": [1, 4], "datatype": "FP32", "parameters": {"binary_data_size": 16}}
    header = json.dumps({"id": "a", "inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    data = np.arange(4, dtype="<f4").tobytes()
    socket.send_binary(struct.pack("<I", len(header)) + header + data)
    answer = socket.recv()
    (length,) = struct.unpack_from("<I", answer)
    assert json.loads(answer[4 : 4 + length])["id"] == "a"
    assert np.frombuffer(answer[4 + length :], "<f4").tolist() == [2, 3, 4, 5]


def test_an_error_is_an_answer(stream: Open) -> None:
    socket = stream("/v2/models/adder/stream")
    told = ask(socket, {"id": "7", "inputs": []})
    assert (told["id"], told["status"]) == ("7", 400)
    for body in ("{", "[]", '{"id": 1}'):
        socket.send(body)
        assert json.loads(socket.recv())["status"] == 400
    for message in (b"", b"abc", b"\xff\xff\xff\xff{}"):
        socket.send_binary(message)
        assert json.loads(socket.recv())["status"] == 400
    assert ask(socket, {"id": "8", "inputs": [X]})["id"] == "8"


def test_a_ping_is_answered(stream: Open) -> None:
    socket = stream("/v2/models/adder/stream")
    socket.ping("here")
    opcode, data = socket.recv_data(control_frame=True)
    assert (opcode, data) == (ABNF.OPCODE_PONG, b"here")


def test_a_browsers_script_names_the_token_as_a_subprotocol(stream: Open, served: Served) -> None:
    socket = stream("/predict/stream", token=None, subprotocols=["modeldeploy", f"bearer.{served.token}"])
    assert socket.getsubprotocol() == "modeldeploy"
    assert "model" in ask(socket, {"inputs": {"x": [[1, 2, 3, 4]]}})


@pytest.mark.parametrize(
    ("path", "named", "status"),
    [
        ("/predict/stream", {"token": None}, 401),
        ("/predict/stream", {"token": "wrong"}, 401),
        ("/predict/stream", {"token": None, "subprotocols": ["bearer.wrong"]}, 401),
        ("/predict/nothing/stream", {}, 404),
        ("/v2/models/adder/infer", {}, 404),
        ("/predict/texts", {}, 404),
    ],
)
def test_the_handshake_is_refused(stream: Open, path: str, named: dict[str, Any], status: int) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        stream(path, **named)
    assert refused.value.status_code == status


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (ABNF.create_frame(b"\xff\xfe", ABNF.OPCODE_TEXT).format(), 1007),
        (ABNF.create_frame(b" " * (MAX_BODY + 1), ABNF.OPCODE_TEXT).format(), 1009),
        (b"\x81\x02{}", 1002),
        (b"\xc1\x80\0\0\0\0", 1002),
        (b"\x83\x80\0\0\0\0", 1002),
        (ABNF(1, 0, 0, 0, ABNF.OPCODE_CONT, 1, b"x").format(), 1002),
    ],
    ids=["no UTF-8", "too large", "not masked", "reserved bit", "no opcode", "goes on with nothing"],
)
def test_hostile_frames_close_the_connection_with_their_code(stream: Open, frame: bytes, code: int) -> None:
    socket = stream("/predict/stream")
    with suppress(BrokenPipeError, ConnectionResetError):  # it may be closed before all of it was sent
        socket.sock.sendall(frame)
    assert close_code(socket) == code


def test_one_after_the_other_a_flood_is_answered(stream: Open) -> None:
    """Ten thousand requests of one connection wait in the client, not in the service."""
    import threading

    socket = stream("/predict/adder/stream")
    body = json.dumps({"inputs": {"x": [[1, 2, 3, 4]]}})
    sender = threading.Thread(target=lambda: [socket.send(body) for _ in range(10_000)])
    sender.start()
    assert all("predictions" in json.loads(socket.recv()) for _ in range(10_000))
    sender.join()


def test_a_stopping_service_answers_and_then_goes_away(stream: Open, served: Served, tmp_path: Any) -> None:
    add(served.store, "stopping", tiny_onnx.slow(tmp_path / "slow"))
    service = lifecycle.start(served.store, spec("stopping", ("stopping", [1])), "tester")
    try:
        socket = stream("/predict/stream", url=str(service.url), token=served.store.service_token("stopping"))
        socket.send(json.dumps({"inputs": {"x": [[300.0, 1.0]]}}))
        socket.ping()
        socket.recv_data(control_frame=True)
        served.store.services.get("stopping")
    finally:
        stopped = lifecycle.stop(served.store, "stopping")
    assert stopped.state == "stopped"
    assert close_code(socket) == 1001
