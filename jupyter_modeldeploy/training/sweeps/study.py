"""Optuna's part of a sweep: which options come next, whether a trial is worth going on with, which options matter.

Nothing is kept here: every question is answered from the trials so far, by a study that is built from them anew and
seeded by the trial's number. So a sweep that was killed goes on as one that was left in peace."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from jupyter_modeldeploy.records.sweeps import Option, Search, Trial, TrialState
from jupyter_modeldeploy.training.sweeps.judging import Direction
from jupyter_modeldeploy.training.sweeps.space import Between, Space, rounded

if TYPE_CHECKING:
    import optuna

Pruning = Literal["none", "median", "halving"]
ATTEMPTS = 50
"""How often other options are drawn where those that come were tried already."""
ENOUGH_FOR_IMPORTANCE = 10
BEST_SHARE = 0.25
"""The importance of an option is how much the best quarter of the trials differs in it from all."""


@dataclass(frozen=True)
class Plan:
    """How a sweep of `trials` trials searches. `seed` decides all that is drawn."""

    space: Space
    search: Search
    direction: Direction
    pruning: Pruning
    trials: int
    seed: int


def next_options(plan: Plan, past: Sequence[Trial]) -> dict[str, Option]:
    """The options of the trial after `past`, which none of these had."""
    if plan.search == "grid":
        return plan.space.grid()[len(past)]
    tried = [trial.options for trial in past]
    for attempt in range(ATTEMPTS):
        study = _study(plan, past, _sampler(plan, len(past), attempt))
        asked = study.ask(_distributions(plan.space)).params
        options = {name: _tidy(plan.space, name, value) for name, value in asked.items()}
        if options not in tried:
            return options
    return next(options for options in plan.space.grid() if options not in tried)


def is_hopeless(plan: Plan, past: Sequence[Trial], options: dict[str, Option], values: Sequence[float]) -> bool:
    """Whether a trial with these validation metrics so far is to be stopped. `past` are the trials before it."""
    if plan.pruning == "none":
        return False
    study = _study(plan, past)
    return _replayed(study, plan, options, values)[1]


def best_of(direction: Direction, trials: Sequence[Trial]) -> Trial | None:
    """The trial that came to its end with the best value; the earlier of equal ones."""
    done = [trial for trial in trials if trial.state is TrialState.done and trial.value is not None]
    sign = 1 if direction == "minimize" else -1
    return min(done, key=lambda trial: (sign * (trial.value or 0.0), trial.number), default=None)


def importance(plan: Plan, trials: Sequence[Trial]) -> dict[str, float] | None:
    """How much each option decides, in shares of 1 (PED-ANOVA); None where the trials are too few or too alike."""
    import optuna

    done = [trial for trial in trials if trial.state is TrialState.done]
    if len(done) < ENOUGH_FOR_IMPORTANCE:
        return None
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST_SHARE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = optuna.importance.get_param_importances(_study(plan, trials), evaluator=evaluator)
        except UserWarning:  # it says so where it cannot tell
            return None
    return {name: float(value) for name, value in found.items()}


def _study(plan: Plan, past: Sequence[Trial], sampler: optuna.samplers.BaseSampler | None = None) -> optuna.Study:
    """A study that has seen `past`, as if it had made these trials itself: pruners keep notes of their own."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction=plan.direction, pruner=_pruner(plan), sampler=sampler or optuna.samplers.RandomSampler(seed=0)
    )
    for trial in past:
        made, _ = _replayed(study, plan, trial.options, trial.values)
        if trial.state is TrialState.done:
            study.tell(made, trial.value)
        else:
            ends = {TrialState.pruned: optuna.trial.TrialState.PRUNED}
            study.tell(made, state=ends.get(trial.state, optuna.trial.TrialState.FAIL))
    return study


def _replayed(
    study: optuna.Study, plan: Plan, options: dict[str, Option], values: Sequence[float]
) -> tuple[optuna.Trial, bool]:
    """A trial of the study with these options and values, and whether its pruner would stop it at the last."""
    study.enqueue_trial(options)
    trial, stop = study.ask(_distributions(plan.space)), False
    for step, value in enumerate(values, 1):
        trial.report(value, step)
        stop = trial.should_prune()
    return trial, stop


def _sampler(plan: Plan, number: int, attempt: int) -> optuna.samplers.BaseSampler:
    import optuna

    seed = (plan.seed * 1_000_003 + number * 1_009 + attempt) % 2**32
    if plan.search == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=min(10, max(3, plan.trials // 4)))


def _pruner(plan: Plan) -> optuna.pruners.BasePruner:
    import optuna

    if plan.pruning == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=min(5, max(2, plan.trials // 4)))
    if plan.pruning == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    return optuna.pruners.NopPruner()


def _distributions(space: Space) -> dict[str, Any]:
    from optuna import distributions

    made: dict[str, Any] = {}
    for name, dimension in space.dimensions.items():
        if not isinstance(dimension, Between):
            made[name] = distributions.CategoricalDistribution(dimension.values)
        elif dimension.whole:
            made[name] = distributions.IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
        else:
            made[name] = distributions.FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    return made


def _tidy(space: Space, name: str, value: Option) -> Option:
    dimension = space.dimensions[name]
    return rounded(float(value), dimension) if isinstance(dimension, Between) else value
