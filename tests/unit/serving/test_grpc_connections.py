"""A process knows its own connections at the port that it shares, also after it stopped to listen there."""

from __future__ import annotations

import socket

import pytest

from jupyter_modeldeploy.serving.grpc import connections


def test_who_is_connected_is_left_and_the_listener_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        assert connections.any_waiting(port)
        accepted, _ = listener.accept()
        assert not connections.any_waiting(port)
        connections.turn_away(port)
        with pytest.raises(TimeoutError):
            socket.create_connection(("127.0.0.1", port), timeout=0.1)
        connections.stop_accepting(port)
        with client, accepted:
            assert connections.any_left(port)
        assert not connections.any_left(port)
