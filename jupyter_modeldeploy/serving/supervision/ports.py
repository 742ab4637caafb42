"""The ports that a service found for itself, kept in its folder so that its next start has the same address."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.serving.supervision import documents

log = logging.getLogger(__name__)


class Ports:
    """Binds what a spec asks for by its fields `port` and `grpc_port`. Where that is 0, for any port, the one that was
    found last is tried first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found = self._read()
        self.moved: dict[str, int] = {}
        """The ports that could not be had again, by field: others are in their place."""

    def bind(self, spec: dict[str, Any], field: str, opening: Callable[[str, int], socket.socket]) -> socket.socket:
        """What `opening` gives for host and port. Raises OSError where a port that is asked for is taken."""
        host, wanted, former = spec["host"], spec[field], self._found.get(field)
        self.moved.pop(field, None)
        if wanted:
            return opening(host, wanted)
        bound = self._again(opening, host, former) if former else None
        if bound is None:
            bound = opening(host, 0)
            port = bound.getsockname()[1]
            if former:
                self.moved[field] = former
                log.warning("port %d takes the place of %d", port, former)
            self._remember(field, port)
        return bound

    def _again(self, opening: Callable[[str, int], socket.socket], host: str, former: int) -> socket.socket | None:
        try:
            return opening(host, former)
        except OSError as error:
            log.warning("port %d of the last start cannot be had again: %s", former, error)
            return None

    def _remember(self, field: str, port: int) -> None:
        self._found[field] = port
        try:
            documents.write(self._folder, documents.PORTS, self._found)
        except OSError as error:  # it serves all the same; its next start may get another
            log.error("port %d cannot be kept for the next start: %s", port, error)

    def _read(self) -> dict[str, int]:
        try:
            said = documents.read(self._folder, documents.PORTS)
        except (OSError, ValueError) as error:
            log.error("the ports of the last start cannot be read: %s", error)
            return {}
        found = said if isinstance(said, dict) else {}
        return {field: port for field, port in found.items() if type(port) is int and 0 < port < 2**16}
