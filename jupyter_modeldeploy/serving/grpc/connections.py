"""This process's own sockets at a port, of which grpcio gives no hold.

It can only stop to listen together with refusing what still comes on the connections that it has."""

from __future__ import annotations

import ctypes
import logging
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

FAMILIES = (socket.AF_INET, socket.AF_INET6)
NO_BEGINNINGS = ((0x30, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 1 << 18))
"""Drops a segment of which SYN is set and ACK is not, and lets all others through: instructions of Linux's classic BPF,
each a code, two jumps and a value. The flags are byte 13 of TCP's header (RFC 9293)."""
SO_ATTACH_FILTER = 26
UNACKNOWLEDGED = 24
"""Where `tcpi_unacked` is in Linux's `struct tcp_info`, in bytes."""

log = logging.getLogger(__name__)


def turn_away(port: int) -> None:
    """Let nobody begin a connection to this process any more. Who tries is heard when they try again, a second later,
    by another process that listens there, as this one has stopped by then."""
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in NO_BEGINNINGS))
    for one in _sockets(port):
        if _listens(one):
            with suppress(OSError):  # not on every system: a few may be reset then
                told = struct.pack("HP", len(NO_BEGINNINGS), ctypes.addressof(program))
                one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, told)


def stop_accepting(port: int) -> None:
    """Leave new connections at the port to the other processes that listen there."""
    for one in _sockets(port):
        if _listens(one):
            try:
                one.shutdown(socket.SHUT_RD)
            except OSError as error:  # not on every system
                log.warning("gRPC goes on to take connections while it drains: %s", error)


def any_waiting(port: int) -> bool:
    """Whether the system has a connection for this process that it has not accepted yet. `stop_accepting` would reset
    it."""
    return any(_waiting(one) for one in _sockets(port) if _listens(one))


def any_left(port: int) -> bool:
    """Whether a client is connected to the port."""
    return any(_connected(one) for one in _sockets(port))


def _listens(one: socket.socket) -> bool:
    return bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _waiting(one: socket.socket) -> int:
    """How many connections a listening socket has that nobody has accepted: what the system tells in the place of
    unacknowledged segments (tcp_get_info of Linux)."""
    if not hasattr(socket, "TCP_INFO"):
        return 0
    told = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, UNACKNOWLEDGED + 4)
    (waiting,) = struct.unpack_from("I", told, UNACKNOWLEDGED)
    return int(waiting)


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
