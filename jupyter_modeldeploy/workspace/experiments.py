"""Comparisons of versions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from jupyter_modeldeploy.errors import Conflict, InvalidInput, ModelDeployError
from jupyter_modeldeploy.experiments.live.asked import metrics_of
from jupyter_modeldeploy.experiments.live.moves import Asked
from jupyter_modeldeploy.jobs import launch
from jupyter_modeldeploy.jobs.kinds import experiment_asking, held_out
from jupyter_modeldeploy.jobs.reconcile import reconcile as reconcile_jobs
from jupyter_modeldeploy.records import Experiment, ExperimentPlan, JobState, Rehearsal
from jupyter_modeldeploy.serving import lifecycle, recording
from jupyter_modeldeploy.workspace.handle import JobHandle
from jupyter_modeldeploy.workspace.room import Room

if TYPE_CHECKING:
    from jupyter_modeldeploy.reporting.experiment import ExperimentPage

POLL_S = 0.1
ACT_WAIT_S = 120.0
"""An experiment looks for what is asked of it twice a second, and may be changing its service at that time."""
ALONE = ("pause", "resume")
"""What makes no sense where nobody watches."""


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
        method: Literal["fixed", "sequence"] = "fixed",
    ) -> JobHandle:
        """Compare two versions behind a service under generated traffic, split as the service splits it. `method` says
        how: judged once, when all requests were sent, or as one that could be looked at any time."""
        self._store.services.get(service)
        return self._submit(
            "compare",
            service=service,
            base=self._store.versions.get(base).ref if base else None,
            candidate=self._store.versions.get(candidate).ref if candidate else None,
            dataset=self._store.datasets.get(dataset).ref if dataset else None,
            requests=requests,
            concurrency=concurrency,
            method=method,
        )

    def compare_offline(
        self, base: str, candidate: str, dataset: str | None = None, timed_rows: int = 200
    ) -> JobHandle:
        """Compare two versions on the same held-out rows of a dataset, else of the one that `base` was made with:
        their metrics and, in turns, their latency, each as the difference on the same row; and their size. It needs no
        service. Raises NotFound, and InvalidInput for versions that cannot be judged on it."""
        versions = [self._store.versions.get(ref) for ref in (base, candidate)]
        judged_on = held_out.required_dataset(self._store, versions[0], dataset)
        for version in versions:
            held_out.check_judgeable(version, judged_on)
        refs = [version.ref for version in versions]
        return self._submit(
            "compare-offline", base=refs[0], candidate=refs[1], dataset=judged_on.ref, timed_rows=timed_rows
        )

    def plan(
        self, service: str | None = None, metric: str = "latency_ms", kind: str | None = None, **asked: Any
    ) -> ExperimentPlan:
        """How many units an experiment needs, how long that takes, and what is found in less, from the arguments of
        `experiments.planning.plan`: `plan(base=0.12, minimum_effect=0.01, split=[80, 20], daily_units=5000)`.

        With a `service` the base's figure, what one unit differs and how many come a day are what it recorded; `metric`
        is one of its own (`latency_ms`, `error_rate` …) or an outcome with its `kind`, written as in `run`. What is
        given goes before what was seen. Raises InvalidInput where too little is known."""
        from jupyter_modeldeploy.experiments import planning  # scipy's, as what is recorded is judged
        from jupyter_modeldeploy.workspace.recorded import Recorded

        if service is not None:
            model = self._store.services.get(service).spec.models[0]
            refs = [f"{model.model}@{arm.version}" for arm in model.arms]
            seen = Recorded(self._store.service_folder(service), refs).figures(
                metrics_of({metric: kind} if kind else {}), metric
            )
            asked = {**seen, **{name: value for name, value in asked.items() if value is not None}}
        return planning.plan(**asked)

    def run(self, service: str, candidate: str, base: str | None = None, **options: Any) -> JobHandle:
        """Hold `candidate` against `base` on a running service's own traffic; the job's id is the experiment's.
        `options` are the fields of ExperimentOptions, such as `traffic_split=[80, 20]`, `steps="10,25,50,100"`,
        `duration="7d"`, `metrics={"bought": "proportion"}`, `guardrails={"latency_p95": "50%"}`, or
        `namespace="checkout:0-0.5"` for one of several at a time.

        Raises InvalidInput, NotFound, Conflict where the service does not run, and while another experiment that is
        not over may have a unit of it."""
        lifecycle.reconcile(self._store)
        return self._submit(
            "experiment",
            service=service,
            candidate=self._store.versions.get(candidate).ref,
            base=self._store.versions.get(base).ref if base else None,
            **options,
        )

    def resume(self) -> Sequence[Experiment]:
        """Watch those again whose watching ended with the machine: until then nobody holds their guardrails."""
        reconcile_jobs(self._store)
        lost = {job.id for job in self._store.jobs.list([JobState.interrupted]) if job.kind == "experiment"}
        found = [one for one in self.list() if one.id in lost and one.outcome in ("running", "paused")]
        for one in found:
            launch.resume(self._store, one.id)
        return found

    def rehearse(
        self, traffic: str, candidate: str | None = None, base: str | None = None, **options: Any
    ) -> Rehearsal:
        """What an experiment with these `options` (as for `run`) would have done, and when, in `traffic` that was
        recorded: the id of a live experiment, the name of a service that keeps a log of its requests, or the path of
        such a log, which needs both versions.

        Raises NotFound, and InvalidInput where both versions were not recorded at the same time."""
        from jupyter_modeldeploy.jobs.kinds import experiment_rehearsal

        if any(traffic == service.name for service in self._store.services.list()):
            traffic = str(recording.request_log(self._store, traffic))
        return experiment_rehearsal.rehearse(self._store, traffic, candidate, base, options)

    def act(self, experiment_id: str, action: Asked, alias: str | None = None) -> Experiment:
        """Pause or resume a live experiment, roll it back, promote its candidate, or stop it, which splits the traffic
        as before; returns when that is done.

        A promotion lets an `alias` point at the candidate, too, that of the experiment's options if none is named: as
        its rule allows, and before anything else. Where that is refused, and where a second person must approve it,
        the traffic stays as it is; where the traffic cannot be moved, so does the alias.

        Where nobody watches it any more, its job having died, the traffic is changed from here. Raises NotFound,
        InvalidInput for an alias with another action, Forbidden for who may not move the alias, and Conflict where its
        rule does not hold, for an experiment that is over, and where one is to be paused or resumed that nobody
        watches."""
        from jupyter_modeldeploy.jobs.kinds import experiment_promoting

        experiment = self.get(experiment_id)
        if experiment.kind != "live" or experiment.outcome not in ("running", "paused"):
            raise Conflict(f"The experiment {experiment_id} is over: {experiment.outcome}.", "Run another one.")
        if action != "promote":
            if alias is not None:
                raise InvalidInput(f"{action} moves no alias.", "Leave it out.")
            return self._act(experiment_id, action)
        experiment_promoting.check_base(self._store, experiment)
        alias, by = alias or experiment.alias, self._store.settings.person
        moved = experiment_promoting.move_alias(self._store, experiment, alias, by) if alias else None
        try:
            found = self._act(experiment_id, action, experiment_promoting.told(self._store, experiment, moved))
            if found.outcome not in ("running", "paused", "promoted"):
                raise Conflict(f"The experiment {experiment_id} is over: {found.outcome}.", "Look at its decisions.")
        except ModelDeployError:
            if moved is not None:
                experiment_promoting.take_back(self._store, moved, by)
            raise
        return found

    def _act(self, experiment_id: str, action: Asked, note: str = "") -> Experiment:
        from jupyter_modeldeploy.jobs.kinds import experiment_unwatched

        experiment = self.get(experiment_id)
        reconcile_jobs(self._store)
        if self._store.jobs.get(experiment_id).state.ended:
            if action in ALONE:
                raise Conflict(
                    f"Nobody watches the experiment {experiment_id} any more.",
                    f"Start it again: modeldeploy jobs resume {experiment_id}; or stop it.",
                )
            return experiment_unwatched.act(self._store, experiment, action, note)
        folder = self._store.job_folder(experiment_id)
        wish = experiment_asking.ask(folder, action, self._store.settings.owner, note)
        deadline = time.monotonic() + ACT_WAIT_S
        while wish.path.exists() and time.monotonic() < deadline:
            time.sleep(POLL_S)
            reconcile_jobs(self._store)
            if self._store.jobs.get(experiment_id).state.ended:
                break
        return self.get(experiment_id)
