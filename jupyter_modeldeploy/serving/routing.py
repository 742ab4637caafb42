"""Which version answers: the first rule that fits, else a share of the traffic, and the same version for the same unit
every time.

The place of a unit is `assignment.bucket` with the seed `<service>/<model>`, so an assignment can be recomputed outside
this service. The arms take [0, 1) in the order of the spec, each as much as its share of the weights: of two, the
second keeps every unit that it has while its share rises. The data plane and previews choose by this very code."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from jupyter_modeldeploy import assignment
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.conditions import OF_THE_INPUT, Facts, Holds, all_hold
from jupyter_modeldeploy.serving.request_headers import ID_HEADER, UNIT_HEADER

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import Namespace, ServedModel

V = TypeVar("V")
Why = Literal["rule", "outside the namespace", "share"]


@dataclass(frozen=True, slots=True)
class Choice(Generic[V]):
    """What a request gets. Only those that were chosen by their `share` of the traffic may be compared: whom a rule or
    a namespace sends to a version differs from those whom chance does."""

    version: V
    why: Why = "share"
    rule: str | None = None
    experiment: str = ""
    """Whose range of a namespace the unit is in, if any."""


class Split(Generic[V]):
    """Chooses by weights, which need not sum to 1."""

    def __init__(self, seed: str, choices: Sequence[Choice[V]], weights: Sequence[float]) -> None:
        self.place = assignment.places(seed)
        self._choices = choices
        total = sum(weights)
        self._bounds = [bound / total for bound in accumulate(weights)]
        self._last = max(index for index, weight in enumerate(weights) if weight > 0)
        self.sole = choices[self._last] if max(weights) == total else None
        """What everybody gets."""
        self.by_place = [] if self.sole else self._table()

    def choose(self, unit: bytes | None) -> Choice[V]:
        """Always the same for a unit, drawn at random without one."""
        if self.sole is not None:
            return self.sole
        return self.by_place[self.place(unit)] if unit else self.draw()

    def draw(self) -> Choice[V]:
        """That of nobody in particular."""
        return self._choices[min(bisect_right(self._bounds, random.random()), self._last)]

    def _table(self) -> list[Choice[V]]:
        """The choice of each place, so that no request needs a search."""
        table: list[Choice[V]] = []
        for choice, bound in zip(self._choices[: self._last], self._bounds, strict=False):
            end = round(bound * assignment.PLACES)
            end += end / assignment.PLACES < bound
            table += [choice] * (end - len(table))
        return table + [self._choices[self._last]] * (assignment.PLACES - len(table))


class Routing(Generic[V]):
    """How requests for one model are routed, as `wanted` says; `version` finds the version of a number.

    `reads` tells whether a rule asks what a request holds, so that it must be decoded before a version is chosen."""

    def __init__(self, seed: str, wanted: ServedModel, version: Callable[[int], V]) -> None:
        def split(
            arms: Sequence[tuple[int, float]], why: Why = "share", rule: str | None = None, experiment: str = ""
        ) -> Split[V]:
            choices = [Choice(version(number), why, rule, experiment) for number, _ in arms]
            own = f"{seed}/{experiment}" if experiment else seed
            return Split(own, choices, [weight for _, weight in arms])

        self.split = split([(arm.version, arm.weight) for arm in wanted.arms])
        self.reads = any(condition.attribute in OF_THE_INPUT for rule in wanted.rules for condition in rule.conditions)
        self._rules: list[tuple[Holds, Split[V]]] = []
        for number, rule in enumerate(wanted.rules, 1):
            arms = [(arm.version, arm.weight) for arm in rule.arms] or [(int(rule.version or 0), 1.0)]
            self._rules.append((all_hold(rule.conditions), split(arms, "rule", rule.name or f"rule {number}")))
        self._ranges = [
            (one.namespace, split([(arm.version, arm.weight) for arm in one.arms], experiment=one.name))
            for one in wanted.ranges
        ]
        self._namespace = wanted.namespace
        self._outside = Choice(version(wanted.arms[0].version), "outside the namespace")
        by_shares_alone = not (self._rules or self._ranges or self._namespace)
        self.choose: Chooses[V] = _plainly(self.split) if by_shares_alone else self._by_rules
        """What a request with such headers gets; the facts tell of what it holds, where that `reads`."""

    @property
    def only(self) -> V | None:
        """The version that every request gets, where there is just one."""
        sole = self.split.sole
        if sole is None or self._rules or self._ranges:
            return None
        return None if self._namespace and sole.version is not self._outside.version else sole.version

    def split_of(self, unit: bytes | None) -> Split[V] | None:
        """The split of the range that the unit is in; None for a unit in none of them."""
        return next((split for namespace, split in self._ranges if takes_part(unit, namespace)), None)

    def _by_rules(self, headers: Headers, facts: Facts | None = None) -> Choice[V]:
        unit = headers.get(UNIT_HEADER) or headers.get(ID_HEADER)  # what is sent again gets what it got
        for hold, split in self._rules:
            if hold(headers, facts):
                return split.choose(unit)
        if self._ranges and (own := self.split_of(unit)) is not None:
            return own.choose(unit)
        if self._namespace is not None and not takes_part(unit, self._namespace):
            return self._outside
        return self.split.choose(unit)


class Chooses(Protocol[V]):
    def __call__(self, headers: Headers, facts: Facts | None = None) -> Choice[V]: ...


def _plainly(split: Split[V]) -> Chooses[V]:
    """By the split alone, in as few calls as may be: nearly all requests go this way."""
    sole, by_place, place, draw = split.sole, split.by_place, split.place, split.draw

    def choose(headers: Headers, facts: Facts | None = None) -> Choice[V]:
        if sole is not None:
            return sole
        unit = headers.get(UNIT_HEADER) or headers.get(ID_HEADER)
        return by_place[place(unit)] if unit else draw()

    return choose


def by_share(choice: Choice[Any] | None) -> bool:
    """Whether the request takes part in a comparison of versions, also where there was nothing to choose."""
    return choice is None or choice.why == "share"


def versions_of(served: ServedModel) -> list[int]:
    """All versions that the model is to be served with, those of the arms first."""
    numbers = [arm.version for arm in served.arms]
    numbers += [served.fallback] if served.fallback is not None else []
    for rule in served.rules:
        numbers += [arm.version for arm in rule.arms] if rule.version is None else [rule.version]
    numbers += [arm.version for one in served.ranges for arm in one.arms]
    return list(dict.fromkeys([*numbers, *(shadow.version for shadow in served.shadow)]))


def takes_part(unit: bytes | None, namespace: Namespace) -> bool:
    """Whether the unit has its place in the range of the namespace; nobody in particular has none."""
    if not unit:
        return False
    return assignment.in_namespace(unit.decode("utf-8", "replace"), namespace.id, (namespace.start, namespace.end))
