"""Confidence intervals and tests for proportions, means, ratios of sums and splits. Differences are `a − b`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Interval


def wilson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """A proportion's score interval.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927)."""
    if not 0 <= successes <= trials or trials == 0:
        raise InvalidInput(f"{successes} of {trials} is no proportion.", "Measure at least one sample.")
    z, p = _z(level), successes / trials
    centre = p + z**2 / (2 * trials)
    spread = z * math.sqrt(p * (1 - p) / trials + z**2 / (4 * trials**2))
    low, high = (centre - spread) / (1 + z**2 / trials), (centre + spread) / (1 + z**2 / trials)
    # At 0 and 1 the formula gives the end exactly, arithmetic almost.
    return Interval(value=p, low=0.0 if successes == 0 else low, high=1.0 if successes == trials else high, level=level)


def paired_difference_of_proportions(
    both: int, only_a: int, only_b: int, neither: int, level: float = 0.95
) -> Interval:
    """The difference of two proportions measured on the same samples, of which `both`, `only_a`, `only_b` or `neither`
    succeeded: the hybrid score interval with a corrected correlation.

    Newcombe, "Improved confidence intervals for the difference between binomial proportions based on paired data",
    Statistics in Medicine 17 (1998) 2635-2650, method 10."""
    total = both + only_a + only_b + neither
    a, b = wilson(both + only_a, total, level), wilson(both + only_b, total, level)
    margins = math.prod((both + only_a, only_b + neither, both + only_b, only_a + neither))
    covariance = float(both * neither - only_a * only_b)
    if covariance > 0:
        covariance = max(0.0, covariance - total / 2)
    return _square_and_add(a, b, correlation=covariance / math.sqrt(margins) if margins else 0.0)


def bootstrap(
    rows: np.ndarray, measure: Callable[[np.ndarray], np.ndarray], level: float = 0.95, resamples: int = 1000
) -> Interval:
    """The percentile interval of a figure that is a function of sums over rows, such as a ratio of two of them.

    `rows` is float[rows, statistics]; `measure` takes their sums, float64[n, statistics], and gives float64[n]. Rows
    are drawn with replacement, by a fixed seed: the same rows give the same interval. Raises InvalidInput without rows.

    Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13."""
    found = np.concatenate([measure(drawn @ rows) for drawn in resampled(len(rows), resamples)])
    value = float(measure(rows.sum(axis=0, keepdims=True, dtype=np.float64))[0])
    return percentiles(value, found, level)


def resampled(rows: int, resamples: int = 1000, at_a_time: int = 100) -> Iterator[np.ndarray]:
    """How often each row is drawn where as many as there are are drawn with replacement: float64[n, rows] for the next
    `n` of the resamples. The same seed draws every time. Raises InvalidInput without rows."""
    if rows == 0:
        raise InvalidInput("An interval of no rows.", "Measure at least one sample.")
    generator = np.random.default_rng(0)
    for begin in range(0, resamples, at_a_time):
        count = min(at_a_time, resamples - begin)
        draws = [np.bincount(generator.integers(rows, size=rows), minlength=rows) for _ in range(count)]
        yield np.stack(draws).astype(np.float64)


def percentiles(value: float, found: np.ndarray, level: float = 0.95) -> Interval:
    """The percentile interval around `value` of what was `found` float[n] in resamples."""
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value=value, low=float(low), high=float(high), level=level)


def mcnemar(only_a: int, only_b: int) -> float:
    """The p-value of two proportions measured on the same samples being the same, of which so many succeeded in one
    alone: the exact binomial test of these, with half of the chance of what was seen (mid-p).

    Fagerland, Lydersen and Laake, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better than
    exact conditional", BMC Medical Research Methodology 13 (2013) 91."""
    few, different = min(only_a, only_b), only_a + only_b
    if only_a == only_b:
        return 1.0
    below = float(special.bdtr(few - 1, different, 0.5)) if few else 0.0
    return min(1.0, below + float(special.bdtr(few, different, 0.5)))


def bootstrap_p_value(found: np.ndarray) -> float:
    """The p-value of a difference being zero, of what was `found` float[n] in resamples: that of the widest percentile
    interval that leaves zero out, and never less than n resamples can show.

    Davison and Hinkley, "Bootstrap Methods and their Application" (1997), chapters 4 and 5."""
    beyond = 1 + min(int((found <= 0).sum()), int((found >= 0).sum()))
    return min(1.0, 2 * beyond / (len(found) + 1))


