"""Comparisons of versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_modeldeploy.records import Experiment
from jupyter_modeldeploy.workspace.handle import JobHandle
from jupyter_modeldeploy.workspace.room import Room

if TYPE_CHECKING:
    from jupyter_modeldeploy.reporting.experiment import ExperimentPage


class Experiments(Room):
    def list(self) -> Sequence[Experiment]:
        return self._store.experiments.list()

    def get(self, experiment_id: str) -> Experiment:
        return self._store.experiments.get(experiment_id)

    def report(self, experiment_id: str) -> ExperimentPage:
        """What an experiment found by now: it shows itself in a notebook, and writes itself as a page (`write`) and as
        Markdown (`markdown`). Raises NotFound."""
        from jupyter_modeldeploy.reporting.experiment import ExperimentPage

        return ExperimentPage(**self.get(experiment_id).model_dump())

    def compare(
        self,
        service: str,
        base: str | None = None,
        candidate: str | None = None,
        dataset: str | None = None,
        requests: int = 2000,
        concurrency: int = 1,
    ) -> JobHandle:
        """Compare two versions behind a service under generated traffic, split as the service splits it."""
        self._store.services.get(service)
        return self._submit(
            "compare",
            service=service,
            base=self._store.versions.get(base).ref if base else None,
            candidate=self._store.versions.get(candidate).ref if candidate else None,
            dataset=self._store.datasets.get(dataset).ref if dataset else None,
            requests=requests,
            concurrency=concurrency,
        )
