"""Requests one by one, with how each was answered: for comparisons of versions, which need every answer, not a curve.

The loop is closed: a connection sends its next request when the last one is answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput, Unavailable
from jupyter_modeldeploy.profiling.load.answers import Head
from jupyter_modeldeploy.profiling.load.generator import Generator
from jupyter_modeldeploy.profiling.load.target import Body, Target
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Latency

UNIT_HEADER = "X-Unit-Id"
REPORT_EVERY_S = 0.5


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


@dataclass(slots=True)
class _Answer:
    number: int
    ms: float
    status: int
    version: str = ""
    body: bytes = b""
    error: str = ""


class _Answers:
    """The observer that keeps each answer."""

    def __init__(self, duration_s: float | None) -> None:
        self._duration_ns = round(duration_s * 1e9) if duration_s is not None else None
        self._begin = 0
        self.all: list[_Answer] = []

    def begin(self, at: int) -> None:
        self._begin = at

    def answered(self, number: int, due: int, sent: int, at: int, head: Head, body: bytes) -> None:
        self.all.append(_Answer(number, (at - sent) / 1e6, head.status, head.version, body))

    def failed(self, number: int, due: int, at: int, reason: str) -> None:
        self.all.append(_Answer(number, (at - due) / 1e6, 0, error=reason))

    def tick(self, at: int) -> bool:
        return self._duration_ns is None or at < self._begin + self._duration_ns


def run(load: Load, reporter: Reporter) -> LoadResult:
    """Send the load and wait for its end. A request without an answer counts with status 0.

    Runs in a thread of its own, so that the reporter's writes delay no request. Raises Unavailable when not one request
    was answered, InvalidInput for a URL that is not http or https."""
    target = Target.parse(load.url, load.headers)
    observer = _Answers(load.duration_s)
    generator = Generator(
        target,
        _Requests(target, load),
        load.concurrency if load.requests is None else min(load.concurrency, load.requests),
        observer,
        most=load.requests,
        timeout_s=load.timeout_s,
        keeps_bodies=load.keep_answers,
    )
    with ThreadPoolExecutor(1, thread_name_prefix="load") as thread:
        future = thread.submit(generator.run)
        try:
            while wait([future], timeout=REPORT_EVERY_S).not_done:
                reporter.progress(len(observer.all), load.requests, "requests", f"Sending to {load.url}")
        finally:
            generator.stop()
        health = future.result()
    answers = sorted(observer.all, key=lambda answer: answer.number)
    reporter.progress(len(answers), load.requests, "requests", f"Sending to {load.url}")
    if all(answer.status == 0 for answer in answers):
        raise Unavailable(f"{load.url} answered none of {len(answers)} requests: {answers[0].error}.", "Is it running?")
    return _result(load, answers, health.wall_s)


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


class _Requests(Sequence[bytes]):
    """The bytes of each request: every payload with every unit, made when they are sent where units are many."""

    def __init__(self, target: Target, load: Load) -> None:
        self._target = target
        self._payloads = load.payloads
        self._headers = [{UNIT_HEADER: unit} for unit in load.unit_ids or ()]
        self._made = [target.request(Body(each, {})) for each in load.payloads] if not self._headers else []
        for headers in self._headers:
            target.request(Body(b"", headers))  # a wrong one is told before anything is sent

    def __len__(self) -> int:
        return max(1, len(self._headers)) * len(self._payloads)

    def __getitem__(self, number: Any) -> Any:
        if self._made:
            return self._made[number % len(self._made)]
        body = Body(self._payloads[number % len(self._payloads)], self._headers[number % len(self._headers)])
        return self._target.request(body)


def _result(load: Load, answers: list[_Answer], wall_s: float) -> LoadResult:
    return LoadResult(
        latency_ms=np.array([answer.ms for answer in answers]),
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
