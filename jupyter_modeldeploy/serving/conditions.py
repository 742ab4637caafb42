"""What a rule asks of a request: headers, its unit, and what the input holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.request_headers import ATTRIBUTE_HEADER, UNIT_HEADER

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import Condition

OF_THE_INPUT = frozenset({"characters", "rows", "bytes"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What an input holds, the same by whichever protocol it came: rows, and the characters and bytes of all of them
    together; of texts in UTF-8, of images as files."""

    rows: int
    characters: int
    bytes: int


Holds = Callable[[Headers, Facts | None], bool]


def facts_of(payload: Any, rows: int) -> Facts:
    """Of a decoded request."""
    return Facts(rows, *_size(payload))


def all_hold(conditions: Sequence[Condition]) -> Holds:
    """Whether all of them hold of a request, made ready to be asked of many."""
    asked = [_asked(condition) for condition in conditions]
    if len(asked) == 1:
        return asked[0]
    return lambda headers, facts: all(holds(headers, facts) for holds in asked)


def header_of(attribute: str) -> bytes:
    """The header that says an attribute: `unit`, `header:user-agent`, `region`."""
    if attribute == "unit":
        return UNIT_HEADER
    named = attribute.removeprefix("header:")
    return (b"" if named != attribute else ATTRIBUTE_HEADER) + named.lower().encode()


def _asked(condition: Condition) -> Holds:
    name, operator = condition.attribute, condition.operator
    given = condition.value if isinstance(condition.value, list) else [condition.value]
    if name in OF_THE_INPUT:
        fits = _number_fits(operator, [float(value) for value in given])
        return lambda headers, facts: facts is not None and fits(getattr(facts, name))
    header = header_of(name)
    if operator in (">=", "<="):
        compares = _number_fits(operator, [float(value) for value in given])
        return lambda headers, facts: (value := _number(headers.get(header))) is not None and compares(value)
    values = frozenset(_text(value) for value in given)
    if operator == "prefix":
        begins = tuple(values)
        return lambda headers, facts: headers.get(header, b"").startswith(begins)
    if operator == "not in":
        return lambda headers, facts: headers.get(header) not in values
    return lambda headers, facts: headers.get(header) in values


def _number_fits(operator: str, given: list[float]) -> Callable[[float], bool]:
    if operator == ">=":
        return lambda value: value >= given[0]
    if operator == "<=":
        return lambda value: value <= given[0]
    if operator == "not in":
        return lambda value: value not in given
    return lambda value: value in given


def _number(value: bytes | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def _text(value: str | float) -> bytes:
    """As a header has it: 3.0 is 3."""
    return (value if isinstance(value, str) else f"{value:g}").encode()


def _size(value: Any) -> tuple[int, int]:
    """Characters and bytes."""
    if isinstance(value, str):
        return len(value), len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bytes):
        return len(value.decode("utf-8", "replace")), len(value)
    if isinstance(value, np.ndarray) and value.dtype != object:
        return 0, value.nbytes
    if isinstance(value, np.ndarray):
        return _sizes(value.ravel().tolist())
    if isinstance(value, (dict, list)):
        return _sizes(value.values() if isinstance(value, dict) else value)
    return 0, len(getattr(value, "content", b""))


def _sizes(values: Iterable[Any]) -> tuple[int, int]:
    sizes = [_size(value) for value in values]
    return sum(size[0] for size in sizes), sum(size[1] for size in sizes)
