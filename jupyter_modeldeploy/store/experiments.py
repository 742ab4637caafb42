"""Experiments: comparisons of versions, each written once."""

from __future__ import annotations

from sqlalchemy import insert, select

from jupyter_modeldeploy.errors import NotFound
from jupyter_modeldeploy.records import Experiment
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
