"""Clients that go away in the middle, or read nothing, leave no memory behind."""

from __future__ import annotations

import json
import socket
import time

import psutil
import pytest
from serving_service import MAX_BODY, Served

from jupyter_modeldeploy import processes

CLIENTS = 60
ROUNDS = 4
MARGIN_BYTES = 48 * 2**20
"""A fifth of the bodies that come in all rounds; what allocators keep for reuse varies by less."""
SOON_S = 120.0
BIG = json.dumps(
    {"inputs": [{"name": "x", "shape": [40_000, 4], "datatype": "FP32", "data": [1.5] * 160_000}]}
).encode()


def resident(served: Served) -> int:
    """Bytes of all processes of the service."""
    assert served.service.process is not None
    return sum(psutil.Process(process.pid).memory_info().rss for process in processes.group(served.service.process))


def request(served: Served, body: bytes, length: int | None = None) -> bytes:
    length = len(body) if length is None else length
    head = f"POST /v2/models/adder/infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.token}\r\n"
    return f"{head}Content-Length: {length}\r\n\r\n".encode() + body


def connected(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.port), timeout=SOON_S)


def leave_before_the_end(served: Served) -> None:
    """A large body, all but its last byte, on each of many connections at once, which then end."""
    clients = [connected(served) for _ in range(CLIENTS)]
    for client in clients:
        client.sendall(request(served, BIG, len(BIG) + 1))
    for client in clients:
        client.close()


def leave_before_the_answer(served: Served) -> None:
    """A large request, whole, whose answer nobody waits for."""
    clients = [connected(served) for _ in range(CLIENTS)]
    for client in clients:
        client.sendall(request(served, BIG))
        client.close()


def read_nothing(served: Served) -> None:
    """Requests one behind the other whose answers are not read; in the end the client goes."""
    clients = [connected(served) for _ in range(CLIENTS // 4)]
    for client in clients:
        client.settimeout(0.2)
        try:
            for _ in range(8):
                client.sendall(request(served, BIG))
        except TimeoutError:  # the service reads no more until its answers are read
            continue
    for client in clients:
        client.close()


def wait_until_quiet(served: Served) -> None:
    """Until the service has dealt with all who left, so that no round meets those of another."""
    deadline = time.monotonic() + SOON_S
    while 'connections{replica="0"} 1\n' not in served.client.get("/metrics").text and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.mark.parametrize("annoy", [leave_before_the_end, leave_before_the_answer, read_nothing])
def test_memory_is_free_again(unharmed: Served, annoy) -> None:
    assert len(BIG) < MAX_BODY
    for _ in range(ROUNDS):  # what allocators keep for reuse is there afterwards
        annoy(unharmed)
        wait_until_quiet(unharmed)
    unharmed.client.post("/predict/texts", json="good").raise_for_status()
    before = resident(unharmed)
    for _ in range(ROUNDS):
        annoy(unharmed)
        wait_until_quiet(unharmed)
    deadline = time.monotonic() + SOON_S
    while resident(unharmed) > before + MARGIN_BYTES and time.monotonic() < deadline:
        time.sleep(0.1)
    assert resident(unharmed) <= before + MARGIN_BYTES


def test_what_a_peak_took_is_given_back(unharmed: Served) -> None:
    before = resident(unharmed)
    clients = [connected(unharmed) for _ in range(4 * CLIENTS)]
    for client in clients:
        client.sendall(request(unharmed, BIG, len(BIG) + 1))
    deadline = time.monotonic() + SOON_S
    while resident(unharmed) < before + 2 * MARGIN_BYTES:
        assert time.monotonic() < deadline, "the bodies were never there"
        time.sleep(0.05)
    for client in clients:
        client.close()
    deadline = time.monotonic() + SOON_S
    while (now := resident(unharmed)) > before + MARGIN_BYTES and time.monotonic() < deadline:
        time.sleep(0.1)
    assert now <= before + MARGIN_BYTES
