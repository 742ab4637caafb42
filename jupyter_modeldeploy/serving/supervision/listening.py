"""The addresses of a service, opened once and shared by its replicas, so that none is refused while those change."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from urllib.parse import quote

BACKLOG = 2048
MAX_PATH_BYTES = 107
"""Of a Unix socket, by the system's structure of its address."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket at an address. Raises OSError where the port is taken."""
    return _opened(host, port, [socket.SO_REUSEADDR], BACKLOG)


def reserve(host: str, port: int) -> socket.socket:
    """A socket that holds a port without listening, for replicas that each listen there with SO_REUSEPORT.

    Raises OSError where anybody has the port: SO_REUSEPORT by itself would share it with a service of the same user,
    which would get half of the connections. So it is taken for this socket alone first, and shared then."""
    with listen(host, port) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return _opened(host, alone.getsockname()[1], [socket.SO_REUSEPORT], None)


def listen_unix(path: str) -> socket.socket:
    """A listening socket at a path that only its owner may use. A file that a dead server left is replaced.

    Raises OSError where a living server has it or where it is no socket."""
    _remove_stale(path)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    former = os.umask(0o177)
    try:
        listener.bind(path)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(former)
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket, tls: bool) -> str:
    """`http://127.0.0.1:9000`, `https://[::1]:9000` or `http+unix://%2Frun%2Fmodel.sock`."""
    scheme = "https" if tls else "http"
    if listener.family == socket.AF_UNIX:
        return f"{scheme}+unix://{quote(listener.getsockname(), safe='')}"
    return f"{scheme}://{authority(listener)}"


def authority(listener: socket.socket) -> str:
    """`127.0.0.1:9000` or `[::1]:9000`."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _opened(host: str, port: int, options: list[int], backlog: int | None) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    opened = socket.socket(family, kind, protocol)
    for option in options:
        opened.setsockopt(socket.SOL_SOCKET, option, 1)
    try:
        opened.bind(address)
        if backlog is not None:
            opened.listen(backlog)
    except OSError:
        opened.close()
        raise
    opened.setblocking(False)
    return opened


def _remove_stale(path: str) -> None:
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise FileExistsError(f"{path} is there already and no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            asking.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink(missing_ok=True)
            return
    raise FileExistsError(f"another server listens on {path}")
