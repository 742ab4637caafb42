"""Threads that run models, and the queue before them.

Batching is adaptive: an idle instance takes a request at once and alone; only when all are busy do requests wait, and
the next free instance takes the first together with those that can share its run. No request ever waits for a batch to
fill. A request that cannot be answered in its time, as far as the queue and the latest runs tell, is refused at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from jupyter_modeldeploy.errors import ModelDeployError, Overloaded, TimedOut
from jupyter_modeldeploy.serving.execution.run_times import RunTimes
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.execution.waiting import DEFAULT, Waiting

Outcome = Any | ModelDeployError
AGAIN = "Try again in a moment."


@dataclass(slots=True, eq=False)
class Work:
    """One request to one version. `done` is called once, on the event loop, with the result or the error.

    `timeout_s` is the request's own wish, for its wait and run together; the service's limit holds besides."""

    version: ServedVersion
    kind: Literal["tensors", "items"]
    payload: Any
    rows: int
    done: Callable[[Outcome], None]
    timeout_s: float | None = None
    priority: int = DEFAULT
    key: Hashable | None = None
    timer: asyncio.TimerHandle | None = None
    running: bool = False
    closed: bool = False
    begun: float = 0.0
    deadline: float = 0.0
    cost_s: float = 0.0
    waited_s: float = 0.0


def execute(works: list[Work]) -> list[Outcome]:
    """The outcome of each of the works, which share a run; where it fails each runs alone, so none fails by another."""
    first = works[0]
    try:
        return first.version.run(first.kind, [work.payload for work in works])
    except ModelDeployError as error:
        return [error] if len(works) == 1 else [execute([work])[0] for work in works]


class Instances:
    """`count` threads shared by all versions that a server process serves. To be used on the event loop only."""

    def __init__(
        self,
        count: int,
        max_queue: int,
        timeout_s: float,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="instance")
        self._count = count
        self._max_queue = max_queue
        self._timeout_s = timeout_s
        self._loop = loop
        self._clock = clock
        self._waiting = Waiting()
        self.busy = False
        """Whether a request would have to wait."""
        self._running: dict[int, tuple[list[Work], float]] = {}
        self._run_times: dict[ServedVersion, RunTimes] = {}

    def configure(self, max_queue: int, timeout_s: float) -> None:
        """Let so many requests wait, and each wait and run so long, from the next one on."""
        self._max_queue = max_queue
        self._timeout_s = timeout_s

    @property
    def depth(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    @property
    def in_flight(self) -> int:
        """How many requests wait or run."""
        return len(self._waiting) + sum(len(works) for works, _ in self._running.values())

    def check(self, version: ServedVersion, timeout_s: float | None = None, priority: int = DEFAULT) -> None:
        """Raise Overloaded where a request would be refused, whatever it holds: before it is decoded."""
        if not self.busy:
            return
        wait_s = self._wait_s(priority)
        if len(self._waiting) >= self._max_queue and self._waiting.last_below(priority) is None:
            raise Overloaded(f"{self._max_queue} requests are waiting already.", AGAIN, wait_s)
        limit, times = self._limit(timeout_s), self._times(version)
        if wait_s + (times.run_s if timeout_s is None else times.cautious_s) > limit:
            raise Overloaded(f"It would be answered in {wait_s:.3g} s, not in the {limit:g} s it has.", AGAIN, wait_s)

    def submit(self, work: Work) -> None:
        """Run the work on a thread, now or when one is idle. Raises Overloaded with a full queue, or where the work's
        time would be over before it is done."""
        self.check(work.version, work.timeout_s, work.priority)
        work.key = work.version.key(work.kind, work.payload)
        work.begun = self._clock()
        limit = self._limit(work.timeout_s)
        work.deadline = work.begun + limit
        work.timer = self._loop.call_later(limit, self._expire, work)
        if not self.busy:
            self._dispatch([work])
            return
        if len(self._waiting) >= self._max_queue and (least := self._waiting.last_below(work.priority)):
            self._refuse(least, "Requests of a higher priority took its place in the queue.")
        work.cost_s = self._times(work.version).row_s * work.rows
        self._waiting.add(work)

    def cancel(self, work: Work) -> None:
        """Nobody wants the result any more: don't start the work, or drop what it gives."""
        self._close(work)

    def close(self) -> None:
        """Let the running works end and stop the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _times(self, version: ServedVersion) -> RunTimes:
        if (times := self._run_times.get(version)) is None:
            times = self._run_times[version] = RunTimes(version.typical_ms / 1000)
        return times

    def _limit(self, timeout_s: float | None) -> float:
        return self._timeout_s if timeout_s is None else min(timeout_s, self._timeout_s)

    def _wait_s(self, priority: int) -> float:
        """When an instance would be free for one more request of that priority, in seconds from now."""
        now = self._clock()
        left = sum(
            max(0.0, self._times(works[0].version).run_s - (now - begun)) for works, begun in self._running.values()
        )
        return (left + self._waiting.seconds_before(priority)) / self._count

    def _dispatch(self, works: list[Work]) -> None:
        for work in works:
            work.running = True
        self._running[id(works)] = works, self._clock()
        self.busy = len(self._running) >= self._count
        self._pool.submit(self._run, works)

    def _run(self, works: list[Work]) -> None:
        begun = time.perf_counter()
        outcomes = execute(works)
        self._loop.call_soon_threadsafe(self._finished, works, outcomes, begun, time.perf_counter() - begun)

    def _finished(self, works: list[Work], outcomes: list[Outcome], begun: float, seconds: float) -> None:
        del self._running[id(works)]
        self.busy = False
        version, rows = works[0].version, sum(work.rows for work in works)
        self._times(version).observe(seconds, rows)
        if batch := self._next_batch():
            self._dispatch(batch)
        for work in works:
            work.waited_s = begun - work.begun
        waits = [
            work.waited_s
            for work, outcome in zip(works, outcomes, strict=True)
            if not isinstance(outcome, ModelDeployError)
        ]
        if waits:
            version.metrics.ran(rows, seconds, waits)
        for work, outcome in zip(works, outcomes, strict=True):
            if not work.closed:
                self._close(work)
                work.done(outcome)

    def _next_batch(self) -> list[Work]:
        """The first that can still be in time, and those that can share its run without making one of them late."""
        while first := self._waiting.first():
            times, now = self._times(first.version), self._clock()
            if first.deadline - now >= times.cautious_s:
                break
            self._refuse(first, "No instance was free in time.")
        else:
            return []
        self._waiting.remove(first)
        batch, rows, end = [first], first.rows, first.deadline
        if first.key is None:
            return batch
        most = first.version.rows_at_once(first.kind, first.payload)
        for work in self._waiting:
            if rows >= most:
                break
            joins = work.key == first.key and work.version is first.version and work.kind == first.kind
            if not joins or rows + work.rows > most:
                continue
            if now + times.row_s * (rows + work.rows) > min(end, work.deadline):
                continue
            batch.append(work)
            rows += work.rows
            end = min(end, work.deadline)
        for work in batch[1:]:
            self._waiting.remove(work)
        return batch

    def _expire(self, work: Work) -> None:
        if work.closed:
            return
        limit = work.deadline - work.begun
        if work.running:
            self._close(work)
            work.done(TimedOut(f"{work.version.ref} took longer than {limit:g} s.", "Send less at once."))
        else:
            self._refuse(work, f"No instance was free within {limit:g} s.")

    def _refuse(self, work: Work, why: str) -> None:
        """A work that waits is not going to be run."""
        self._close(work)
        work.done(Overloaded(why, AGAIN, self._wait_s(work.priority)))

    def _close(self, work: Work) -> None:
        work.closed = True
        if work.timer is not None:
            work.timer.cancel()
        if not work.running:
            self._waiting.remove(work)
            work.payload = None
