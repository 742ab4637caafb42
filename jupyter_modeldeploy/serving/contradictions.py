"""Rules, namespaces and shadows that cannot be meant: found before anything changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.serving.conditions import OF_THE_INPUT, header_of

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import Condition, RoutingRule, ServedModel

ORDERED = (">=", "<=")
LISTS = ("in", "not in", "prefix")


def check_routing(served: ServedModel) -> None:
    """Raise InvalidInput for what could never fit, never be reached, or compares a version with itself."""
    for number, rule in enumerate(served.rules, 1):
        called = f"The rule {rule.name!r}" if rule.name else f"Rule {number}"
        for condition in rule.conditions:
            _check_value(condition, called)
        _check_conditions(rule.conditions, called)
        if any(_implies(rule, former) for former in served.rules[: number - 1]):
            raise InvalidInput(
                f"{called} of {served.model!r} is never reached: a rule before it fits all that it fits.",
                "Put the narrower rule first.",
            )
    if served.namespace is not None and served.namespace.start >= served.namespace.end:
        raise InvalidInput(
            f"The range {served.namespace.start:g} to {served.namespace.end:g} of the namespace "
            f"{served.namespace.id!r} holds nobody.",
            "Let start be below end, both in 0 to 1.",
        )
    _check_ranges(served)
    _check_shadow(served)


def _check_ranges(served: ServedModel) -> None:
    taken = [(f"the range of {one.name}", one.namespace) for one in served.ranges]
    taken += [("the namespace of all other traffic", served.namespace)] if served.namespace and taken else []
    for number, (called, mine) in enumerate(taken):
        for other, its in taken[:number]:
            if mine.overlaps(its):
                raise InvalidInput(
                    f"Of {served.model!r} {called} ({mine}) may have units of {other} ({its}).",
                    "Take ranges of one namespace that are apart.",
                )


def _check_shadow(served: ServedModel) -> None:
    shadows = [shadow.version for shadow in served.shadow]
    if len(set(shadows)) != len(shadows):
        raise InvalidInput(f"A shadow of {served.model!r} is named twice: {shadows}.", "Name each version once.")
    answering = {arm.version for arm in served.arms if arm.weight > 0}
    answering |= {number for rule in served.rules for number in _versions(rule)}
    answering |= {arm.version for one in served.ranges for arm in one.arms if arm.weight > 0}
    for number in shadows:
        if answering == {number}:
            raise InvalidInput(
                f"{served.model}@{number} would be the shadow of itself: no other version answers.",
                "Give another version the traffic, or the shadow.",
            )


def _versions(rule: RoutingRule) -> list[int]:
    return [arm.version for arm in rule.arms if arm.weight > 0] if rule.version is None else [rule.version]


def _check_value(condition: Condition, called: str) -> None:
    several = isinstance(condition.value, list)
    given = _values(condition)
    if not given or (several and condition.operator not in LISTS):
        raise InvalidInput(
            f"{called} asks {condition.attribute} {condition.operator} {condition.value!r}.",
            "Give `in`, `not in` and `prefix` a list, the others one value.",
        )
    of_the_input = condition.attribute in OF_THE_INPUT
    if of_the_input and condition.operator == "prefix":
        raise InvalidInput(f"{called} asks for a prefix of {condition.attribute}, a number.", "Use >= or <=.")
    if (of_the_input or condition.operator in ORDERED) and any(_number(value) is None for value in given):
        raise InvalidInput(
            f"{called} compares {condition.attribute} with {condition.value!r}.", "Give a number, such as 200."
        )


def _check_conditions(conditions: Sequence[Condition], called: str) -> None:
    """Whether some value of each attribute fits all that is asked of it."""
    by_attribute: dict[bytes | str, list[Condition]] = {}
    for condition in conditions:
        name = condition.attribute
        by_attribute.setdefault(name if name in OF_THE_INPUT else header_of(name), []).append(condition)
    for asked in by_attribute.values():
        if not _possible(asked):
            told = " and ".join(f"{one.attribute} {one.operator} {one.value!r}" for one in asked)
            raise InvalidInput(f"{called} never fits: {told}.", "Leave out one of these conditions.")


def _possible(asked: Sequence[Condition]) -> bool:
    low = max((_number(one.value) or 0.0 for one in asked if one.operator == ">="), default=-math.inf)
    high = min((_number(one.value) or 0.0 for one in asked if one.operator == "<="), default=math.inf)
    if low > high or (asked[0].attribute in OF_THE_INPUT and high < 0):
        return False
    lists = [_values(one) for one in asked if one.operator in ("in", "=")]
    if not lists:
        return True
    return any(all(_fits(value, one) for one in asked) for value in lists[0])


def _fits(value: str | float, condition: Condition) -> bool:
    if condition.operator in ORDERED:
        number, bound = _number(value), _number(condition.value) or 0.0
        return number is not None and (number >= bound if condition.operator == ">=" else number <= bound)
    if condition.operator == "prefix":
        return any(_text(value).startswith(_text(begin)) for begin in _values(condition))
    return (_text(value) in map(_text, _values(condition))) == (condition.operator != "not in")


def _implies(rule: RoutingRule, former: RoutingRule) -> bool:
    return all(condition in rule.conditions for condition in former.conditions)


def _values(condition: Condition) -> list[str | float]:
    return condition.value if isinstance(condition.value, list) else [condition.value]


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _number(value: str | float | list[str | float]) -> float | None:
    try:
        return None if isinstance(value, list) else float(value)
    except ValueError:
        return None
