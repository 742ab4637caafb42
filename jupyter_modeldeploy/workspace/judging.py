"""How good and how fast versions are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jupyter_modeldeploy.errors import Conflict
from jupyter_modeldeploy.records import EvaluationReport, Step
from jupyter_modeldeploy.records.figures import Measurement
from jupyter_modeldeploy.workspace.handle import JobHandle
from jupyter_modeldeploy.workspace.measurements import measurements
from jupyter_modeldeploy.workspace.versions import Versions

if TYPE_CHECKING:
    from jupyter_modeldeploy.reporting.profile import ProfilePage


class Judging(Versions):
    def evaluation(self, ref: str) -> EvaluationReport | None:
        """How good a version that a training made is on the rows that were held out from it, with intervals, each
        class, the confusion matrix, calibration and the worst mistakes; None for a version that no training made."""
        from jupyter_modeldeploy.training.record import TrainingRecord

        version = self.version(ref)
        trained = version.lineage.step in (Step.finetuned, Step.distilled, Step.pruned) and version.lineage.dataset
        if not trained:
            return None  # a file of that name that came from elsewhere is not ours
        record = TrainingRecord.read(self._store.versions.folder(version))
        return record.result.evaluation if record else None

    def measurements(self, name: str) -> Sequence[Measurement]:
        """How fast each version of the model was when it was profiled or searched for a better form last; those that
        never were are left out. Raises NotFound."""
        return measurements(self._store, name)

    def evaluate(self, version: str, dataset: str | None = None, against: str | None = None) -> JobHandle:
        """Judge a version on held-out data, with intervals; `against` a second one by the paired difference."""
        other = self._loadable(against).ref if against else None
        chosen = self._dataset(dataset)
        return self._submit("evaluate", version=self._loadable(version).ref, dataset=chosen, against=other)

    def profile(
        self,
        version: str,
        service: str | None = None,
        dataset: str | None = None,
        requests: int = 300,
        concurrency: int = 4,
        **options: Any,
    ) -> JobHandle:
        """Measure a version's operators and memory and, through a running service, its latency. The options, such as
        `seconds` and `threads`, are those of `ProfileParameters`."""
        if service is not None:
            self._store.services.get(service)
        return self._submit(
            "profile",
            version=self._loadable(version).ref,
            service=service,
            dataset=self._dataset(dataset),
            requests=requests,
            concurrency=concurrency,
            **options,
        )

    def profile_of(self, job_id: str) -> ProfilePage:
        """What a profile of a version found, which shows itself in a notebook and writes itself as a page. Raises
        NotFound, and Conflict for a job that has not ended well."""
        from jupyter_modeldeploy.reporting.profile import ProfilePage

        job = self._store.jobs.get(job_id)
        if job.kind != "profile" or job.result is None:
            raise Conflict(f"The job {job_id} is {job.state} and has no profile.", "Profile a version first.")
        return ProfilePage.model_validate(job.result["profile"])
