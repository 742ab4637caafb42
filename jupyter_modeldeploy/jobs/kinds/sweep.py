"""Search for the options that a fine-tuning does best with: trainings that are parts of this job, one after the other,
and a version made from the best. Validation rows choose; the held-out rows judge what was chosen, and nothing else."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import JobFailed, NotFound
from jupyter_modeldeploy.jobs.context import Context, Kind
from jupyter_modeldeploy.jobs.kinds import finetune, trial
from jupyter_modeldeploy.jobs.kinds.sweep_parameters import SweepParameters, check, plan_of
from jupyter_modeldeploy.records import Job, JobState
from jupyter_modeldeploy.records.sweeps import SweepResult, Trial, TrialState
from jupyter_modeldeploy.training.sweeps import study
from jupyter_modeldeploy.training.sweeps.judging import metric_of

if TYPE_CHECKING:
    from jupyter_modeldeploy.jobs.children import Children

log = logging.getLogger(__name__)
FAILED_AT_THE_START = 5
"""Where so many trials fail before one does not, the others would too."""


def run(context: Context) -> dict[str, Any]:
    from jupyter_modeldeploy.jobs.children import Children  # which starts jobs of all kinds, so it knows this one

    parameters: SweepParameters = context.parameters
    check(context.store, parameters)
    if parameters.reuse and (known := _known(context)):
        return known
    dataset = context.store.datasets.get(parameters.dataset)
    plan = plan_of(parameters, dataset)
    job = context.store.jobs.get(context.job_id)
    begun = {"search": plan.search, "metric": metric_of(dataset, parameters.metric), "direction": plan.direction}
    found = SweepResult.model_validate(job.result or {**begun, "planned": plan.trials})
    module = plugins.available("trainers")[dataset.task].partition(":")[0]
    with Children(context.store, job.id, [module, "optuna"]) as children:
        sweep = Sweep(context, job.attempt, plan, children, found)
        while len(sweep.past) < plan.trials:
            sweep.make_trial()
        sweep.make_version()
    return sweep.found.model_dump(mode="json")


@dataclass
class Sweep:
    """A sweep under way. `found` is kept as the job's result as it grows, and is all that is needed to go on."""

    context: Context
    attempt: int
    plan: study.Plan
    children: Children
    found: SweepResult

    @property
    def past(self) -> list[Trial]:
        return [one for one in self.found.trials if one.state is not TrialState.running]

    def make_trial(self) -> None:
        """Make the next trial, or go on with the one that was under way, and drop the checkpoints that lost."""
        begun = next((one for one in self.found.trials if one.state is TrialState.running), None) or self._begun()
        self._keep(begun)
        best_before = self.found.best_trial
        ended = self._judged(begun, self.children.run(begun.job, self._show))
        self._keep(ended)
        best = self.found.best_trial
        for loser in (ended, best_before):
            if loser is not None and loser != best:
                shutil.rmtree(self.context.store.job_folder(loser.job) / "checkpoints", ignore_errors=True)
        log.info("%s: %s %s", trial.told(ended.options), ended.state, ended.error or ended.value)
        self._give_up_where_all_fail()

    def make_version(self) -> None:
        """Fine-tune with the best trial's options: from its last checkpoint, so that what is left is to judge it on the
        held-out rows."""
        best = self.found.best_trial
        if best is None:
            raise self._nothing_came_of_it()
        self.context.reporter.progress(
            self.plan.trials, self.plan.trials, "trials", f"making the version from trial {best.number}"
        )
        begun = next((job for job in self.children.all() if job.kind == finetune.KIND.name), None)
        ended = self.children.run((begun or self._winner(best)).id, lambda job: None)
        if ended.state is not JobState.succeeded or ended.result is None:
            raise JobFailed(
                f"No version could be made from trial {best.number}. {_reason(ended)}",
                f"modeldeploy jobs log {ended.id}",
            )
        self.found = self.found.model_copy(
            update={"version": ended.result["version"], "metrics": ended.result["metrics"]}
        )

    def _begun(self) -> Trial:
        parameters: SweepParameters = self.context.parameters
        number, options = len(self.past) + 1, study.next_options(self.plan, self.past)
        wanted = trial.TrialParameters(
            base=parameters.base,
            dataset=parameters.dataset,
            number=number,
            tried=options,
            options=parameters.options_of(options),
        )
        job = self.children.new(trial.KIND, wanted)
        return Trial(number=number, job=job.id, options=options, state=TrialState.running)

    def _winner(self, best: Trial) -> Job:
        parameters: SweepParameters = self.context.parameters
        store = self.context.store
        job = self.children.new(
            finetune.KIND,
            finetune.FinetuneParameters(
                base=parameters.base,
                dataset=parameters.dataset,
                name=parameters.name,
                options=parameters.options_of(best.options),
            ),
        )
        (store.job_folder(best.job) / "checkpoints").rename(store.job_folder(job.id) / "checkpoints")
        return job

    def _judged(self, begun: Trial, job: Job) -> Trial:
        result = job.result if job.state is JobState.succeeded and job.result else {"state": TrialState.failed}
        took = (job.ended_at - job.started_at).total_seconds() if job.ended_at and job.started_at else None
        return Trial(
            number=begun.number,
            job=job.id,
            options=begun.options,
            state=result["state"],
            value=result.get("value"),
            values=trial.values(self.context.store.job_folder(job.id)),
            seconds=took,
            error=_reason(job),
        )

    def _keep(self, one: Trial) -> None:
        others = [each for each in self.found.trials if each.number != one.number]
        trials = [*others, one]
        best = study.best_of(self.plan.direction, trials)
        self.found = self.found.model_copy(
            update={
                "trials": trials,
                "best": best.number if best else None,
                "importance": study.importance(self.plan, trials),
            }
        )
        result = self.found.model_dump(mode="json")
        self.context.store.jobs.update(self.context.job_id, [JobState.running], self.attempt, result=result)
        if one.value is not None:
            self.context.reporter.metric(f"trial_{self.found.metric}", one.value, one.number)
        if best is not None and best.value is not None:
            self.context.reporter.metric(f"best_{self.found.metric}", best.value, one.number)

    def _show(self, job: Job) -> None:
        """How far the sweep is while this trial runs."""
        begun, best = self.found.trials[-1], self.found.best_trial
        share = job.progress.done / job.progress.total if job.progress.total else 0.0
        parts = [f"trial {begun.number} of {self.plan.trials}: {trial.told(begun.options)}"]
        if best is not None:
            parts.append(f"best {self.found.metric} {best.value:.4g} (trial {best.number})")
        done = len(self.past) + min(share, 1.0)
        self.context.reporter.progress(done, self.plan.trials, "trials", "; ".join(parts))

    def _give_up_where_all_fail(self) -> None:
        states = {one.state for one in self.past}
        if states == {TrialState.failed} and len(self.past) >= min(FAILED_AT_THE_START, self.plan.trials):
            raise self._nothing_came_of_it()

    def _nothing_came_of_it(self) -> JobFailed:
        last = self.past[-1]
        return JobFailed(
            f"{'All' if len(self.past) == self.plan.trials else 'The first'} {len(self.past)} trials failed, "
            f"the last one ({trial.told(last.options)}) so: {last.error}",
            f"modeldeploy jobs log {last.job}",
        )


def _reason(job: Job) -> str | None:
    """Why a part did not come to its end."""
    if job.state is JobState.succeeded:
        return None
    return job.error.message if job.error else f"It was {job.state}."


def _known(context: Context) -> dict[str, Any] | None:
    """What an earlier sweep for the same came to, if its version is there."""
    wanted = context.parameters.model_dump(mode="json")
    for job in context.store.jobs.list([JobState.succeeded]):
        if job.kind == KIND.name and job.result and {**job.parameters, "reuse": True} == wanted:
            try:
                context.store.versions.get(job.result["version"])
            except NotFound:
                continue
            return {**job.result, "reused": True}
    return None


KIND = Kind(
    "sweep",
    SweepParameters,
    lambda p: f"Sweep of {', '.join(p.vary)} for {p.base} on {p.dataset} as {p.name}",
    run,
    work="training",
    check=check,
)
