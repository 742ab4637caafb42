"""Where a service can be reached: the socket that all replicas listen on, and the port that they share for gRPC."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.serving.supervision.listening import authority, listen, listen_unix, reserve, url_of
from jupyter_modeldeploy.serving.supervision.ports import Ports
from jupyter_modeldeploy.serving.supervision.waiting import Waiting


class Addresses:
    """Open as long as the service is, whatever becomes of its replicas."""

    def __init__(self, folder: Path, waiting: Waiting) -> None:
        self._ports = Ports(folder)
        self.listener: socket.socket | None = None
        self._grpc: socket.socket | None = None
        self._settled_grpc: socket.socket | None = None
        """That of the last change that was kept."""
        self._waiting = waiting
        self._watched = False

    @property
    def grpc_port(self) -> int | None:
        return None if self._grpc is None else int(self._grpc.getsockname()[1])

    @property
    def grpc_url(self) -> str | None:
        return None if self._grpc is None else authority(self._grpc)

    @property
    def moved(self) -> dict[str, int]:
        """The former ports, by field of the spec, in whose place others had to be found."""
        return dict(self._ports.moved)

    def url(self, spec: dict[str, Any]) -> str | None:
        return None if self.listener is None else url_of(self.listener, bool(spec["tls"]["tls_certificate"]))

    def open(self, spec: dict[str, Any]) -> None:
        """Listen where `spec` says. Raises OSError where that cannot be had."""
        path = spec["unix_socket"]
        self.listener = listen_unix(path) if path else self._ports.bind(spec, "port", listen)
        self.reserve_grpc(spec)
        self.keep()

    def reserve_grpc(self, spec: dict[str, Any]) -> None:
        """Hold the gRPC port that `spec` asks for, if any, and the one before too, until `keep` or `undo`. Raises
        OSError where it is taken."""
        port = spec["grpc_port"]
        if port is not None and self._grpc is not None and port in (0, self.grpc_port):
            return
        self._grpc = None if port is None else self._ports.bind(spec, "grpc_port", reserve)

    def keep(self) -> None:
        """What was reserved stays."""
        if self._settled_grpc is not None and self._settled_grpc is not self._grpc:
            self._settled_grpc.close()
        self._settled_grpc = self._grpc

    def undo(self) -> None:
        """What was there before what was reserved is there again."""
        if self._grpc is not None and self._grpc is not self._settled_grpc:
            self._grpc.close()
        self._grpc = self._settled_grpc

    def watch(self, wake: Callable[[], None] | None) -> None:
        """From now on a connection calls `wake`, or for None nothing but the replicas."""
        if self.listener is None or (wake is not None) == self._watched:
            return
        self._watched = wake is not None
        if wake is not None:
            self._waiting.watch(self.listener, wake)
        else:
            self._waiting.forget(self.listener)

    def close(self) -> None:
        self.undo()
        if self.listener is not None:
            self.watch(None)
            if self.listener.family == socket.AF_UNIX:
                Path(self.listener.getsockname()).unlink(missing_ok=True)
            self.listener.close()
        if self._grpc is not None:
            self._grpc.close()
