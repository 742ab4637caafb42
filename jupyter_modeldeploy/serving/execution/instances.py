"""Threads that run models, and the queue before them.

Batching is adaptive: an idle instance takes a request at once and alone; only when all are busy do requests wait, and
the next free instance takes the oldest together with those that can share its run. No request ever waits for a batch to
fill.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from jupyter_modeldeploy.errors import ModelDeployError, Overloaded, TimedOut
from jupyter_modeldeploy.serving.execution.served import ServedVersion

Outcome = Any | ModelDeployError


@dataclass(slots=True, eq=False)
class Work:
    """One request to one version. `done` is called once, on the event loop, with the result or the error."""

    version: ServedVersion
    kind: Literal["tensors", "items"]
    payload: Any
    rows: int
    done: Callable[[Outcome], None]
    key: Hashable | None = None
    timer: asyncio.TimerHandle | None = None
    running: bool = False
    closed: bool = False


def execute(works: list[Work]) -> list[Outcome]:
    """The outcome of each of the works, which share a run; where it fails each runs alone, so none fails by another."""
    first = works[0]
    try:
        return first.version.run(first.kind, [work.payload for work in works])
    except ModelDeployError as error:
        return [error] if len(works) == 1 else [execute([work])[0] for work in works]


class Instances:
    """`count` threads shared by all versions that a server process serves. To be used on the event loop only."""

    def __init__(self, count: int, max_queue: int, timeout_s: float, loop: asyncio.AbstractEventLoop) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="instance")
        self._idle = count
        self._max_queue = max_queue
        self._timeout_s = timeout_s
        self._loop = loop
        self._waiting: deque[Work] = deque()

    def configure(self, max_queue: int, timeout_s: float) -> None:
        """Let so many requests wait, and each wait and run so long, from the next one on."""
        self._max_queue = max_queue
        self._timeout_s = timeout_s

    @property
    def depth(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    def submit(self, work: Work) -> None:
        """Run the work on a thread, now or when one is idle. Raises Overloaded with a full queue."""
        if not self._idle and len(self._waiting) >= self._max_queue:
            raise Overloaded(f"{self._max_queue} requests are waiting already.", "Try again in a moment.")
        work.key = work.version.key(work.kind, work.payload)
        work.timer = self._loop.call_later(self._timeout_s, self._expire, work)
        if self._idle:
            self._dispatch([work])
        else:
            self._waiting.append(work)

    def cancel(self, work: Work) -> None:
        """Nobody wants the result any more: don't start the work, or drop what it gives."""
        self._close(work)
        if not work.running:
            self._forget(work)

    def close(self) -> None:
        """Let the running works end and stop the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _dispatch(self, works: list[Work]) -> None:
        self._idle -= 1
        for work in works:
            work.running = True
        self._pool.submit(self._run, works)

    def _run(self, works: list[Work]) -> None:
        outcomes = execute(works)
        self._loop.call_soon_threadsafe(self._finished, works, outcomes)

    def _finished(self, works: list[Work], outcomes: list[Outcome]) -> None:
        self._idle += 1
        if self._waiting:
            self._dispatch(self._next_batch())
        works[0].version.metrics.batches.observe(sum(work.rows for work in works))
        for work, outcome in zip(works, outcomes, strict=True):
            if not work.closed:
                self._close(work)
                work.done(outcome)

    def _next_batch(self) -> list[Work]:
        first = self._waiting.popleft()
        batch, rows = [first], first.rows
        if first.key is None:
            return batch
        for work in list(self._waiting):
            if rows >= first.version.chunk_rows:
                break
            joins = work.version is first.version and work.kind == first.kind and work.key == first.key
            if joins and rows + work.rows <= first.version.chunk_rows:
                batch.append(work)
                rows += work.rows
        for work in batch[1:]:
            self._waiting.remove(work)
        return batch

    def _expire(self, work: Work) -> None:
        if work.closed:
            return
        self._close(work)
        if work.running:
            work.done(TimedOut(f"{work.version.ref} took longer than {self._timeout_s:g} s.", "Send less at once."))
        else:
            self._forget(work)
            work.done(Overloaded(f"No instance was free within {self._timeout_s:g} s.", "Try again in a moment."))

    def _close(self, work: Work) -> None:
        work.closed = True
        if work.timer is not None:
            work.timer.cancel()

    def _forget(self, work: Work) -> None:
        if work in self._waiting:
            self._waiting.remove(work)
