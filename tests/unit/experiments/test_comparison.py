from __future__ import annotations

import numpy as np
import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.comparison import Observations, compare, split_check, verdict


def observed(version: str, mean_ms: float, right: int = 850, errors: int = 0, answers: int = 1000) -> Observations:
    """Latencies spread evenly within a millisecond around the mean."""
    latency = np.linspace(mean_ms - 0.5, mean_ms + 0.5, answers)
    return Observations(version, latency, errors, np.arange(answers) < right)


def verdicts(base: Observations, candidate: Observations) -> dict[str, str]:
    return {metric.metric: metric.verdict for metric in compare(base, candidate)}


def test_a_faster_candidate_is_better_in_latency_and_its_difference_is_negative() -> None:
    latency = compare(observed("m@1", 3.0), observed("m@2", 2.0))[0]
    assert (latency.metric, latency.unit, latency.verdict) == ("latency_ms", "ms", "better")
    assert latency.difference.value == pytest.approx(-1.0)
    assert latency.difference.low < -1.0 < latency.difference.high < 0


def test_each_verdict_is_from_the_candidates_point_of_view() -> None:
    good, bad = observed("m@1", 2.0, right=900), observed("m@2", 3.0, right=700, errors=100)
    assert verdicts(good, bad) == {"latency_ms": "worse", "error_rate": "worse", "accuracy": "worse"}
    assert verdicts(bad, good) == {"latency_ms": "better", "error_rate": "better", "accuracy": "better"}
    assert set(verdicts(good, good).values()) == {"undecided"}


def test_errors_are_a_share_of_all_requests() -> None:
    metric = compare(observed("m@1", 2.0), observed("m@2", 2.0, errors=250, answers=750))[1]
    assert (metric.base, metric.candidate, metric.candidate_samples) == (0.0, 0.25, 1000)


def test_accuracy_is_left_out_where_the_right_answers_are_unknown() -> None:
    unknown = Observations("m@2", np.array([1.0, 2.0]))
    assert list(verdicts(observed("m@1", 2.0), unknown)) == ["latency_ms", "error_rate"]


def test_too_few_answers_are_refused() -> None:
    with pytest.raises(InvalidInput, match="m@2 answered 1 requests"):
        compare(observed("m@1", 2.0), Observations("m@2", np.array([1.0])))


def test_the_sentence_names_what_is_decided_and_what_is_not() -> None:
    metrics = compare(observed("m@1", 3.0), observed("m@2", 1.8, right=848))
    assert verdict("m@2", metrics, split_p_value=0.4) == (
        "m@2 answers 40 % faster (−1.20 ms, 95 % interval −1.23 … −1.17); "
        "accuracy differs by −0.2 pp (95 % interval −3.3 … +2.9): not decided."
    )


def test_the_sentence_names_errors_where_there_were_any() -> None:
    metrics = compare(observed("m@1", 3.0), observed("m@2", 3.0, right=400, errors=200))
    sentence = verdict("m@2", metrics, split_p_value=0.4)
    assert sentence.startswith("m@2 does not differ measurably in latency (+0.00 ms, 95 % interval −0.03 … +0.03); ")
    assert "the rate of errors is worse by +16.7 pp" in sentence
    assert "accuracy is worse by −45.0 pp" in sentence


def test_a_split_that_is_off_silences_every_verdict() -> None:
    p_value = split_check([821588, 815482], [1, 1])
    sentence = verdict("m@2", compare(observed("m@1", 3.0), observed("m@2", 1.0)), p_value)
    assert sentence.startswith("The traffic was not split as asked (p = 1.8e-06)")
    assert "faster" not in sentence
