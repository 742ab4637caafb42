"""Guardrails: certain soon where there is harm, and never where there is none."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.experiments.own_metrics import ERROR_RATE, LATENCY
from jupyter_modeldeploy.experiments.statistics import failures
from jupyter_modeldeploy.experiments.statistics.failures import Counts
from jupyter_modeldeploy.experiments.verdicts import guard
from jupyter_modeldeploy.records import Guardrail, GuardrailState, Metric

ERRORS = Guardrail(metric="error_rate", at_most=0.01)
SLOWER = Guardrail(metric="latency_ms", at_most=0.2, relative=True)


def requests(version: str, count: int, error_share: float, mean_ms: float, seed: int, stage: int = 0) -> Observed:
    random = np.random.default_rng([seed, stage])
    sums = {
        "requests": np.ones(count),
        "errors": (random.random(count) < error_share).astype(float),
        "latency_ms": random.lognormal(np.log(mean_ms), 0.6, count),
    }
    return Observed(version, stage, 0.1 if version == "m@2" else 0.9, count, sums)


def states(candidates: int, *guardrails: Guardrail, errors: float = 0.01, slower: float = 1.0) -> list[GuardrailState]:
    """A candidate at a tenth of the traffic."""
    base = requests("m@1", 9 * candidates, 0.01, 20.0, 1)
    candidate = requests("m@2", candidates, errors, 20.0 * slower, 2)
    return guard([base, candidate], "m@1", "m@2", guardrails, [ERROR_RATE, LATENCY])


def test_a_few_hundred_requests_are_enough_to_see_harm() -> None:
    assert [state.state for state in states(300, ERRORS, SLOWER, errors=0.06)] == ["breached", "held"]
    assert [state.state for state in states(100, ERRORS, SLOWER, slower=2.0)] == ["open", "breached"]
    assert [state.state for state in states(20_000, ERRORS, SLOWER)] == ["held", "held"]


def test_a_candidate_that_fails_at_all_units_is_seen_within_a_few_dozen() -> None:
    assert states(30, ERRORS, errors=1.0)[0].state == "breached"
    many = {"requests": np.full(30, 4.0), "errors": np.full(30, 4.0)}
    none = {"requests": np.full(270, 4.0), "errors": np.zeros(270)}
    observed = [Observed("m@1", 0, 0.9, 270, none), Observed("m@2", 0, 0.1, 30, many)]
    assert guard(observed, "m@1", "m@2", [ERRORS], [ERROR_RATE])[0].state == "breached"


def test_harm_is_by_how_much_the_candidate_is_worse_whichever_way_that_is() -> None:
    good = Metric(name="answered", kind="proportion", of="answered", unit="proportion")
    sides = [
        Observed(version, 0, 0.5, 1000, {"answered": (np.arange(1000) < right).astype(float)})
        for version, right in (("m@1", 900), ("m@2", 700))
    ]
    for relative, expected in ((False, 0.2), (True, 0.2 / 0.9)):
        limit = Guardrail(metric="answered", at_most=0.1, relative=relative)
        state = guard(sides, "m@1", "m@2", [limit], [good])[0]
        assert state.harm is not None
        assert state.harm.value == pytest.approx(expected)
        assert state.state == "breached"


def test_what_was_before_does_not_outweigh_what_is_now() -> None:
    """A long stage without harm, and then a short one with it."""
    calm = [Counts(45, 4500, 5, 500, 0.1)]
    harm = [*calm, Counts(5, 500, 40, 500, 0.5)]
    assert failures.difference(calm, 0.05)[1] < 0 < failures.difference(harm, 0.05)[1]
    alone = failures.evidence(harm[1:], 1.0, 0.0, "more")
    assert failures.evidence(harm, 1.0, 0.0, "more") > alone - 2


def test_a_share_of_nothing_has_no_figure_and_yet_a_limit() -> None:
    nothing = {"requests": np.ones(900), "errors": np.zeros(900)}
    some = {"requests": np.ones(100), "errors": (np.arange(100) < 20).astype(float)}
    observed = [Observed("m@1", 0, 0.9, 900, nothing), Observed("m@2", 0, 0.1, 100, some)]
    limit = ERRORS.model_copy(update={"at_most": 0.5, "relative": True})
    state = guard(observed, "m@1", "m@2", [limit], [ERROR_RATE])[0]
    assert (state.harm, state.state) == (None, "breached")


@pytest.mark.parametrize(("base", "candidate"), [(1, 1), (1, 0), (0, 1)])
def test_before_there_are_units_a_guardrail_is_open_and_says_why(base: int, candidate: int) -> None:
    observed = [requests("m@1", base, 0.0, 20.0, 1), requests("m@2", candidate, 0.0, 20.0, 2)]
    errors, latency = guard(observed, "m@1", "m@2", [ERRORS, SLOWER], [ERROR_RATE, LATENCY])
    assert (errors.state, latency.state) == ("open", "open")
    assert latency.note
    assert guard([], "m@1", "m@2", [], []) == []


def test_a_guardrail_is_on_something_that_is_measured() -> None:
    with pytest.raises(InvalidInput, match="A guardrail on clicks, which is not measured"):
        guard([], "m@1", "m@2", [Guardrail(metric="clicks", at_most=1)], [ERROR_RATE])


@pytest.mark.parametrize("scale", [1.0, 1.5])
@pytest.mark.parametrize(("side", "sign"), [("more", 1), ("less", -1)])
def test_bets_on_what_is_not_so_gain_nothing_on_average(scale: float, side: str, sign: int) -> None:
    """The mean wealth over all that may happen to eight units, by its chances: one, less what a split that came out
    uneven costs."""
    share, base, units = 0.4, 0.2, 8
    chances = share * base * scale, share * (1 - base * scale), (1 - share) * base, (1 - share) * (1 - base)
    expected = 0.0
    for counts in itertools.product(range(units + 1), repeat=4):
        if sum(counts) == units:
            ways = math.factorial(units) // math.prod(map(math.factorial, counts))
            chance = ways * math.prod(one**count for one, count in zip(chances, counts, strict=True))
            wealth = failures._wealth(
                Counts(counts[2], sum(counts[2:]), counts[0], sum(counts[:2]), share), scale, 0.0, sign
            )
            expected += chance * math.exp(wealth)
    assert 0.5 < expected <= 1.0
