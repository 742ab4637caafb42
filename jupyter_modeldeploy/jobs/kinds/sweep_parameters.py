"""What a sweep is told, what is wrong with it, and the plan that follows."""

from __future__ import annotations

from typing import cast

from pydantic import Field

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.jobs.context import Reusing
from jupyter_modeldeploy.jobs.kinds import finetune
from jupyter_modeldeploy.records import Dataset, Name
from jupyter_modeldeploy.records.sweeps import Option, Search
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.training.defaults import suiting
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.sweeps.judging import direction_of, metric_of
from jupyter_modeldeploy.training.sweeps.space import MAX_TRIALS, Space, Vary, space_of
from jupyter_modeldeploy.training.sweeps.study import Plan, Pruning

USUAL_TRIALS = 10
EVALUATIONS = 4
"""Of a trial, where it may be pruned and nobody says how many."""


class SweepParameters(Reusing):
    base: str = Field(description="the version that each trial starts from: NAME, NAME@3 or NAME@alias")
    dataset: str = Field(description="the dataset to learn from: NAME or NAME@2")
    name: Name = Field(description="the model that the best trial becomes a version of")
    vary: Vary = Field(
        description="the options that vary: 16,32 are values, 1e-5..1e-3 ends, 1e-5..1e-3:log ends whose orders of "
        "magnitude are alike, 1e-5..1e-3:log:3 three values between them, for a grid"
    )
    search: Search = Field(
        default="bayesian", description="every combination, random ones, or those that promise most (Optuna's TPE)"
    )
    trials: int | None = Field(
        default=None, ge=1, le=MAX_TRIALS, description=f"how many trainings; else {USUAL_TRIALS}, or the whole grid"
    )
    metric: str | None = Field(
        default=None, description="what decides, on validation rows: accuracy, f1_macro, loss …; else the task's usual"
    )
    pruning: Pruning = Field(
        default="median",
        description="stop a trial that is worse than the median of those before it at the same point, or than the "
        "better half (successive halving)",
    )
    options: FinetuneOptions = FinetuneOptions()

    def options_of(self, tried: dict[str, Option]) -> FinetuneOptions:
        """All options of a trial. Every trial is evaluated, and at its end: that is how they are compared."""
        options = self.options
        evaluations = options.evaluations or (EVALUATIONS if self.pruning != "none" else 1)
        judged = {} if options.evaluate_every else {"evaluations": evaluations}
        return options.model_copy(update={**judged, **tried})


def check(store: Store, parameters: SweepParameters) -> None:
    """What can be said without a device: whether such a fine-tuning can be, and whether the search makes sense."""
    alone = finetune.FinetuneParameters.model_validate(
        parameters.model_dump(include=set(finetune.FinetuneParameters.model_fields))
    )
    finetune.check(store, alone)
    dataset = store.datasets.get(parameters.dataset)
    plan_of(parameters, dataset)
    options, vary = parameters.options, parameters.vary
    if options.sample_predictions:
        raise InvalidInput("A sweep shows no held-out rows.", "Leave out sample_predictions.")
    if options.processes > 1:
        raise InvalidInput("The trials of a sweep train in one process.", "Leave out processes.")
    if "learning_rate" in vary and (options.find_learning_rate or "find_learning_rate" in vary):
        raise InvalidInput("find_learning_rate would overrule the learning rates that vary.", "Leave one of them out.")
    for name in vary:
        if getattr(options, name) != FinetuneOptions.model_fields[name].get_default():
            raise InvalidInput(f"{name} varies, and is given too.", "Leave one of them out.")
        _check_effect(name, parameters, dataset)


def _check_effect(name: str, parameters: SweepParameters, dataset: Dataset) -> None:
    """Whether the option decides anything for such data, learnt so. What a trainer of another package makes of it is
    not known."""
    usual = suiting(dataset, trained=True)
    means = FinetuneOptions.model_fields[name].json_schema_extra
    if usual is None or not isinstance(means, dict):
        return
    tasks, methods = (cast(list[str] | None, means.get(key)) for key in ("x-tasks", "x-methods"))
    if tasks is not None and dataset.task not in tasks:
        raise InvalidInput(f"{name} decides nothing for {dataset.task}.", "Vary something else.")
    options = parameters.options
    method = options.method or ("lora" if options.quantize_base else usual.method)
    if methods is not None and method not in methods and "method" not in parameters.vary:
        raise InvalidInput(f"{name} decides nothing with method={method}.", f"Choose method={methods[0]}.")


def plan_of(parameters: SweepParameters, dataset: Dataset) -> Plan:
    """Raises InvalidInput for a space, a metric or a number of trials that cannot be."""
    space = space_of(parameters.vary, parameters.search)
    return Plan(
        space=space,
        search=parameters.search,
        direction=direction_of(metric_of(dataset, parameters.metric)),
        pruning=parameters.pruning,
        trials=_trials(space, parameters),
        seed=parameters.options.seed,
    )


def _trials(space: Space, parameters: SweepParameters) -> int:
    size, wanted = space.size, parameters.trials
    if parameters.search == "grid":
        if wanted is not None and wanted != size:
            raise InvalidInput(
                f"The grid has {size:,} points, not {wanted:,}.", "Leave out trials, or choose search=random."
            )
        return size or 0
    if size is not None and wanted is not None and wanted > size:
        raise InvalidInput(
            f"There are {size:,} combinations, too few for {wanted:,} trials.", "Ask for fewer, or choose search=grid."
        )
    return min(wanted or USUAL_TRIALS, size or MAX_TRIALS)
