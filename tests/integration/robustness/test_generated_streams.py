"""Bad messages over a WebSocket: each has an answer, in its turn; bad frames end the connection and nothing else."""

from __future__ import annotations

import contextlib
import json
import socket
import struct

import pytest
import websocket
from bad_requests import BODIES, FILES, examples
from hypothesis import given
from hypothesis import strategies as st
from serving_service import MAX_BODY, Served

PATHS = ["/v2/models/adder/stream", "/v2/models/texts/versions/1/stream", "/predict/stream", "/predict/pictures/stream"]
TIMEOUT_S = 120.0
MESSAGES = st.tuples(st.booleans(), st.one_of(BODIES, st.sampled_from(FILES)))


def opened(served: Served, path: str) -> websocket.WebSocket:
    header = [f"Authorization: Bearer {served.token}"]
    return websocket.create_connection(f"ws://127.0.0.1:{served.port}{path}", header=header, timeout=TIMEOUT_S)


@examples(150)
@given(path=st.sampled_from(PATHS), messages=st.lists(MESSAGES, min_size=1, max_size=20))
def test_each_message_has_an_answer(unharmed: Served, path: str, messages: list[tuple[bool, bytes]]) -> None:
    with contextlib.closing(opened(unharmed, path)) as connection:
        for text, content in messages:
            if text and is_text(content):
                connection.send(content.decode())
            else:
                connection.send_binary(content)
        for _ in messages:
            answer = connection.recv()
            told = json.loads(answer) if isinstance(answer, str) else {}
            assert told.get("status", 200) < 500, told


@examples(300)
@given(
    path=st.sampled_from(PATHS), frames=st.lists(st.binary(min_size=1, max_size=60), max_size=4), whole=st.booleans()
)
def test_frames_that_are_none(unharmed: Served, path: str, frames: list[bytes], whole: bool) -> None:
    """Any bytes after the handshake, half frames, and lengths that never come."""
    raw: socket.socket = opened(unharmed, path).sock
    with contextlib.closing(raw), contextlib.suppress(ConnectionError):
        for frame in frames:
            raw.sendall(frame if not whole else masked(frame))


@pytest.mark.parametrize("length", [MAX_BODY + 1, 2**40, 2**63 - 1])
def test_a_frame_that_says_it_is_too_large_is_refused_at_once(unharmed: Served, length: int) -> None:
    with contextlib.closing(opened(unharmed, PATHS[0])) as connection:
        connection.sock.sendall(b"\x82\xff" + struct.pack(">Q", length) + bytes(4))
        assert connection.recv_frame().opcode == websocket.ABNF.OPCODE_CLOSE


def is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def masked(content: bytes) -> bytes:
    """A whole frame whose first byte is the content's own."""
    return bytes((content[0], 0x80 | min(len(content) - 1, 125))) + bytes(4) + content[1:126]
