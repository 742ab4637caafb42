"""From what units did to what may be said of two versions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.observed import Observed, Rows
from jupyter_modeldeploy.experiments.own_metrics import ERROR_RATE, LATENCY
from jupyter_modeldeploy.experiments.verdicts import guard, judge, sentence, split_p_value
from jupyter_modeldeploy.records import Guardrail, Metric, MetricComparison

CLICKS = Metric(name="clicks", of="clicks")
P95 = Metric(name="p95", kind="percentile", of="latency_ms", percentile=0.95, unit="ms", lower_is_better=True)


def side(version: str, units: int, mean_ms: float = 3.0, errors: int = 0, stage: int = 0, **others: Any) -> Observed:
    """Units of one request each, with latencies spread evenly within a millisecond around the mean."""
    latency = np.linspace(mean_ms - 0.5, mean_ms + 0.5, units)
    sums = {"requests": np.ones(units), "errors": (np.arange(units) < errors).astype(float), "latency_ms": latency}
    rows = {"latency_ms": Rows(latency, np.arange(units))}
    return Observed(version, stage, others.pop("weight", 0.5), units, sums | others.pop("sums", {}), rows, **others)


def judged(base: Observed, candidate: Observed, *metrics: Metric, **options: Any) -> list[MetricComparison]:
    return judge([base, candidate], "m@1", "m@2", metrics or (LATENCY, ERROR_RATE), **options)


@pytest.mark.parametrize("method", ["sequence", "fixed", "stages"])
def test_each_method_sees_what_is_plain_from_the_candidates_point_of_view(method: Any) -> None:
    good, bad = side("m@1", 1000, 2.0), side("m@2", 1000, 3.0, errors=100)
    assert [one.verdict for one in judged(good, bad, method=method)] == ["worse", "worse"]
    swapped = judge([good, bad], "m@2", "m@1", [LATENCY, ERROR_RATE], method)
    assert [one.verdict for one in swapped] == ["better", "better"]
    same = judged(good, side("m@2", 1000, 2.0), method=method)
    assert [one.verdict for one in same] == ["undecided", "undecided"]


def test_what_cannot_be_told_yet_says_why_and_is_in_its_place() -> None:
    one, two, three, four = judged(side("m@1", 50), side("m@2", 1), LATENCY, CLICKS, P95, ERROR_RATE)
    assert one.note.startswith("50 and 1 units of the two versions are too few")
    assert judged(side("m@1", 50), side("m@2", 50), CLICKS)[0].note.startswith("Nothing was recorded of clicks yet")
    assert judged(side("m@1", 9), side("m@2", 9), P95)[0].note.startswith("9 values tell nothing of their quantile")
    assert {each.difference for each in (one, two, three, four)} == {None}
    assert judge([], "m@1", "m@2", [LATENCY])[0].note.startswith("No stage has units of both versions")


def test_units_that_are_all_alike_say_nothing_of_how_sure_that_is() -> None:
    alike = {"sums": {"clicks": np.ones(50)}}
    one = judged(side("m@1", 50, **alike), side("m@2", 50, **alike), CLICKS)[0]
    assert (one.base, one.candidate, one.difference) == (1.0, 1.0, None)
    assert one.note.startswith("All units are alike")


def test_no_errors_at_all_are_not_certain() -> None:
    errors = judged(side("m@1", 1000), side("m@2", 1000), method="fixed")[1]
    assert errors.difference is not None
    assert 0.002 < errors.difference.high < 0.004  # about three in a thousand, as the rule of three has it
    assert errors.relative is None  # there is no share of nothing


def test_values_that_are_no_numbers_are_left_out_and_counted() -> None:
    clicks = np.tile([0.0, 1.0, np.nan, np.inf], 100)
    one = judged(side("m@1", 400, sums={"clicks": clicks}), side("m@2", 400, sums={"clicks": clicks}), CLICKS)[0]
    assert (one.base, one.candidate_samples) == (0.5, 200)
    assert one.note == "400 units whose values are no numbers were left out."


def test_a_ramps_stages_are_compared_within_themselves() -> None:
    """The candidate has its units in the slow hours: pooled it would look slower."""
    observed = [
        side("m@1", 900, 2.0, weight=0.9),
        side("m@2", 100, 1.9, weight=0.1),
        side("m@1", 100, 8.0, stage=1, weight=0.1),
        side("m@2", 900, 7.9, stage=1, weight=0.9),
    ]
    one = judge(observed, "m@1", "m@2", [LATENCY])[0]
    assert one.difference is not None
    assert one.difference.value == pytest.approx(-0.1)
    assert one.verdict == "better"
    assert (one.base_samples, one.candidate_samples) == (1000, 1000)
    assert split_p_value(observed, "m@1", "m@2") == 1.0
    assert split_p_value([side("m@1", 900), side("m@2", 700)], "m@1", "m@2") < 0.001
    assert split_p_value([side("m@1", 900), side("m@2", 0)], "m@1", "m@2") < 0.001
    assert split_p_value([], "m@1", "m@2") == 1.0


def test_units_kept_by_a_version_that_gets_no_traffic_are_compared_with_nobody() -> None:
    last = [side("m@1", 5, weight=0.0), side("m@2", 500, weight=1.0)]
    assert split_p_value(last, "m@1", "m@2") == 1.0
    assert judge(last, "m@1", "m@2", [LATENCY])[0].difference is None
    assert guard(last, "m@1", "m@2", [Guardrail(metric="error_rate", at_most=0.0)], [ERROR_RATE])[0].state == "open"


def test_what_was_known_before_narrows_the_interval() -> None:
    random = np.random.default_rng(1)
    sides = []
    for version in ("m@1", "m@2"):
        before = random.normal(10, 3, 500)
        clicks = {"clicks": before + random.normal(0, 1, 500)}
        sides.append((version, clicks, np.where(random.random(500) < 0.1, np.nan, before)))
    plain = judged(*(side(name, 500, sums=sums) for name, sums, _ in sides), CLICKS)[0].difference
    known = judged(*(side(name, 500, sums=sums, before={"clicks": past}) for name, sums, past in sides), CLICKS)[0]
    assert plain is not None
    assert known.difference is not None
    assert known.difference.high - known.difference.low < 0.6 * (plain.high - plain.low)


def test_several_metrics_share_the_level() -> None:
    """A difference that alone would be enough is not among twenty."""
    base, candidate = side("m@1", 400, 3.0), side("m@2", 400, 2.955)
    alone = judged(base, candidate, LATENCY, method="fixed")[0]
    assert alone.verdict == "better"
    others = [Metric(name=f"other{n}", kind="ratio", of="errors", per="requests") for n in range(19)]
    among = judged(base, candidate, LATENCY, *others, method="fixed")
    assert among[0].verdict == "undecided"
    assert among[0].p_value == pytest.approx(20 * (alone.p_value or 0))
    assert "not decided, as one of several metrics" in sentence("m@2", [among[0].model_copy(update={"metric": "x"})])


def test_a_fixed_horizon_is_judged_when_all_units_are_there() -> None:
    base, candidate = side("m@1", 1000, 3.0), side("m@2", 1000, 2.0)
    early = judged(base, candidate, method="fixed", fractions=(0.2, 0.5))[0]
    assert (early.verdict, early.p_value) == ("undecided", None)
    assert judged(base, candidate, method="fixed", fractions=(0.2, 0.5, 1.0))[0].verdict == "better"
    with pytest.raises(InvalidInput, match="no looks of an experiment"):
        judged(base, candidate, method="stages", fractions=(0.5, 0.4))


def test_segments_and_days_are_told_with_what_all_units_say() -> None:
    random = np.random.default_rng(2)
    sides = []
    for version, gain in (("m@1", 0.0), ("m@2", 1.0)):
        day = random.integers(0, 5, 2000)
        sums = {"clicks": random.normal(5, 1, 2000) + gain * (5 - day) / 5}
        region = np.where(np.arange(2000) % 3 == 0, "eu", np.where(np.arange(2000) % 3 == 1, "us", ""))
        first_at = 1e9 + 86_400.0 * (day + random.random(2000))
        sides.append(side(version, 2000, sums=sums, attributes={"region": region}, first_at=first_at))
    one = judged(*sides, CLICKS)[0]
    assert [(each.value, each.units) for each in one.segments] == [("eu", 1334), ("us", 1334)]
    assert one.trend is not None
    assert one.trend_per == "day"
    assert one.trend.low < -0.2 < one.trend.high < 0
    assert one.chance_better == pytest.approx(1.0)
    assert judged(*sides, CLICKS, details=False)[0].segments == []


def test_how_many_more_units_an_answer_needs() -> None:
    base, candidate = side("m@1", 400, 3.0), side("m@2", 400, 2.99)
    missing = judged(base, candidate, LATENCY)[0].units_missing
    assert missing is not None
    enough = (800 + missing) // 2
    assert judged(side("m@1", enough, 3.0), side("m@2", enough, 2.99), LATENCY)[0].verdict == "better"
    for nobody_waits_for_it in (3.0, 2.9999999):
        assert judged(base, side("m@2", 400, nobody_waits_for_it), LATENCY)[0].units_missing is None
    relevant = LATENCY.model_copy(update={"minimum_effect": 0.5})
    assert judged(base, candidate, relevant)[0].units_missing == 0


def test_the_sentence_names_what_is_decided_and_what_is_not() -> None:
    clicks = [{"sums": {"clicks": np.arange(units) % 100 < 50 + more}} for units, more in ((1000, 0), (1000, 1))]
    share = Metric(name="accuracy", kind="proportion", of="clicks", unit="proportion")
    found = judged(side("m@1", 1000, 3.0, **clicks[0]), side("m@2", 1000, 1.8, **clicks[1]), LATENCY, ERROR_RATE, share)
    assert sentence("m@2", found) == (
        "m@2 answers 40 % faster (−1.20 ms, 95 % sequence −1.24 … −1.16); "
        "accuracy differs by +1.0 pp (95 % sequence −6.0 … +8.0): not decided, about 180,000 more units."
    )
    few = judged(side("m@1", 1), side("m@2", 1), LATENCY)
    assert sentence("m@2", few).startswith("Nothing can be said about m@2 yet. 1 and 1 units of the two versions")
    assert sentence("m@2", [found[0], few[0]]).endswith("; nothing can be said of latency yet.")


def test_the_sentence_begins_with_a_guardrail_that_is_breached() -> None:
    base, candidate = side("m@1", 900, weight=0.9), side("m@2", 100, errors=20, weight=0.1)
    limit = Guardrail(metric="error_rate", at_most=0.01)
    states = guard([base, candidate], "m@1", "m@2", [limit], [ERROR_RATE])
    said = sentence("m@2", judged(base, candidate, ERROR_RATE), 1.0, states)
    assert said.startswith("m@2 breaks the guardrail on the rate of errors: worse by 8.8 pp at least, 1 pp allowed; ")
    assert "the rate of errors is worse by +20.0 pp" in said


def test_a_split_that_is_off_silences_every_verdict() -> None:
    said = sentence("m@2", judged(side("m@1", 100, 3.0), side("m@2", 100, 1.0)), split_p_value=1.8e-6)
    assert said.startswith("The traffic was not split as asked (p = 1.8e-06)")
    assert "faster" not in said
