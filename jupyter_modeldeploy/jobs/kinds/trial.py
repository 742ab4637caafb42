"""One training of a sweep: a part of its job, which is judged on validation rows and may be stopped early."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import InvalidInput, JobFailed
from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.jobs.kinds import finetune
from jupyter_modeldeploy.jobs.kinds.sweep_parameters import SweepParameters, plan_of
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records.sweeps import Option, SweepResult, TrialState
from jupyter_modeldeploy.training.options import FinetuneOptions, FinetuneResult
from jupyter_modeldeploy.training.sweeps import study

VALUES = "values.json"
"""The file of a trial's folder that holds its metric by step, while it is trained."""


class TrialParameters(Parameters):
    base: str
    dataset: str
    number: int
    tried: dict[str, Option]
    options: FinetuneOptions


class Hopeless(Exception):
    """The trial is not worth going on with."""


class Judging:
    """A reporter that keeps the metric of each evaluation in a file, and raises Hopeless where `stop` says so."""

    def __init__(self, reporter: Reporter, metric: str, file: Path, stop: Callable[[list[float]], bool]) -> None:
        self._reporter, self._metric, self._file, self._stop = reporter, metric, file, stop
        self._at_the_end = False

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        self._at_the_end = total is not None and done >= total
        self._reporter.progress(done, total, unit, message)

    def metric(self, name: str, value: float, step: int) -> None:
        self._reporter.metric(name, value, step)
        if name == f"validation_{self._metric}":
            self._judge(value, step)

    def sample(self, step: int, row: int, text: str, answer: str) -> None:
        self._reporter.sample(step, row, text, answer)

    def _judge(self, value: float, step: int) -> None:
        if not math.isfinite(value):
            raise JobFailed(f"The {self._metric} on validation rows is {value}.", "Try lower learning rates.")
        known = {**_known(self._file), step: value}
        self._file.write_text(json.dumps(known))
        if not self._at_the_end and self._stop(_by_step(known)):
            raise Hopeless


def values(folder: Path) -> list[float]:
    """The metric of each evaluation of the trial with this folder so far."""
    return _by_step(_known(folder / VALUES))


def run(context: Context) -> dict[str, Any]:
    """The state, and the metrics on validation rows with the options that were used, of a trial that was not pruned."""
    parameters: TrialParameters = context.parameters
    store = context.store
    base, dataset = store.versions.get(parameters.base), store.datasets.get(parameters.dataset)
    sweep = store.jobs.get(store.jobs.get(context.job_id).parent or "")
    plan = plan_of(SweepParameters.model_validate(sweep.parameters), dataset)
    found = SweepResult.model_validate(sweep.result)
    past = [trial for trial in found.trials if trial.number < parameters.number]
    reporter = Judging(
        context.reporter,
        found.metric,
        context.folder / VALUES,
        lambda so_far: study.is_hopeless(plan, past, parameters.tried, so_far),
    )
    training = finetune.training(
        context, store.versions.path(base), dataset, parameters.options, context.folder / "version"
    )
    try:
        result: FinetuneResult = plugins.load("trainers", dataset.task)(
            dataclasses.replace(training, reporter=reporter, trial=True)
        )
    except Hopeless:
        return {"state": TrialState.pruned, "metric": found.metric, "value": values(context.folder)[-1]}
    if found.metric not in result.metrics:
        has = ", ".join(result.metrics)
        raise InvalidInput(f"The trainer for {dataset.task} reports no {found.metric}.", f"It reports: {has}.")
    return {
        "state": TrialState.done,
        "metric": found.metric,
        "value": result.metrics[found.metric],
        "metrics": result.metrics,
        "training": result.model_dump(mode="json"),
    }


def _known(file: Path) -> dict[int, float]:
    return {int(step): value for step, value in json.loads(file.read_text()).items()} if file.exists() else {}


def _by_step(known: dict[int, float]) -> list[float]:
    return [known[step] for step in sorted(known)]


def _title(parameters: TrialParameters) -> str:
    return f"Trial {parameters.number}: {told(parameters.tried)}"


def told(options: dict[str, Option]) -> str:
    """`learning_rate 0.0003, batch_size 16`"""
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in options.items()
    )


KIND = Kind("trial", TrialParameters, _title, run, work="training")
