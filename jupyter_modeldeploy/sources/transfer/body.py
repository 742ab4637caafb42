"""The bytes of an answer's body, at what a connection gives."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import httpcore
import httpx

from jupyter_modeldeploy.sources.transfer.answers import InterruptionError

READ = 512 << 10
DIRECT_FROM = 4 << 20
TIMEOUT_S = 30.0


def chunks(response: httpx.Response, length: int | None, largest: int | None = None) -> Iterator[bytes | memoryview]:
    """The body as it arrives, not decoded, in chunks of at most `largest` bytes or so. Use each before the next.

    A long body of known length is read from the connection itself once the HTTP library has handed out what it had
    read ahead: with its hash that takes 2 s of processor time a gigabyte, through the library 4.5 s. Such a connection
    is closed afterwards. Raises InterruptionError for a body that ends early, and what httpx and httpcore raise."""
    arriving = response.iter_raw(largest)
    if length is None or length < DIRECT_FROM or largest is not None or response.http_version != "HTTP/1.1":
        yield from arriving
        return
    read = _reader(response.extensions["network_stream"])
    left = length
    for first in arriving:  # kept alive: the library closes the connection with its iterator
        left -= len(first)
        yield first
        while left > 0:
            chunk = read(min(READ, left))
            if not chunk:
                raise InterruptionError(f"the connection ended {left} bytes early")
            left -= len(chunk)
            yield chunk
        return


def _reader(stream: httpcore.NetworkStream) -> Callable[[int], bytes | memoryview]:
    """What reads at most so many bytes from a connection; without TLS always into the same memory."""
    connection: socket.socket = stream.get_extra_info("socket")
    if connection is None or stream.get_extra_info("ssl_object") is not None:
        return lambda count: stream.read(count, timeout=TIMEOUT_S)
    connection.settimeout(TIMEOUT_S)
    buffer = memoryview(bytearray(READ))

    def read(count: int) -> memoryview:
        try:
            return buffer[: connection.recv_into(buffer[:count])]
        except OSError as error:
            raise InterruptionError(str(error) or type(error).__name__) from error

    return read
