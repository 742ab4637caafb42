"""Requests to an endpoint, as many at once as there are connections, and how each was answered.

The loop is closed: a connection sends its next request when the last one is answered. So the rate is what the endpoint
can do with that many clients, and the latencies are those of clients that wait for each other's turn; they do not tell
what an overloaded endpoint does to clients that keep coming ("Open Versus Closed: A Cautionary Tale", Schroeder,
Wierman and Harchol-Balter, NSDI 2006).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput, Unavailable
from jupyter_modeldeploy.profiling.connection import Answer, Generator, Target
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Latency

UNIT_HEADER = "X-Unit-Id"
REPORT_EVERY_S = 0.5
_HEADER_VALUE = re.compile(r"[\t -~]*")


@dataclass(frozen=True)
class Load:
    """What to send: `POST`s of `payloads` in turn to `url`, by `concurrency` connections, either `requests` of them or
    for `duration_s` seconds. Request i carries `unit_ids[i % len(unit_ids)]`, by which a service picks the version.
    A request that has no answer after `timeout_s` is an error. `keep_answers` keeps the decoded bodies."""

    url: str
    payloads: Sequence[bytes]
    headers: dict[str, str] = field(default_factory=dict)
    unit_ids: Sequence[str] | None = None
    concurrency: int = 1
    requests: int | None = None
    duration_s: float | None = None
    timeout_s: float = 60.0
    keep_answers: bool = False

    def __post_init__(self) -> None:
        if (self.requests is None) == (self.duration_s is None):
            raise InvalidInput("A load needs an end.", "Give either requests or duration_s.")
        if not self.payloads or self.concurrency < 1 or (self.requests is not None and self.requests < 1):
            raise InvalidInput("A load needs at least one payload, one connection and one request.")
        for text in [*self.headers.values(), *(self.unit_ids or ())]:
            if not _HEADER_VALUE.fullmatch(text):
                raise InvalidInput(f"{text[:80]!r} cannot be sent in an HTTP header.", "Use printable ASCII.")


@dataclass(frozen=True)
class LoadResult:
    """Each request in the order of sending: milliseconds from sending to the last byte of the answer (connecting left
    out), the HTTP status (0: no answer), the header `X-Model-Version` ("" without), the payload's index; `answers` only
    where they were kept, None for a body that is not JSON. `wall_s` is from the first request to the last answer."""

    latency_ms: np.ndarray
    status: np.ndarray
    version: np.ndarray
    payload: np.ndarray
    wall_s: float
    concurrency: int
    answers: list[Any] | None = None

    @property
    def succeeded(self) -> np.ndarray:
        """bool[requests]: answered with a status of 2xx."""
        return (self.status >= 200) & (self.status < 300)


def run(load: Load, reporter: Reporter) -> LoadResult:
    """Send the load and wait for its end. A request without an answer counts with status 0.

    Runs in a thread of its own, so that the reporter's writes delay no request. Raises Unavailable when not one request
    was answered, InvalidInput for a URL that is not http or https."""
    generator = Generator(
        target=Target.parse(load.url, load.headers),
        bodies=list(load.payloads),
        extra=[f"{UNIT_HEADER}: {unit}\r\n".encode() for unit in load.unit_ids or ()],
        concurrency=load.concurrency,
        requests=load.requests,
        duration_s=load.duration_s,
        timeout_s=load.timeout_s,
        keep_bodies=load.keep_answers,
    )
    with ThreadPoolExecutor(1, thread_name_prefix="load") as thread:
        future = thread.submit(generator.run)
        try:
            while wait([future], timeout=REPORT_EVERY_S).not_done:
                reporter.progress(generator.answered, load.requests, "requests", f"Sending to {load.url}")
        finally:
            generator.stop()
        answers = future.result()
    reporter.progress(len(answers), load.requests, "requests", f"Sending to {load.url}")
    if all(answer.status == 0 for answer in answers):
        raise Unavailable(f"{load.url} answered none of {len(answers)} requests: {answers[0].error}.", "Is it running?")
    return _result(load, answers, generator.wall_s)


def summary(result: LoadResult) -> Latency:
    """Percentiles and mean in milliseconds of the requests that succeeded, and how many of those came per second."""
    answered = result.latency_ms[result.succeeded]
    p50, p90, p99 = np.percentile(answered, [50, 90, 99]) if answered.size else (float("nan"),) * 3
    return Latency(
        p50=float(p50),
        p90=float(p90),
        p99=float(p99),
        mean=float(answered.mean()) if answered.size else float("nan"),
        requests=len(result.status),
        errors=len(result.status) - answered.size,
        throughput_rps=answered.size / result.wall_s if result.wall_s else 0.0,
        concurrency=result.concurrency,
    )


def predict_payloads(texts: Sequence[str]) -> list[bytes]:
    """Bodies of `POST /predict`: `{"text": …}`, one per text."""
    return [json.dumps({"text": text}).encode() for text in texts]


def _result(load: Load, answers: list[Answer], wall_s: float) -> LoadResult:
    answers = sorted(answers, key=lambda answer: answer.number)
    return LoadResult(
        latency_ms=np.array([answer.seconds * 1000 for answer in answers]),
        status=np.array([answer.status for answer in answers], dtype=np.int64),
        version=np.array([answer.version for answer in answers], dtype=np.str_),
        payload=np.array([answer.number % len(load.payloads) for answer in answers], dtype=np.int64),
        wall_s=wall_s,
        concurrency=load.concurrency,
        answers=[_decoded(answer.body) for answer in answers] if load.keep_answers else None,
    )


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
