"""A worker's reports to the store: batched, so that a fast loop does not wait for the disk, with the time left."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from jupyter_modeldeploy.errors import StorageFull, Unavailable
from jupyter_modeldeploy.jobs import samples
from jupyter_modeldeploy.records import LIVING, Job, Progress, Sample
from jupyter_modeldeploy.store import Store

log = logging.getLogger(__name__)
WRITE_EVERY_S = 0.5


class JobReporter:
    """Writes one job's progress, metric series and samples, at most twice a second and once more at `flush`."""

    def __init__(self, store: Store, job: Job, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._job = job
        self._clock = clock
        self._latest: Progress | None = None
        self._points: list[tuple[str, int, float]] = []
        self._samples: list[Sample] = []
        self._stage: tuple[str, float | None] = ("", None)
        self._stage_start = (0.0, 0.0)
        self._done = 0.0
        self._written_at = float("-inf")

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        now = self._clock()
        if (unit, total) != self._stage or done < self._done:
            self._stage, self._stage_start = (unit, total), (now, done)
        self._done = done
        self._latest = Progress(
            done=done, total=total, unit=unit, message=message, seconds_left=self._seconds_left(now, done, total)
        )
        self._write(now)

    def metric(self, name: str, value: float, step: int) -> None:
        self._points.append((name, step, float(value)))
        self._write(self._clock())

    def sample(self, step: int, row: int, text: str, answer: str) -> None:
        self._samples.append(Sample(step=step, row=row, text=text, answer=answer))
        self._write(self._clock())

    def flush(self) -> None:
        """Write what is not written yet."""
        self._written_at = float("-inf")
        self._write(self._clock())

    def _seconds_left(self, now: float, done: float, total: float | None) -> float | None:
        """From the rate since this stage began, a resumed one's earlier steps not counted."""
        began, first = self._stage_start
        if total is None or done <= first:
            return None
        return max(0.0, (total - done) * (now - began) / (done - first))

    def _write(self, now: float) -> None:
        if now - self._written_at < WRITE_EVERY_S:
            return
        self._written_at = now
        try:
            if self._points:
                self._store.jobs.add_metrics(self._job.id, self._points)
                self._points = []
            if self._samples:
                samples.append(self._store, self._job.id, self._samples)
                self._samples = []
            if self._latest is not None:
                self._store.jobs.update(self._job.id, LIVING, self._job.attempt, progress=self._latest)
                self._latest = None
        except (StorageFull, Unavailable) as error:
            log.warning("%s The work goes on; the progress shown stands still meanwhile.", error)
