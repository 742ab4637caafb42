"""The search: what comes next follows from the trials so far alone, it finds what is good, and gives up what is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from jupyter_modeldeploy.records.sweeps import Option, Trial, TrialState
from jupyter_modeldeploy.training.sweeps import study
from jupyter_modeldeploy.training.sweeps.space import space_of

VARY = {"learning_rate": "1e-6..1e-1:log", "batch_size": "16,32,64", "lora_rank": "1..64"}
POINTS = 4


def plan(trials: int = 24, vary: dict[str, Any] = VARY, **known: Any) -> study.Plan:
    known = {"search": "bayesian", "direction": "maximize", "pruning": "median", "seed": 0, **known}
    return study.Plan(space=space_of(vary, known["search"]), trials=trials, **known)


def learnt(options: dict[str, Option], sign: int = 1) -> list[float]:
    """The metric along a training that does best with a learning rate of 1e-3, whatever the rest is."""
    final = 1 - abs(math.log10(float(options["learning_rate"])) + 3) / 3
    return [sign * final * (step / POINTS) ** 0.5 for step in range(1, POINTS + 1)]


def search(plan: study.Plan, past: Sequence[Trial] = (), sign: int = 1) -> list[Trial]:
    """The trials of a whole sweep."""
    trials = list(past)
    while len(trials) < plan.trials:
        options, values, state = study.next_options(plan, trials), list[float](), TrialState.done
        for value in learnt(options, sign):
            values.append(value)
            if len(values) < POINTS and study.is_hopeless(plan, trials, options, values):
                state = TrialState.pruned
                break
        number = len(trials) + 1
        trials.append(
            Trial(number=number, job=str(number), options=options, state=state, value=values[-1], values=values)
        )
    return trials


def best(plan: study.Plan, trials: Sequence[Trial]) -> Trial:
    found = study.best_of(plan.direction, trials)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["random", "bayesian"])
@pytest.mark.parametrize("pruning", ["median", "halving"])
def test_a_sweep_that_was_interrupted_goes_on_as_one_that_was_not(kind: str, pruning: str) -> None:
    wanted = plan(12, search=kind, pruning=pruning)
    whole = search(wanted)
    for kept in (1, 5, 11):
        assert search(wanted, whole[:kept]) == whole
    assert search(replace(wanted, seed=1)) != whole


def test_the_bayesian_search_comes_closer_than_chance_and_stops_what_is_worse() -> None:
    wanted = plan(24)
    trials = search(wanted)
    late, early = trials[12:], trials[:12]

    def near(some: Sequence[Trial]) -> float:
        return sum(abs(math.log10(float(trial.options["learning_rate"])) + 3) for trial in some) / len(some)

    assert near(late) < near(early)
    assert {trial.state for trial in trials} == {TrialState.done, TrialState.pruned}
    assert (best(wanted, trials).value or 0) > 0.9
    assert all((trial.value or 0) < (best(wanted, trials).value or 0) for trial in trials if trial.state == "pruned")


def test_what_is_to_be_low_is_searched_for_low_values() -> None:
    up, down = plan(12), plan(12, direction="minimize")
    assert [trial.options for trial in search(down, sign=-1)] == [trial.options for trial in search(up)]
    assert best(down, search(down, sign=-1)).number == best(up, search(up)).number


def test_without_pruning_every_trial_comes_to_its_end() -> None:
    assert {trial.state for trial in search(plan(12, pruning="none"))} == {TrialState.done}


def test_the_first_trials_are_never_stopped() -> None:
    options: dict[str, Option] = {"learning_rate": 1e-3, "batch_size": 16, "lora_rank": 8}
    assert not study.is_hopeless(plan(4), [], options, [0.0])


def test_nothing_is_tried_twice() -> None:
    wanted = plan(6, {"learning_rate": "1e-4,1e-3", "batch_size": "16,32,64"}, search="bayesian")
    tried = [tuple(trial.options.items()) for trial in search(wanted)]
    assert len(set(tried)) == 6


def test_a_grid_is_tried_in_its_order() -> None:
    wanted = plan(4, {"learning_rate": "1e-4,1e-3", "batch_size": "16,32"}, search="grid")
    assert [trial.options for trial in search(wanted)] == wanted.space.grid()


def test_a_trial_that_failed_is_no_best_one_and_does_not_stop_the_search() -> None:
    wanted = plan(6)
    options = study.next_options(wanted, [])
    failed = Trial(number=1, job="1", options=options, state=TrialState.failed, error="The training diverged.")
    assert study.best_of("maximize", [failed]) is None
    trials = search(wanted, [failed])
    assert trials[1].options != options
    assert best(wanted, trials).number > 1


def test_of_equal_trials_the_first_is_best() -> None:
    one = Trial(number=1, job="1", options={"batch_size": 16}, state=TrialState.done, value=0.5)
    other = Trial(number=2, job="2", options={"batch_size": 32}, state=TrialState.done, value=0.5)
    assert study.best_of("maximize", [other, one]) == one


def test_it_tells_which_option_decides_once_there_are_enough_trials() -> None:
    wanted = plan(24, search="random", pruning="none")
    trials = search(wanted)
    assert study.importance(wanted, trials[:9]) is None
    shares = study.importance(wanted, trials)
    assert shares is not None
    assert max(shares, key=lambda name: shares[name]) == "learning_rate"
    assert sum(shares.values()) == pytest.approx(1)
    alike = [trial.model_copy(update={"value": 0.5}) for trial in trials]
    assert study.importance(wanted, alike) is None
