"""A job as its user holds it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from jupyter_modeldeploy.errors import JobFailed
from jupyter_modeldeploy.jobs import control, launch, samples
from jupyter_modeldeploy.jobs.reconcile import reconcile as reconcile_jobs
from jupyter_modeldeploy.records import Job, JobState, MetricPoint, Sample, Version
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.workspace import cell

POLL_S = 0.2


class JobHandle:
    """A job that may still run. `wait()` for it, `cancel()` it, `resume()` it, read its `log()`, `series()` and
    `samples()`.

    As the last line of a notebook's cell it shows how far it is, with the rate and the time left, until it ends."""

    def __init__(self, store: Store, job_id: str) -> None:
        self._store = store
        self.id = job_id

    def __repr__(self) -> str:
        job = self.job
        share = f" {job.progress.done / job.progress.total:.0%}" if job.progress.total else ""
        return f"<{job.title}: {job.state}{share}>"

    def _ipython_display_(self) -> None:
        cell.show(self)

    @property
    def job(self) -> Job:
        """The job as it is now."""
        reconcile_jobs(self._store)
        return self._store.jobs.get(self.id)

    def wait(self, on_progress: Callable[[Job], None] | None = None, timeout_s: float | None = None) -> Job:
        """Return the succeeded job. Raises JobFailed with what went wrong, or TimeoutError; the job then goes on."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not (job := self.job).state.ended:
            if on_progress is not None:
                on_progress(job)
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"{job.title} still runs after {timeout_s} s.")
            time.sleep(POLL_S)
        if on_progress is not None:
            on_progress(job)
        if job.state is not JobState.succeeded:
            message = job.error.message if job.error else f"It was {job.state}."
            hint = job.error.hint if job.error else f"Resume it: modeldeploy jobs resume {job.id}."
            raise JobFailed(f"{job.title}: {message}", hint)
        return job

    def result(self, timeout_s: float | None = None) -> dict[str, Any]:
        """What the job made, once it succeeded."""
        return self.wait(timeout_s=timeout_s).result or {}

    def version(self, timeout_s: float | None = None) -> Version:
        """The version that the job made, once it succeeded."""
        return self._store.versions.get(self.result(timeout_s)["version"])

    def cancel(self) -> Job:
        return control.cancel(self._store, self.id)

    def resume(self) -> Job:
        return launch.resume(self._store, self.id)

    def log(self, offset: int = 0) -> tuple[str, int]:
        """The log from byte `offset` on, and the offset to go on from."""
        return control.read_log(self._store, self.id, offset)

    def metrics(self) -> Sequence[MetricPoint]:
        """The points of all series, by name and step."""
        return self.metrics_after(0)[0]

    def metrics_after(self, after: int, most: int | None = None) -> tuple[Sequence[MetricPoint], int]:
        """The points that came after number `after`, and the number to go on from. Of a series longer than `most` so
        many points are taken evenly, the last among them."""
        return self._store.jobs.metrics(self.id, after, most)

    def series(self, most: int | None = None) -> dict[str, list[tuple[int, float]]]:
        """The series by name (`loss`, `validation_loss`, `learning_rate`, `memory_bytes` …) as steps and values, of
        each at most `most`."""
        points, _ = self.metrics_after(0, most)
        by_name = groupby(points, lambda point: point.name)
        return {name: [(point.step, point.value) for point in run] for name, run in by_name}

    def last_metrics(self) -> dict[str, float]:
        """The last value of each series."""
        return self._store.jobs.last_metrics(self.id)

    def samples(self) -> Sequence[Sample]:
        """What the model in training answered to held-out rows at its evaluations, where `sample_predictions` asked for
        it, by step and row."""
        return samples.read(self._store, self.id)
