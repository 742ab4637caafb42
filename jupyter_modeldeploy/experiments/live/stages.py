"""What of the stages of a split an experiment looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jupyter_modeldeploy.experiments.observed import Observed

SAME = 1e-6
"""Shares that differ by less are one."""


def units_at(observed: Sequence[Observed], version: str, weight: float) -> int:
    """How many units met `version` since it has this share of the traffic."""
    mine = [one for one in observed if one.version == version]
    newest = max(mine, key=lambda one: one.stage, default=None)
    return newest.units if newest is not None and abs(newest.weight - weight) < SAME else 0


def units_of(observed: Sequence[Observed], *versions: str) -> list[int]:
    """How many each of the versions had, over all stages."""
    return [sum(one.units for one in observed if one.version == version) for version in versions]


def with_a_base(observed: Sequence[Observed], base: str, candidate: str) -> list[Observed]:
    """The stages with, where the candidate has all the traffic, the base's units of the newest stage before: there is
    nothing else to hold it against. For guardrails alone: what was not at the same time is no experiment."""
    stages = {one.stage for one in observed if one.version == base and one.units}
    added = []
    for one in observed:
        earlier = [stage for stage in stages if stage < one.stage]
        if one.version == candidate and one.units and one.stage not in stages and earlier:
            stands_in = next(each for each in observed if (each.version, each.stage) == (base, max(earlier)))
            added.append(replace(stands_in, stage=one.stage))
    return [*(one for one in observed if not (one.version == base and not one.units)), *added]
