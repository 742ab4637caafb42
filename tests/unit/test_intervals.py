"""Each interval against published numbers, and against another implementation where one is at hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from jupyter_modeldeploy import intervals
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Interval


def ends(interval: Interval) -> tuple[float, float]:
    return interval.low, interval.high


def test_wilson_gives_the_published_ends() -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 857-872, table I."""
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (successes, trials), expected in published.items():
        assert ends(intervals.wilson(successes, trials)) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("successes", "trials"), [(0, 7), (7, 7), (3, 7), (850, 1000)])
def test_wilson_agrees_with_statsmodels(successes: int, trials: int) -> None:
    expected = proportion_confint(successes, trials, alpha=0.1, method="wilson")
    assert ends(intervals.wilson(successes, trials, level=0.9)) == pytest.approx(expected)


def test_the_difference_of_paired_proportions_gives_the_published_ends() -> None:
    """Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014) 2850-2875 (hyper-responsiveness of airways before
    and after a transplantation); Altman, Machin, Bryant and Gardner, "Statistics with Confidence" (2000), table 6.2."""
    airways = intervals.paired_difference_of_proportions(1, 1, 7, 12)
    assert (airways.value, *ends(airways)) == pytest.approx((-0.286, -0.507, -0.026), abs=5e-4)
    altman = intervals.paired_difference_of_proportions(14, 5, 0, 22)
    assert (altman.value, *ends(altman)) == pytest.approx((0.12, 0.011, 0.226), abs=3e-3)


def test_equal_answers_to_all_samples_leave_an_interval_around_zero() -> None:
    for counts in ((10, 0, 0, 0), (0, 0, 0, 10), (850, 0, 0, 150)):
        interval = intervals.paired_difference_of_proportions(*counts)
        assert interval.low <= interval.value == 0 <= interval.high


def test_a_mismatched_split_has_the_published_p_value() -> None:
    """821,588 and 815,482 users of a split in halves: 1.8e-6, the textbook case of Kohavi, Tang and Xu (2020)."""
    assert intervals.sample_ratio([821588, 815482], [50, 50]) == pytest.approx(1.8e-6, rel=0.02)
    assert intervals.sample_ratio([900, 100], [0.9, 0.1]) == 1


def test_counts_that_cannot_be_judged_are_refused() -> None:
    for call in (
        lambda: intervals.wilson(1, 0),
        lambda: intervals.wilson(3, 2),
        lambda: intervals.sample_ratio([0, 0], [1, 1]),
        lambda: intervals.sample_ratio([1, 2], [1, 0]),
    ):
        with pytest.raises(InvalidInput):
            call()


def test_the_bootstrap_agrees_with_scipys() -> None:
    rows = np.random.default_rng(3).gamma(2.0, 3.0, size=(200, 2))

    found = intervals.bootstrap(rows, lambda sums: sums[:, 0] / sums[:, 1])

    expected = stats.bootstrap(
        (rows[:, 0], rows[:, 1]),
        lambda a, b, axis: a.sum(axis=axis) / b.sum(axis=axis),
        paired=True,
        n_resamples=5000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert ends(found) == pytest.approx((expected.low, expected.high), abs=0.02)
    assert intervals.bootstrap(rows, lambda sums: sums[:, 0] / sums[:, 1]) == found


def test_the_ratio_of_pairs_is_that_of_signed_ranks() -> None:
    """The interval's ends are those Walsh averages that the table of critical values names: 8 of 10 pairs, 0 of 6."""
    ratios = [1.0 + 0.01 * number for number in range(10)]
    logs = np.log(ratios)
    averages = np.sort([(one + other) / 2 for index, one in enumerate(logs) for other in logs[index:]])
    found = intervals.ratio_of_pairs(ratios, [1.0] * 10)
    assert [found.low, found.value, found.high] == pytest.approx(
        np.exp([averages[8], np.median(averages), averages[-9]])
    )
    few = intervals.ratio_of_pairs([2.0, 2.2, 1.9, 2.1, 9.0, 2.0], [1.0] * 6)
    assert (few.low, few.high) == pytest.approx((1.9, 9.0))
    assert few.value == pytest.approx(2.1, rel=0.05)


def test_the_ratio_of_intervals_holds_that_of_their_values() -> None:
    found = intervals.ratio(Interval(value=30, low=27, high=33), Interval(value=10, low=9, high=11))
    assert found.value == pytest.approx(3)
    assert 2.4 < found.low < 2.7 < 3.3 < found.high < 3.6


def test_mcnemars_mid_p_is_the_published_one() -> None:
    """Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13 (2013) 91, table 3: airways."""
    assert intervals.mcnemar(1, 7) == pytest.approx(0.0391, abs=5e-5)
    assert intervals.mcnemar(7, 1) == intervals.mcnemar(1, 7)
    assert intervals.mcnemar(0, 0) == intervals.mcnemar(4, 4) == 1


def test_of_resamples_the_p_value_is_that_of_the_interval_that_touches_zero() -> None:
    found = np.arange(1000) - 99.5
    assert intervals.bootstrap_p_value(found) == pytest.approx(0.2, abs=0.005)
    assert intervals.percentiles(400.0, found, level=0.79).low > 0 > intervals.percentiles(400.0, found, level=0.81).low
    assert intervals.bootstrap_p_value(found + 1e6) == 2 / 1001
    assert intervals.bootstrap_p_value(np.zeros(1000)) == 1
