"""A live experiment's next decision, from where it stands and what was seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments import request_log
from jupyter_modeldeploy.experiments.live import arms as splits
from jupyter_modeldeploy.experiments.live.asked import guardrails_of, metrics_of, share_of_split, shares_of
from jupyter_modeldeploy.experiments.live.moves import Moves
from jupyter_modeldeploy.experiments.live.ramp import Next, Place, Ramp, Seen, following
from jupyter_modeldeploy.experiments.live.rehearsal import rehearse
from jupyter_modeldeploy.experiments.live.standing import Journal, Standing
from jupyter_modeldeploy.experiments.observed import Observed, Rows
from jupyter_modeldeploy.records import Arm, Guardrail, GuardrailState, Interval, MetricComparison
from jupyter_modeldeploy.serving.routing import Choice, Split

RAMP = Ramp(steps=(0.1, 0.5, 1.0), hold_s=60, hold_units=100, duration_s=1000)
TEST = replace(RAMP, steps=(0.2,))
START = Place(step=0, since=0, ends=1000)


def rail(state: str, then: str = "roll back") -> GuardrailState:
    harm = {"breached": (0.05, 0.03, 0.07), "held": (0.0, -0.01, 0.01), "open": (0.01, -0.02, 0.04)}[state]
    guardrail = Guardrail.model_validate({"metric": "error_rate", "at_most": 0.02, "then": then})
    interval = Interval(value=harm[0], low=harm[1], high=harm[2])
    return GuardrailState.model_validate({"guardrail": guardrail, "harm": interval, "state": state})


def primary(verdict: str) -> MetricComparison:
    return MetricComparison.model_validate(
        {
            **{"metric": "bought", "unit": "proportion", "lower_is_better": False, "base": 0.1, "candidate": 0.12},
            **{"difference": Interval(value=0.02, low=0.01, high=0.03), "verdict": verdict, "method": "sequence"},
            **{"base_samples": 1000, "candidate_samples": 1000},
        }
    )


def decided(ramp: Ramp, place: Place, **seen: object) -> tuple[str, float | None] | None:
    found = following(ramp, place, Seen(**{"now": 0.0, "units": 0, **seen}))  # type: ignore[arg-type]
    return found and (found.action, found.share)


@pytest.mark.parametrize(
    ("now", "units", "expected"),
    [(59, 1000, None), (60, 99, None), (60, 100, ("step", 0.5))],
)
def test_a_step_lasts_its_time_and_its_units(now: float, units: int, expected: object) -> None:
    assert decided(RAMP, START, now=now, units=units) == expected


def test_the_last_step_of_a_rollout_makes_it_the_version_that_is_served() -> None:
    assert decided(RAMP, replace(START, step=2), now=60, units=100) == ("promote", 1.0)


@pytest.mark.parametrize("paused", [True, False])
def test_a_breach_rolls_back_at_once_also_while_it_is_paused(paused: bool) -> None:
    found = following(RAMP, replace(START, paused=paused), Seen(1, 0, [rail("breached")]))
    assert found == Next(
        "roll back", "error_rate is worse by 5.0 % (3.0 % to 7.0 %), at most 2.0 %: breached", "guardrail", 0.0
    )


def test_a_breach_pauses_once_where_that_is_asked_for() -> None:
    states = [rail("breached", "pause")]
    assert decided(RAMP, START, guardrails=states) == ("pause", 0.1)
    assert decided(RAMP, replace(START, waived=frozenset({"error_rate"})), guardrails=states) is None
    assert decided(RAMP, START, guardrails=[rail("breached", "report")]) is None


def test_a_split_that_is_not_as_asked_pauses_it() -> None:
    assert decided(RAMP, START, now=60, units=100, split_p_value=0.0005) == ("pause", 0.1)


def test_nothing_goes_on_while_it_is_paused() -> None:
    assert decided(RAMP, replace(START, paused=True), now=5000, units=1000) is None


def test_it_ends_with_its_time() -> None:
    assert decided(RAMP, START, now=1000, units=0) == ("end", None)
    assert decided(TEST, START, now=999, units=1000) is None


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({}, ("promote", 1.0)),
        ({"primary": primary("undecided")}, None),
        ({"guardrails": [rail("open")]}, None),
        ({"anytime": False}, None),
        ({"anytime": False, "now": 1000}, ("promote", 1.0)),
        ({"primary": primary("worse"), "now": 1000}, ("end", None)),
        ({"guardrails": [rail("open")], "now": 1000}, ("end", None)),
    ],
)
def test_it_is_promoted_only_where_that_was_asked_for_and_is_proven(seen: dict[str, object], expected: object) -> None:
    known = {"now": 60, "units": 100, "primary": primary("better"), "guardrails": [rail("held")], **seen}
    assert decided(replace(TEST, promote=True), START, **known) == expected
    assert decided(TEST, START, **known) == (("end", None) if known["now"] == 1000 else None)


ARMS = [Arm(version=2, weight=1.0), Arm(version=1, weight=3.0), Arm(version=3, weight=1.0)]
MOVES = Moves(RAMP, base=1, candidate=2)


def begun() -> Standing:
    return MOVES.begin(0.0, ARMS, splits.arranged(ARMS, 1, 2), {})


def weights(standing: Standing) -> dict[int, float]:
    return {arm.version: arm.weight for arm in standing.arms}


def test_base_and_candidate_share_what_they_had_together() -> None:
    assert [arm.version for arm in begun().arms] == [3, 1, 2]
    assert weights(begun()) == pytest.approx({3: 1.0, 1: 3.6, 2: 0.4})


def test_each_end_leaves_the_traffic_as_it_says() -> None:
    assert weights(MOVES.asked(begun(), 5, "promote", "me")) == {3: 1.0, 1: 0.0, 2: 4.0}
    assert weights(MOVES.asked(begun(), 5, "roll-back", "me")) == {3: 1.0, 1: 4.0, 2: 0.0}
    assert weights(MOVES.asked(begun(), 5, "stop", "me")) == {3: 1.0, 1: 3.0, 2: 1.0}
    ended = Next("end", "over", "ramp")
    assert weights(Moves(RAMP, 1, 2, "keep").made(begun(), 5, ended)) == weights(begun())
    assert MOVES.made(begun(), 5, ended).outcome == "ended"


def test_the_time_of_a_pause_does_not_count() -> None:
    paused = MOVES.asked(begun(), 10, "pause", "me")
    assert MOVES.asked(paused, 11, "pause", "me") == paused
    resumed = MOVES.asked(paused, 40, "resume", "me", [rail("breached", "pause")])
    assert (resumed.since, resumed.ends, resumed.waived) == (30, 1030, ["error_rate"])
    assert [each.action for each in resumed.decisions] == ["start", "pause", "resume"]


def test_a_decision_that_was_begun_is_found_by_the_next_one_who_looks(tmp_path: Path) -> None:
    Journal(tmp_path).decide(begun())
    found = Journal(tmp_path)
    assert (found.now, found.next) == (None, begun())
    assert found.settle() == begun()
    later = Journal(tmp_path)
    assert later.now == found.now
    assert later.next is None


@pytest.mark.parametrize("steps", ["10,25,50,100", "0.1,0.25,0.5,1"])
def test_steps_are_written_in_percent_or_as_shares(steps: str) -> None:
    assert shares_of(steps) == (0.1, 0.25, 0.5, 1.0)


@pytest.mark.parametrize("steps", ["", "50,25", "0,50", "150", "a"])
def test_steps_that_do_not_rise_are_refused(steps: str) -> None:
    with pytest.raises(ValueError, match="rise"):
        shares_of(steps)


def test_a_split_names_both_parts() -> None:
    assert share_of_split("80,20") == 0.2
    with pytest.raises(ValueError, match="two parts"):
        share_of_split("80")


def test_metrics_and_guardrails_are_written_in_a_line_each() -> None:
    metrics = metrics_of({"bought": "proportion, 0.01", "ctr": "ratio of clicks per views", "wait": "p99, lower"})
    assert [metric.name for metric in metrics[:4]] == ["bought", "ctr", "wait", "latency_ms"]
    assert (metrics[0].minimum_effect, metrics[1].per, metrics[2].percentile) == (0.01, "views", 0.99)
    rails = {each.metric: each for each in guardrails_of({"bought": "5%, pause", "error_rate": "off"}, metrics)}
    assert (rails["bought"].at_most, rails["bought"].relative, rails["bought"].then) == (0.05, True, "pause")
    assert set(rails) == {"latency_p95", "bought"}


@pytest.mark.parametrize("text", ["median", "ratio", "mean, sideways"])
def test_a_metric_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no metric"):
        metrics_of({"x": text})


def recorded(version: str, weight: float, count: int, error_share: float, slow: float = 1.0) -> Observed:
    """One unit a second and version, with errors by chance."""
    chance = np.random.default_rng(count)
    latency = slow * chance.exponential(10.0, count)
    sums = {"requests": np.ones(count), "errors": (chance.random(count) < error_share) * 1.0, "latency_ms": latency}
    rows = {"latency_ms": Rows(latency, np.arange(count))}
    return Observed(version, 1, weight, count, sums, rows, first_at=np.arange(count) * 1.0)


def test_a_dry_run_says_when_harm_would_have_been_taken_back() -> None:
    ramp = replace(RAMP, steps=(0.1, 0.5), duration_s=10_000)
    options = metrics_of({}), guardrails_of({}, metrics_of({}))
    traffic = [recorded("m@1", 0.5, 1000, 0.0), recorded("m@2", 0.5, 1001, 0.3)]
    harm = rehearse(traffic, "m@1", "m@2", ramp, *options)
    assert [each.action for each in harm.decisions][-1] == "roll back"
    assert harm.is_over
    assert 0.05 < harm.units[1] / sum(harm.units) < 0.5
    good = rehearse([traffic[0], recorded("m@2", 0.5, 1002, 0.0)], "m@1", "m@2", ramp, *options)
    assert [each.action for each in good.decisions] == ["start", "step"]
    assert not good.is_over
    with pytest.raises(InvalidInput, match="no time"):
        rehearse(traffic[:1], "m@1", "m@2", ramp, *options)


def test_who_is_in_the_candidate_stays_through_all_steps() -> None:
    """Of 100,000 users, as the service chooses; each step, restart and replica begins with a split of its own."""
    users = [b"user-%d" % number for number in range(100_000)]
    standing, inside = begun(), np.zeros(len(users), bool)
    for step, share in enumerate((0.1, 0.25, 0.5, 0.75, 1.0)):
        arms = splits.shared(standing.arms, 1, 2, share)
        choices = [Choice(arm.version) for arm in arms]
        split = Split("service/model", choices, [arm.weight for arm in arms])
        now = np.array([split.choose(user).version == 2 for user in users])
        assert not (inside & ~now).any(), step
        expected = len(users) * 0.8 * share
        assert abs(now.sum() - expected) < 5 * max(1.0, expected * (1 - 0.8 * share)) ** 0.5
        inside = now


def test_a_log_of_requests_counts_failures_as_a_service_does_for_the_version_that_was_asked(tmp_path: Path) -> None:
    fallen = {"version": 2, "status": 200, "fallback": "version"}
    lines = [
        *({"version": 1, "asked": 1, "status": status, "fallback": None} for status in (200, 400, 500)),
        {"version": 1, "asked": 1, "status": 200, "fallback": "stale"},
        {**fallen, "asked": 1},
        {"version": 2, "asked": 2, "status": 200, "fallback": None},
        fallen,  # of a release that did not say whose failure it is
    ]
    (tmp_path / "log").write_text(
        "\n".join(json.dumps({"model": "m", "duration_ms": 1.0, "time": 1.0, **line}) for line in lines)
    )
    base, candidate = request_log.read(tmp_path / "log", "m")
    assert list(base.sums["errors"]) == [0, 1, 1, 1, 1]
    assert list(candidate.sums["errors"]) == [0]
    rehearsed = rehearse([base, candidate], "m@1", "m@2", RAMP, metrics_of({}), guardrails_of({}, metrics_of({})))
    assert rehearsed.fallbacks == 2
