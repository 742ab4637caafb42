"""Whether units were split as asked, however often one looks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from jupyter_modeldeploy.errors import InvalidInput

CONCENTRATION = 1000.0
"""How near to the asked split another one is looked for."""


def p_value(counts: Sequence[int], weights: Sequence[float]) -> float:
    """That `counts` of units came of a split by `weights`; below a limit at any of all looks with a chance of at most
    that limit. The smallest so far may be kept. Raises InvalidInput where the two don't fit.

    Lindon and Malek, "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022."""
    return p_value_over([(counts, weights)])


def p_value_over(stages: Sequence[tuple[Sequence[int], Sequence[float]]]) -> float:
    """That of several stages, one after the other, each one's counts came of a split by its own weights: what each says
    against that multiplies. 1 without any. Raises InvalidInput where counts and weights don't fit."""
    return math.exp(-max(0.0, sum(_log_evidence(counts, weights) for counts, weights in stages)))


def _log_evidence(counts: Sequence[int], weights: Sequence[float]) -> float:
    asked, found = np.asarray(weights, np.float64), np.asarray(counts, np.float64)
    if asked.shape != found.shape or not asked.size or (asked <= 0).any() or (found < 0).any():
        raise InvalidInput(f"The counts {list(counts)} cannot be held against the split {list(weights)}.")
    asked = asked / asked.sum()
    prior = CONCENTRATION * asked
    return _log_beta(prior + found) - _log_beta(prior) - float(found @ np.log(asked))


def _log_beta(values: np.ndarray) -> float:
    return float(special.gammaln(values).sum() - special.gammaln(values.sum()))
