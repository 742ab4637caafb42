"""One kept-alive connection that has one request on its way at a time, on a socket that never blocks."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Callable
from typing import Any

from jupyter_modeldeploy.profiling.load.answers import Heads, Reader
from jupyter_modeldeploy.profiling.load.target import Target

READS, WRITES = 1, 4
"""What a connection waits for, in the bits of poll and of epoll."""
RECEIVE_BYTES = 256 * 2**10
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN)


class Connection:
    """The request that it carries is `number`, due at `due` and sent at `sent` (nanoseconds; 0: not yet).

    `watch(connection, bits)` is called when it waits for something else than before; with 0, for nothing more."""

    __slots__ = (
        "_handshaking",
        "_rest",
        "_socket",
        "_target",
        "_watch",
        "busy",
        "due",
        "fd",
        "number",
        "reader",
        "sent",
    )

    def __init__(
        self, target: Target, heads: Heads, keeps_bodies: bool, watch: Callable[[Connection, int], None]
    ) -> None:
        self._target = target
        self._watch = watch
        self._socket: socket.socket | None = None
        self._rest = b""
        self._handshaking = False
        self.reader = Reader(heads, keeps_bodies)
        self.fd = -1
        self.busy = False
        self.number = self.due = self.sent = 0

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def open(self) -> None:
        """Begin to connect. Raises OSError."""
        address = self._target.address
        place: Any
        if isinstance(address, str):
            opened, place = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), address
        else:
            family, kind, protocol, _, place = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
            opened = socket.socket(family, kind, protocol)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setblocking(False)
        status = opened.connect_ex(place)
        if status and status not in _UNDER_WAY:
            opened.close()
            raise OSError(status, os.strerror(status))
        if self._target.tls is not None:
            self._handshaking = True
        self._socket = opened
        self.fd = opened.fileno()
        self._watch(self, WRITES)

    def send(self, request: bytes, at: int) -> None:
        """Send a whole request, as soon as the connection stands. Raises OSError."""
        self.reader.begin()
        self.sent = 0
        if self._socket is None:
            self._rest = request
            self.open()
        elif self._handshaking or self._rest:
            self._rest = request
        else:
            self.sent = at
            self._write(request)

    def ready_to_write(self, at: int) -> None:
        """Go on with connecting or sending. Raises OSError."""
        assert self._socket is not None
        if self.sent == 0:
            if status := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(status, os.strerror(status))
            if self._handshaking and not self._shake_hands():
                return
        if self._rest:
            self.sent = self.sent or at
            self._write(self._rest)
        else:
            self._watch(self, READS)

    def receive(self, at: int) -> bool:
        """Whether the answer is whole. Raises OSError where the connection ends before."""
        if self._handshaking:
            self.ready_to_write(at)
            return False
        assert self._socket is not None
        try:
            while data := self._socket.recv(RECEIVE_BYTES):
                if not self.busy:
                    raise ConnectionError("an answer to nothing")
                if self.reader.feed(data):
                    return True
                if self._target.tls is None and len(data) < RECEIVE_BYTES:
                    return False
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        raise ConnectionError("the connection was closed before the answer")

    def close(self) -> None:
        if self._socket is not None:
            self._watch(self, 0)
            self._socket.close()
        self._socket = None
        self._rest = b""
        self._handshaking = False

    def _write(self, request: bytes) -> None:
        assert self._socket is not None
        waited = bool(self._rest)
        try:
            count = self._socket.send(request)
        except (BlockingIOError, ssl.SSLWantWriteError):
            count = 0
        self._rest = request[count:]
        if bool(self._rest) != waited:
            self._watch(self, READS | WRITES if self._rest else READS)

    def _shake_hands(self) -> bool:
        assert self._socket is not None
        assert self._target.tls is not None
        if not isinstance(self._socket, ssl.SSLSocket):
            # the wrapped socket is another object with the same descriptor
            self._socket = self._target.tls.wrap_socket(
                self._socket, server_hostname=self._target.host, do_handshake_on_connect=False
            )
        try:
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            self._watch(self, READS)
            return False
        except ssl.SSLWantWriteError:
            self._watch(self, WRITES)
            return False
        self._handshaking = False
        return True
