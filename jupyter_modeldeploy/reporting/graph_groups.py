"""A graph in pieces that can be drawn: where there are too many nodes for a picture, those of a layer are one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jupyter_modeldeploy.records.graphs import ModelGraph

MOST = 600
"""Nodes of one picture, which is laid out in about a second (decision 7)."""


@dataclass
class Group:
    """What is drawn as one picture: nodes by their places, and groups that are a node of it each."""

    name: str
    nodes: list[int] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)


def grouped(graph: ModelGraph, most: int = MOST) -> Group:
    """All nodes in one group where they are no more than `most`; else by layers, as deep as it takes. Nodes that say
    nothing of their layer are grouped as they follow each other."""
    layers = [node.layer.split(".") if node.layer else [] for node in graph.nodes]
    return _split("", range(len(graph.nodes)), layers, 0, most)


def _split(name: str, places: Sequence[int], layers: list[list[str]], depth: int, most: int) -> Group:
    if len(places) <= most:
        return Group(name, list(places))
    parts: dict[str, list[int]] = {}
    for place in places:
        parts.setdefault(".".join(layers[place][: depth + 1]) if len(layers[place]) > depth else "", []).append(place)
    rest = parts.pop("", [])
    if not parts:
        return Group(name, groups=_pieces(name, rest, most))
    if len(parts) == 1 and not rest:
        return _split(name, places, layers, depth + 1, most)
    found = Group(name)
    for part, members in parts.items():
        if len(members) == 1:
            found.nodes += members
        else:
            found.groups.append(_split(part, members, layers, depth + 1, most))
    found.nodes += rest
    return found if len(found.nodes) + len(found.groups) <= most else _fewer(found, most)


def _fewer(group: Group, most: int) -> Group:
    """The same with its single nodes, and then its groups, put together as they follow each other."""
    pieces = _pieces(group.name, sorted(group.nodes), most)
    groups = [*group.groups, *pieces]
    while len(groups) > most:
        groups = [
            Group(f"{run[0].name} – {run[-1].name}", groups=run)
            for run in (groups[start : start + most] for start in range(0, len(groups), most))
        ]
    return Group(group.name, groups=groups)


def _pieces(name: str, places: Sequence[int], most: int) -> list[Group]:
    """Equal pieces, of which each is a picture; they are pictures of pieces in their turn where they are too many."""
    count = -(-len(places) // most)
    size = -(-len(places) // max(1, count))
    pieces = [
        Group(f"{name} {start + 1}–{min(start + size, len(places))}".strip(), list(places[start : start + size]))
        for start in range(0, len(places), max(1, size))
    ]
    return pieces if len(pieces) <= most else _fewer(Group(name, groups=pieces), most).groups
