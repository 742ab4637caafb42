"""Which replicas come and which go; in a roll, one after the other and a new one first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jupyter_modeldeploy.serving.supervision.member import Member


class Moves(NamedTuple):
    """What is to be done now."""

    terminate: list[Member]
    drain: Member | None
    start: int
    asleep: bool
    """Nobody is there, and nobody is wanted until somebody connects."""


def good(members: Sequence[Member], generation: int) -> list[Member]:
    """Those that may stay."""
    return [m for m in members if not (m.draining or m.outworn) and m.generation == generation]


def stale(members: Sequence[Member], generation: int) -> list[Member]:
    """Those that others are to take the place of."""
    return [m for m in members if not m.draining and (m.outworn or m.generation != generation)]


def moves(members: Sequence[Member], generation: int, wanted: int) -> Moves:
    """Towards `wanted` good replicas, of which never fewer are ready than now while others go."""
    staying, leaving = good(members, generation), stale(members, generation)
    terminate = [member for member in leaving if not member.ready]
    leaving = [member for member in leaving if member.ready]
    ready = [member for member in staying if member.ready]
    draining = any(member.draining for member in members)
    drain, start = None, max(0, wanted - len(staying))
    if leaving:
        if len(ready) + len(leaving) > wanted and not draining:
            drain, start = leaving[0], 0
        else:
            room = len(staying) + len(leaving) < wanted or not (draining or len(ready) < len(staying))
            start = min(start, 1) if room else 0
    elif len(staying) > wanted and (len(ready) > wanted or wanted == 0) and not draining:
        drain = max(ready, key=lambda member: member.index, default=None)
    return Moves(terminate, drain, start, asleep=not (wanted or staying or leaving))
