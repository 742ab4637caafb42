"""Long actions, whoever asked for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modeldeploy.jobs.reconcile import reconcile as reconcile_jobs
from jupyter_modeldeploy.records import LIVING, Job
from jupyter_modeldeploy.workspace.handle import JobHandle
from jupyter_modeldeploy.workspace.room import Room

if TYPE_CHECKING:
    from jupyter_modeldeploy.profiling.budget import Budget
    from jupyter_modeldeploy.records.profile_comparisons import BudgetCheck, ProfileComparison
    from jupyter_modeldeploy.reporting.graph import GraphPage


class Jobs(Room):
    def list(self, limit: int | None = None) -> Sequence[Job]:
        """Newest first, at most `limit`."""
        reconcile_jobs(self._store)
        return self._store.jobs.list(limit=limit)

    def at_work(self) -> bool:
        """Whether any job waits or runs."""
        reconcile_jobs(self._store)
        return bool(self._store.jobs.list(LIVING, limit=1))

    def compare(self, *job_ids: str) -> ProfileComparison:
        """What loads, profiles and reports measured, figure by figure beside the first of them, and which are worse.
        Raises NotFound, InvalidInput for jobs that measured nothing, or nothing in common."""
        from jupyter_modeldeploy.profiling import comparing, figures

        return comparing.compare([figures.figures_of(self._store.jobs.get(job_id)) for job_id in job_ids])

    def check(self, job_id: str, budget: Budget | str | Path) -> BudgetCheck:
        """What a load, a profile or a report measured against a budget, or against the file of one.

        Raises NotFound, and InvalidInput for a job that measured nothing and for what is no budget."""
        from jupyter_modeldeploy.profiling import budget as budgets
        from jupyter_modeldeploy.profiling import figures

        limits = budget if isinstance(budget, budgets.Budget) else budgets.read(Path(budget))
        return budgets.check(limits, figures.figures_of(self._store.jobs.get(job_id)))

    def graph(self, job_id: str) -> GraphPage:
        """The graph that a profile or a whole report ran, with the time of each node: it shows itself in a notebook and
        writes itself as a page (`write`). Raises NotFound, also where the model's runtime has no graph, as torch."""
        from jupyter_modeldeploy.jobs.kinds import model_graphs
        from jupyter_modeldeploy.reporting.graph import GraphPage

        found, graph = model_graphs.kept(self._store.job_folder(job_id), self._store.jobs.get(job_id))
        return GraphPage(version=found.version, graph=graph, operators=found.operators)

    def get(self, job_id: str) -> JobHandle:
        self._store.jobs.get(job_id)
        return JobHandle(self._store, job_id)
