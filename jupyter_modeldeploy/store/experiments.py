"""Experiments: comparisons of versions. One that is over is never changed; a live one is written again as it goes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, select, update

from jupyter_modeldeploy.errors import Conflict, NotFound
from jupyter_modeldeploy.records import Experiment, Namespace
from jupyter_modeldeploy.records.routing import free_ranges
from jupyter_modeldeploy.store.changes import append
from jupyter_modeldeploy.store.database import Database, scalar, scalars
from jupyter_modeldeploy.store.tables import experiments


class Experiments:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, experiment: Experiment) -> Experiment:
        record = experiment.model_dump(mode="json")
        values = {"id": experiment.id, "created_at": experiment.created_at, "record": record}
        with self._database.write() as connection:
            connection.execute(insert(experiments).values(**values))
            append(connection, "experiment", experiment.id, "created")
        return experiment

    def begin(self, experiment: Experiment) -> Experiment:
        """Add a live experiment. Raises Conflict while another one may have a unit of it: one on this model of this
        service, where not both have a range of the same namespace, and one with a range that overlaps its own."""
        record = experiment.model_dump(mode="json")
        values = {"id": experiment.id, "created_at": experiment.created_at, "record": record}
        with self._database.write() as connection:
            rows = scalars(connection, select(experiments.c.record).where(experiments.c.id != experiment.id))
            others = [Experiment.model_validate(row) for row in rows]
            _refuse(str(experiment.service), experiment.base.partition("@")[0], experiment.namespace, others)
            connection.execute(insert(experiments).values(**values))
            append(connection, "experiment", experiment.id, "created")
        return experiment

    def save(self, experiment: Experiment) -> Experiment:
        """Write a live experiment again. Raises NotFound."""
        row = update(experiments).where(experiments.c.id == experiment.id)
        with self._database.write() as connection:
            if not connection.execute(row.values(record=experiment.model_dump(mode="json"))).rowcount:
                raise NotFound(f"No experiment {experiment.id!r}.", "It was removed meanwhile.")
            append(connection, "experiment", experiment.id, "updated")
        return experiment

    def check_free(self, service: str, model: str, namespace: Namespace | None = None) -> None:
        """Raise Conflict as `begin` does."""
        _refuse(service, model, namespace, self.list())

    def going_on(self, service: str) -> list[Experiment]:
        """The live experiments on this service that are not over."""
        return [one for one in self.list() if one.goes_on and one.service == service]

    def made_by(self, job_id: str) -> Experiment | None:
        """The experiment that the job wrote, if it came so far."""
        with self._database.read() as connection:
            row = scalar(connection, select(experiments.c.record).where(experiments.c.id == job_id))
        return Experiment.model_validate(row) if row else None

    def get(self, experiment_id: str) -> Experiment:
        experiment = self.made_by(experiment_id)  # it has its job's id
        if experiment is None:
            raise NotFound(f"No experiment {experiment_id!r}.", "List the jobs that made them: modeldeploy jobs list.")
        return experiment

    def list(self) -> list[Experiment]:
        """Newest first."""
        with self._database.read() as connection:
            rows = scalars(connection, select(experiments.c.record).order_by(experiments.c.created_at.desc()))
        return [Experiment.model_validate(row) for row in rows]


def _refuse(service: str, model: str, namespace: Namespace | None, others: Sequence[Experiment]) -> None:
    going_on = [one for one in others if one.goes_on]
    for one in going_on:
        beside = (one.service, one.base.partition("@")[0]) == (service, model)
        if namespace is None or one.namespace is None:
            if beside:
                raise Conflict(
                    f"The experiment {one.id} on {model!r} of {service!r} is {one.outcome}.",
                    f"Wait for its end, or stop it: modeldeploy experiments stop {one.id}. Several at a time need a "
                    "range of a namespace each.",
                )
        elif (beside or one.namespace.id == namespace.id) and namespace.overlaps(one.namespace):
            taken = [each.namespace for each in going_on if each.namespace and each.namespace.id == one.namespace.id]
            left = ", ".join(map(str, free_ranges(taken)))
            raise Conflict(
                f"{namespace} may have units of {one.namespace}, the range of the experiment {one.id} on "
                f"{one.service!r}, which is {one.outcome}.",
                f"Free: {left}." if left else f"Nothing of {one.namespace.id} is free: wait for the end of one.",
            )
