"""Which of the candidates that were measured is the one to use, and why."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_modeldeploy.records.optimizations import ORIGINAL, Accuracy, Candidate, Optimization

ALIKE = 0.03
"""Gains that lie so near to each other are taken for equal: the one that loses less is chosen."""


def loss(candidate: Candidate) -> float:
    """On the rows that chose; 0 of the original."""
    return -candidate.validation.difference.value if candidate.validation else 0.0


def within(accuracy: Accuracy | None, max_loss: float, sure: bool) -> bool:
    """Whether the estimate, or with `sure` the whole interval, loses no more than allowed."""
    if accuracy is None:
        return False
    end = accuracy.difference.low if sure else accuracy.difference.value
    return end >= -max_loss - 1e-12


def dominating(candidate: Candidate, others: Sequence[Candidate], found: Optimization) -> Candidate | None:
    """One of the others that is no worse in anything, and better by the target or in its loss."""
    mine = found.gain(candidate), -loss(candidate)
    for other in others:
        theirs = found.gain(other), -loss(other)
        if other.name != candidate.name and theirs != mine and theirs[0] >= mine[0] and theirs[1] >= mine[1]:
            return other
    return None


def best(candidates: Sequence[Candidate], found: Optimization) -> Candidate:
    """The one with the largest gain; of those nearly alike the one that loses least, then the smallest."""
    most = max(found.gain(one) for one in candidates)
    near = [one for one in candidates if found.gain(one) >= (1 - ALIKE) * most]
    return min(near, key=lambda one: (max(0.0, _tested_loss(one)), one.size_bytes or 0))


def _tested_loss(candidate: Candidate) -> float:
    tested = -candidate.test.difference.value if candidate.test else 0.0
    return max(loss(candidate), tested)


def is_original(candidate: Candidate) -> bool:
    return candidate.name == ORIGINAL
