"""HTTP servers of the standard library as tests want them: in a thread, and silent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from typing import Any


class Unlogged:
    """A handler's: it logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        return None


@contextmanager
def answering(server: HTTPServer) -> Iterator[str]:
    """Lets it answer, and closes it in the end; where it is."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
