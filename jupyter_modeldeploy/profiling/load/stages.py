"""What a server says of its own time: Triton's statistics extension, which our services and Triton answer.

Only sums are told, so that the parts are means. The network's part is what is left of the client's mean: the way there
and back, the kernels' buffers, and reading the answer."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from jupyter_modeldeploy.records.loads import Stage

TIMEOUT_S = 30.0
SETTLED_WITHIN_S = 2.5
"""Several server processes leave their counts for each other once a second."""
POLL_S = 0.1
OTHERS = 0.02
"""A share of requests that are not ours, above which the means are not of ours alone."""
NOT_TOLD = "The server tells nothing of its own time: only the whole can be known."


@dataclass(frozen=True)
class Totals:
    """Sums over all models of a server."""

    requests: int = 0
    whole_ns: int = 0
    queue_ns: int = 0
    compute_ns: int = 0

    def since(self, before: Totals) -> Totals:
        return Totals(
            self.requests - before.requests,
            self.whole_ns - before.whole_ns,
            self.queue_ns - before.queue_ns,
            self.compute_ns - before.compute_ns,
        )


class Statistics:
    """A server's statistics; `read` gives None where there are none to be had."""

    def __init__(
        self, url: str, headers: Mapping[str, str], unix_socket: str | None, tls: ssl.SSLContext | None
    ) -> None:
        self._parts = urlsplit(url)
        self._headers = dict(headers)
        self._unix_socket = unix_socket
        self._tls = tls

    def read(self) -> Totals | None:
        connection = self._connection()
        try:
            connection.request("GET", self._parts.path, headers=self._headers)
            reply = connection.getresponse()
            content = reply.read()
            return _totals(json.loads(content)) if reply.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
            return None  # not every server has them: a load goes on without
        finally:
            connection.close()

    def since(self, before: Totals, answered: int) -> Totals | None:
        """What came since, once it holds at least the `answered` requests."""
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while True:
            now = self.read()
            if now is None or now.since(before).requests >= answered or time.monotonic() > deadline:
                return now.since(before) if now else None
            time.sleep(POLL_S)

    def _connection(self) -> http.client.HTTPConnection:
        host, port = str(self._parts.hostname), self._parts.port
        if self._unix_socket:
            connection = http.client.HTTPConnection(host, timeout=TIMEOUT_S)
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(TIMEOUT_S)
            connection.sock.connect(self._unix_socket)
            return connection
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)


def stages(
    passed: Totals | None, answered: int, latency_ms: float | None, sent_ms: float | None
) -> tuple[list[Stage], str]:
    """The parts of a step's mean latency, and what to know of them. `latency_ms` is counted from when requests were
    due, `sent_ms` from when they were sent, of the `answered` ones."""
    if latency_ms is None or sent_ms is None:
        return [], ""
    found = [Stage(name="generator", mean_ms=max(0.0, latency_ms - sent_ms))]
    if passed is None or passed.requests <= 0:
        return found, NOT_TOLD
    whole, queue, compute = (
        each / passed.requests / 1e6 for each in (passed.whole_ns, passed.queue_ns, passed.compute_ns)
    )
    found += [
        Stage(name="network", mean_ms=max(0.0, sent_ms - whole)),
        Stage(name="queue", mean_ms=queue),
        Stage(name="compute", mean_ms=compute),
        Stage(name="encode", mean_ms=max(0.0, whole - queue - compute)),
    ]
    others = passed.requests - answered
    note = f"The server answered {others:,} more than ours in that time: the means are of all." * (
        others > OTHERS * answered
    )
    return found, note


def _totals(answer: dict[str, Any]) -> Totals:
    """A model's `success` is of whole requests; its compute is that of its three parts."""
    found = Totals()
    for model in answer["model_stats"]:
        of = model["inference_stats"]
        compute = sum(of[part]["ns"] for part in ("compute_input", "compute_infer", "compute_output"))
        found = Totals(
            found.requests + of["success"]["count"],
            found.whole_ns + of["success"]["ns"],
            found.queue_ns + of["queue"]["ns"],
            found.compute_ns + compute,
        )
    return found
