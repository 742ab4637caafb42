"""The arms of a split in which a candidate's share may rise without a unit ever leaving it."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Arm


def arranged(arms: Sequence[Arm], base: int, candidate: int) -> list[Arm]:
    """The arms with the base and the candidate at the end, the candidate without traffic where it was no arm yet.

    A split gives [0, 1) to its arms in their order. With the candidate last its part begins where the base's ends and
    reaches to 1: as its share rises only that one bound moves, downwards, so a unit that was in the candidate stays in
    it, and the units of other arms stay where they are. Raises InvalidInput where the base is no arm."""
    known = {arm.version: arm for arm in arms}
    if base not in known:
        raise InvalidInput(f"Version {base} is none of those served: {sorted(known)}.", "Serve it first.")
    others = [arm for arm in arms if arm.version not in (base, candidate)]
    return [*others, known[base], known.get(candidate, Arm(version=candidate, weight=0.0))]


def shared(arms: Sequence[Arm], base: int, candidate: int, share: float) -> list[Arm]:
    """The arms with `share` of what base and candidate have together given to the candidate, the rest to the base."""
    both = sum(arm.weight for arm in arms if arm.version in (base, candidate))
    parts = {base: both * (1 - share), candidate: both * share}
    return [arm.model_copy(update={"weight": parts.get(arm.version, arm.weight)}) for arm in arms]


def share_of(arms: Sequence[Arm], base: int, candidate: int) -> float:
    """The candidate's share of what both have together; 0 where neither has anything."""
    weights = {arm.version: arm.weight for arm in arms}
    both = weights.get(base, 0.0) + weights.get(candidate, 0.0)
    return weights.get(candidate, 0.0) / both if both else 0.0
