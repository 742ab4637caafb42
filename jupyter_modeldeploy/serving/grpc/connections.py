"""This process's own sockets at a port, of which grpcio gives no hold.

It can only stop to listen together with refusing what still comes on the connections that it has."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import suppress

FAMILIES = (socket.AF_INET, socket.AF_INET6)

log = logging.getLogger(__name__)


def stop_accepting(port: int) -> None:
    """Leave new connections at the port to the other processes that listen there."""
    for one in _sockets(port):
        if _listens(one):
            try:
                one.shutdown(socket.SHUT_RD)
            except OSError as error:  # not on every system
                log.warning("gRPC goes on to take connections while it drains: %s", error)


def any_left(port: int) -> bool:
    """Whether a client is connected to the port."""
    return any(_connected(one) for one in _sockets(port))


def _listens(one: socket.socket) -> bool:
    return bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _connected(one: socket.socket) -> bool:
    """Also false for a socket that listened until `stop_accepting`."""
    with suppress(OSError):
        return bool(one.getpeername())
    return False


def _sockets(port: int) -> Iterator[socket.socket]:
    for number in map(int, os.listdir("/dev/fd")):
        with suppress(OSError), socket.socket(fileno=os.dup(number)) as one:  # most are no sockets
            if one.family in FAMILIES and one.getsockname()[1] == port:
                yield one
