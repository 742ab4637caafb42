"""Whatever bytes come, and however they come, the service answers the next client and its log shows no failure."""

from __future__ import annotations

import random
import socket
import struct
from contextlib import suppress

import pytest
from serving_service import Served

from jupyter_modeldeploy.serving import lifecycle

CONNECTIONS = 500
METHODS = ["POST"] * 6 + ["GET", "HEAD", "OPTIONS", "CONNECT", "PRI"]
TARGETS = [
    "/v2/models/adder/infer",
    "/predict",
    "/v2",
    "/metrics",
    "/%70redict?x=%",
    "*",
    "http://x/predict",
    "//",
    "/ÿ",
]
HEADERS = [
    "",
    "Connection: close\r\n",
    "Connection: Upgrade\r\nUpgrade: h2c\r\n",
    "Expect: 100-continue\r\n",
    "Content-Encoding: gzip\r\n",
    "Inference-Header-Content-Length: 40\r\n",
    "X-Unit-Id: \xff\xfe\r\n",
]
BODY = b'{"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}]}'
RESET = struct.pack("ii", 1, 0)  # closing then resets the connection


def request(chance: random.Random, token: str) -> bytes:
    version = chance.choice(["1.1"] * 5 + ["1.0"])
    start = f"{chance.choice(METHODS)} {chance.choice(TARGETS)} HTTP/{version}\r\n"
    head = f"{start}Host: x\r\nAuthorization: Bearer {token}\r\n{chance.choice(HEADERS)}"
    if chance.random() < 0.7:
        made = f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode("latin-1") + BODY
    else:
        made = f"{head}Transfer-Encoding: chunked\r\n\r\n{len(BODY):x}\r\n".encode("latin-1") + BODY + b"\r\n0\r\n\r\n"
    damaged = bytearray(made)
    for _ in range(chance.choice([0, 0, 0, 1, 4])):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)


def annoy(served: Served, chance: random.Random) -> None:
    """One connection of a few requests, valid or damaged, in pieces of some size, which may end at any moment."""
    data = b"".join(request(chance, served.token) for _ in range(chance.randint(1, 6)))
    with socket.create_connection(("127.0.0.1", served.port)) as client, suppress(ConnectionError, TimeoutError):
        client.settimeout(0.02)
        while data:
            size = chance.choice([10, 100, 1000, 10000])
            client.sendall(data[:size])
            data = data[size:]
        if chance.random() < 0.5:
            client.recv(65536)
        if chance.random() < 0.3:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


@pytest.mark.parametrize("seed", [1, 2])
def test_no_sequence_of_bytes_harms_the_service(served: Served, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(CONNECTIONS):
        annoy(served, chance)
    assert served.client.post("/predict/texts", json="good").status_code == 200
    assert "Traceback" not in lifecycle.log_tail(served.store, "robust", 1000)
