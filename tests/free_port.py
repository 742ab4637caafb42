"""A port for a server that cannot be told to find one itself."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress

BELOW_THOSE_GIVEN_AWAY = range(20_000, 32_000)
"""Linux gives the ports from 32768 on to whoever asks for any, and to each connection."""


def free_port() -> int:
    """Nobody listens there, nor will anybody who did not ask for this very port."""
    while True:
        port = secrets.choice(BELOW_THOSE_GIVEN_AWAY)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
