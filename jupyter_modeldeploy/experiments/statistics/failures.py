"""By how much more often units fail with the candidate than with the base, judged as often as one likes and exactly,
however few and rare failures are.

A unit that failed with the candidate counts 1 / share, one that failed with the base −1 / (1 − share): on average that
is the difference, since units were given to the versions by that share. Whoever bets on each unit that the difference
is larger than it is loses: if the wealth grows beyond 1 / error at any of all looks, then by chance at most so often.
Many bets are made side by side, from cautious to bold.

Waudby-Smith and Ramdas, "Estimating Means of Bounded Random Variables by Betting", JRSS B 86 (2024); with weighted
units Waudby-Smith, Wu, Ramdas, Karampatziakis and Mineiro, "Anytime-valid Off-policy Inference for Contextual Bandits",
ACM / IMS Journal of Data Science 1 (2024)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special  # type: ignore[import-untyped]

STAKES = np.geomspace(0.005, 0.995, 60)
"""Parts of the largest bet that cannot lose more than there is."""
NOTHING, EDGE = 1e-300, 1e-9
LARGEST_RATIO = 1e6


@dataclass(frozen=True)
class Counts:
    """In one stage: the units of each version, how many of them failed, and the candidate's `share` of the two
    versions' traffic."""

    base: int
    base_units: int
    candidate: int
    candidate_units: int
    share: float

    @property
    def units(self) -> int:
        return self.base_units + self.candidate_units

    @property
    def seen_share(self) -> float:
        return self.candidate_units / self.units


def difference(stages: Sequence[Counts], error: float) -> tuple[float, float, float]:
    """candidate − base, and what it is at least and at most over all looks, each wrong with a chance of `error`."""
    base, candidate = shares(stages)
    value = candidate - base
    low = _end(lambda at: evidence(stages, 1.0, at, "more") + math.log(error), -1.0, value)
    high = _end(lambda at: evidence(stages, 1.0, at, "less") + math.log(error), 1.0, value)
    return value, low, high


def ratio(stages: Sequence[Counts], error: float, of_successes: bool = False) -> tuple[float, float, float]:
    """candidate / base of the failures, or `of_successes`, with its least and most as `difference` has them; 1,000,000
    stands for all that is more, and for a base of nothing."""
    base, candidate = (1 - each if of_successes else each for each in shares(stages))
    value = min(candidate / base, LARGEST_RATIO) if base else LARGEST_RATIO
    middle, reach = math.log(max(value, 1 / LARGEST_RATIO)), math.log(LARGEST_RATIO)

    def too_much(factor: float, more: bool) -> float:
        at = math.exp(factor)
        return evidence(stages, at, 1 - at if of_successes else 0.0, "more" if more else "less") + math.log(error)

    # Fewer successes are more failures.
    low = _end(lambda factor: too_much(factor, more=not of_successes), -reach, middle)
    high = _end(lambda factor: too_much(factor, more=of_successes), reach, middle)
    return value, math.exp(low), math.exp(high)


def shares(stages: Sequence[Counts]) -> tuple[float, float]:
    """Of base and candidate that failed, over the stages, each weighed by its units."""
    units = sum(one.units for one in stages)
    base = sum(one.units / units * one.base / one.base_units for one in stages)
    return base, sum(one.units / units * one.candidate / one.candidate_units for one in stages)


def evidence(stages: Sequence[Counts], scale: float, shift: float, side: str) -> float:
    """The logarithm of the evidence that the candidate's share of failures is `more` (or `less`) than `scale` times the
    base's plus `shift`. Each stage begins anew too, with a part of what is staked, so that what was long ago does not
    outweigh what is now."""
    each = [_wealth(stage, scale, shift, 1 if side == "more" else -1) for stage in stages]
    begun = [sum(each[start:]) - math.log((start + 1) * (start + 2)) for start in range(len(each))]
    return float(special.logsumexp([*begun, -math.log(len(each) + 1)]))


def _wealth(one: Counts, scale: float, shift: float, sign: int) -> float:
    """Bets are by the share that was asked for. Where more (or, of the other side, fewer) units came to the candidate
    than that, they are paid out by the share that was seen, which is never more: a split that is off is no harm."""
    seen = max(one.share, one.seen_share) if sign > 0 else min(one.share, one.seen_share)
    asked, paid = _gains(one.share, scale, shift, sign), _gains(seen, scale, shift, sign)
    stakes = STAKES / max(1e-9, -asked.min())
    counts = np.array([one.candidate, one.base, one.units - one.candidate - one.base])
    wealth = np.log(np.maximum(1 + stakes[:, None] * paid, NOTHING)) @ counts
    return float(special.logsumexp(wealth)) - math.log(len(STAKES))


def _gains(share: float, scale: float, shift: float, sign: int) -> np.ndarray:
    """What a unit counts that failed with the candidate, one that failed with the base, and one that did not."""
    share = min(max(share, EDGE), 1 - EDGE)
    return sign * np.array([1 / share - shift, -scale / (1 - share) - shift, -shift])


def _end(too_much: Callable[[float], float], furthest: float, value: float) -> float:
    """How far from `value` there is too much evidence; `value` itself where there is at once, as of stages that
    contradict each other."""
    if too_much(value) >= 0:
        return value
    return furthest if too_much(furthest) < 0 else float(optimize.brentq(too_much, furthest, value, xtol=1e-5))