def ratio_of_pairs(a: Sequence[float], b: Sequence[float], level: float = 0.95) -> Interval:
    """The ratio `a / b` of pairs, all above 0: the Hodges-Lehmann estimate on logarithms with the interval that belongs
    to Wilcoxon's signed ranks. What both of a pair have in common, such as a busy machine, is not in it, and single
    pairs that were disturbed hardly move it. With fewer than six pairs the interval is from the lowest to the highest.

    Hollander, Wolfe and Chicken, "Nonparametric Statistical Methods", 3rd edition (2014), 3.2 and 3.3."""
    if len(a) != len(b) or not a or min(*a, *b) <= 0:
        raise InvalidInput(f"{len(a)} and {len(b)} measurements make no ratios.", "Measure both, as often, above 0.")
    logs = np.log(np.asarray(a) / np.asarray(b))
    averages = np.sort([(one + other) / 2 for index, one in enumerate(logs) for other in logs[index:]])
    outside = _signed_rank_tail(len(a), (1 - level) / 2)
    low, value, high = (math.exp(each) for each in (averages[outside], np.median(averages), averages[-1 - outside]))
    return Interval(value=value, low=low, high=high, level=level)


def _signed_rank_tail(count: int, tail: float) -> int:
    """How many of the averages of `count` differences lie outside of the interval on each side: the largest sum of
    ranks that is reached from below with no more than the probability `tail`, exactly; 0 where there is none."""
    ways = np.zeros(count * (count + 1) // 2 + 1)
    ways[0] = 1.0
    for rank in range(1, count + 1):
        ways[rank:] += ways[:-rank].copy()
    return max(0, int(np.searchsorted(np.cumsum(ways) / 2.0**count, tail, side="right")) - 1)


def ratio(a: Interval, b: Interval) -> Interval:
    """The ratio a / b of two independent figures above 0 from their intervals, on the scale of logarithms.

    Zou and Donner, "Construction of confidence limits about effect measures: a general approach", Statistics in
    Medicine 27 (2008) 1693-1702 (MOVER)."""
    if min(a.value, b.value) <= 0:
        raise InvalidInput(f"{a.value:g} / {b.value:g} has no interval.", "Both must be above 0.")
    tiny = np.finfo(float).tiny
    logs = [
        Interval(
            value=math.log(each.value),
            low=math.log(max(each.low, tiny)),
            high=math.log(max(each.high, each.value)),
            level=each.level,
        )
        for each in (a, b)
    ]
    found = _square_and_add(logs[0], logs[1], correlation=0.0)
    ends = (math.exp(min(700.0, each)) for each in (found.value, found.low, found.high))
    return Interval(**dict(zip(("value", "low", "high"), ends, strict=True)), level=a.level)


def sample_ratio(counts: Sequence[int], weights: Sequence[float]) -> float:
    """The p-value that `counts` came of a split by `weights`: Pearson's chi-square test of fit.

    As a check of experiments: Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments",
    KDD 2019, who distrust every result below 0.0005 and most below 0.01."""
    total, weight = sum(counts), sum(weights)
    if len(counts) != len(weights) or total == 0 or min(weights) <= 0:
        raise InvalidInput(f"The counts {list(counts)} cannot be held against the split {list(weights)}.")
    expected = [total * share / weight for share in weights]
    distance = sum((count - wanted) ** 2 / wanted for count, wanted in zip(counts, expected, strict=True))
    return float(special.chdtrc(len(counts) - 1, distance)) if len(counts) > 1 else 1.0


def _square_and_add(a: Interval, b: Interval, correlation: float) -> Interval:
    """An interval for a − b from those of a and b (Zou and Donner call it MOVER)."""

    def reach(towards_a: float, towards_b: float) -> float:
        inside = towards_a**2 - 2 * correlation * towards_a * towards_b + towards_b**2
        return math.sqrt(max(0.0, inside))

    value = a.value - b.value
    return Interval(
        value=value,
        low=value - reach(a.value - a.low, b.high - b.value),
        high=value + reach(a.high - a.value, b.value - b.low),
        level=a.level,
    )


def _z(level: float) -> float:
    return float(special.ndtri((1 + level) / 2))
