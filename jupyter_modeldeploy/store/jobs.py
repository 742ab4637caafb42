"""Jobs, their metric series, and who holds which device."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from jupyter_modeldeploy.errors import Conflict, NotFound
from jupyter_modeldeploy.records import Job, JobState, MetricPoint, ProcessRef
from jupyter_modeldeploy.store.changes import append
from jupyter_modeldeploy.store.database import Database, scalar, scalars
from jupyter_modeldeploy.store.tables import jobs, metrics


class Jobs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: Job) -> Job:
        with self._database.write() as connection:
            connection.execute(insert(jobs).values(id=job.id, created_at=job.created_at, **_columns(job)))
            append(connection, "job", job.id, "created")
        return job

    def get(self, job_id: str) -> Job:
        with self._database.read() as connection:
            return _job(connection, job_id)

    def list(self, states: Collection[JobState] = (), limit: int | None = None) -> list[Job]:
        """Newest first, at most `limit`; only those in `states` if any are given."""
        query = select(jobs.c.record).order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit)
        if states:
            query = query.where(jobs.c.state.in_([state.value for state in states]))
        with self._database.read() as connection:
            return [Job.model_validate(row) for row in scalars(connection, query)]

    def update(self, job_id: str, expect: Collection[JobState], only_attempt: int | None = None, **fields: Any) -> Job:
        """Change a job that is in one of the states `expect`, in one transaction.

        Raises Conflict when it is in another, or no longer in its attempt number `only_attempt`: somebody was first."""
        with self._database.write() as connection:
            job = _job(connection, job_id)
            if job.state not in expect:
                raise Conflict(f"The job {job_id} is {job.state}.", f"This needs it {' or '.join(sorted(expect))}.")
            if only_attempt not in (None, job.attempt):
                raise Conflict(f"The job {job_id} was started again meanwhile.", f"Attempt {job.attempt} is under way.")
            changed = Job.model_validate({**job.model_dump(), **fields})
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(**_columns(changed)))
            append(connection, "job", job_id, "updated")
        return changed

    def stand_in(self, job_id: str, attempt: int, process: ProcessRef) -> Job:
        """Let `process` stand for the job's worker, unless that has come up already or another attempt is under way."""
        with self._database.write() as connection:
            job = _job(connection, job_id)
            if job.state is not JobState.queued or job.attempt != attempt or job.process is not None:
                return job
            changed = job.model_copy(update={"process": process})
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(**_columns(changed)))
            append(connection, "job", job_id, "updated")
        return changed

    def add_metrics(self, job_id: str, points: Sequence[tuple[str, int, float]]) -> None:
        """Add points `(name, step, value)`; a step that is there already (a resumed run) is replaced."""
        finite = [point for point in points if math.isfinite(point[2])]
        with self._database.write() as connection:
            # Before anything is replaced: who has seen the highest number is not to miss what takes its place.
            highest = connection.execute(select(func.max(metrics.c.id))).scalar() or 0
            for number, (name, step, value) in enumerate(finite, highest + 1):
                same = (metrics.c.job == job_id) & (metrics.c.name == name) & (metrics.c.step == step)
                connection.execute(delete(metrics).where(same))
                row = {"id": number, "job": job_id, "name": name, "step": step, "value": value}
                connection.execute(insert(metrics).values(**row, at=datetime.now(UTC)))
            append(connection, "metrics", job_id, "updated")

    def metrics(self, job_id: str, after: int = 0, most: int | None = None) -> tuple[Sequence[MetricPoint], int]:
        """The job's series, by name and step, and the number to ask `after` for what comes later.

        `most` is how many points of a series are wanted: a longer one comes thinned evenly, with its last point."""
        place = func.row_number().over(partition_by=metrics.c.name, order_by=metrics.c.step.desc())
        total = func.count().over(partition_by=metrics.c.name)
        found = (
            select(metrics, (place - 1).label("from_end"), total.label("total"))
            .where((metrics.c.job == job_id) & (metrics.c.id > after))
            .subquery()
        )
        query = select(found).order_by(found.c.name, found.c.step)
        if most is not None:
            query = query.where(found.c.from_end % ((found.c.total + most - 1) // most) == 0)
        with self._database.read() as connection:
            _job(connection, job_id)
            seen = connection.execute(select(func.max(metrics.c.id)).where(metrics.c.job == job_id)).scalar() or 0
            rows = connection.execute(query).mappings()
            points = [MetricPoint(**{name: row[name] for name in MetricPoint.model_fields}) for row in rows]
        return points, max(after, seen)

    def last_metrics(self, job_id: str) -> dict[str, float]:
        """The last value of each of the job's series."""
        last = (
            select(metrics.c.name, func.max(metrics.c.step).label("step"))
            .where(metrics.c.job == job_id)
            .group_by(metrics.c.name)
            .subquery()
        )
        same = (metrics.c.job == job_id) & (metrics.c.name == last.c.name) & (metrics.c.step == last.c.step)
        query = select(metrics.c.name, metrics.c.value).join(last, same).order_by(metrics.c.name)
        with self._database.read() as connection:
            return {row["name"]: row["value"] for row in connection.execute(query).mappings()}

    def sampled(self, job_id: str) -> None:
        """Say that there are new samples of the job's answers."""
        with self._database.write() as connection:
            append(connection, "metrics", job_id, "updated")


def _columns(job: Job) -> dict[str, Any]:
    return {"state": job.state.value, "record": job.model_dump(mode="json")}


def _job(connection: Connection, job_id: str) -> Job:
    row = scalar(connection, select(jobs.c.record).where(jobs.c.id == job_id))
    if row is None:
        raise NotFound(f"No job {job_id!r}.", "List them: modeldeploy jobs list.")
    return Job.model_validate(row)
