"""A magic's line as the arguments of a command, with Python's variables in it."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput

MARK = "\ue000"
PLACE = r"\$\$|\$(?P<name>[A-Za-z_]\w*)|\{(?P<expression>[^{}]+)\}"
PLACES = re.compile(PLACE)
PARTS = re.compile(rf"'[^']*'|(?P<double>\"(?:\\.|[^\"\\])*\")|{PLACE}")
ONE_VALUE = re.compile(f"{MARK}(\\d+){MARK}")
NAMES = ("ref", "id", "name")
"""What our own objects are called by, the best first: a version, a job, a service."""

Evaluate = Callable[[str], Any]


def split(line: str, evaluate: Evaluate) -> list[str]:
    """The words of the line as a shell would split it, with `$name` and `{expression}` put in as `evaluate` gives them.

    A value stays one word whatever is in it. A list alone becomes a word for each of its items, which no option can
    hide among: they go to the end. A dict becomes JSON; a version, job or service its name. Nothing is put in between
    single quotes. Raises InvalidInput for a quotation that is not closed and for what cannot be evaluated."""
    values: list[Any] = []

    def put(place: re.Match[str]) -> str:
        if place[0] == "$$":
            return "$"
        values.append(_evaluated(place["name"] or place["expression"], evaluate))
        return f"{MARK}{len(values) - 1}{MARK}"

    def part(found: re.Match[str]) -> str:
        if found["double"]:
            return PLACES.sub(put, found[0])
        return found[0] if found[0].startswith("'") else put(found)

    try:
        words = shlex.split(PARTS.sub(part, line))
    except ValueError as error:
        raise InvalidInput(f"The line cannot be split: {error}.", "Close what was quoted.") from error
    return _filled(words, values)


def kept_as(words: list[str]) -> tuple[list[str], str | None]:
    """The words without `-o NAME`, and that name. Raises InvalidInput for a name that no variable can have."""
    if "-o" not in words:
        return words, None
    at = words.index("-o")
    name = words[at + 1] if at + 1 < len(words) else ""
    if not name.isidentifier():
        raise InvalidInput(
            f"-o needs the name of a variable, not {name!r}.", "-o answer keeps what came out in answer."
        )
    return words[:at] + words[at + 2 :], name


def _filled(words: Sequence[str], values: Sequence[Any]) -> list[str]:
    filled: list[str] = []
    last: list[str] = []
    for word in words:
        alone = ONE_VALUE.fullmatch(word)
        value = values[int(alone[1])] if alone else None
        if alone and (items := _items(value)) is not None:
            last += map(_text, items)
        else:
            filled.append(ONE_VALUE.sub(lambda place: _text(values[int(place[1])]), word))
    return [*filled, "--", *last] if last else filled


def _items(value: Any) -> list[Any] | None:
    """The items of a list, a tuple, an array or a column of a table; None for what is one thing."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(value) if isinstance(value, (list, tuple)) else None


def _text(value: Any) -> str:
    if value is None:
        raise InvalidInput("A variable in the line is None.", "Leave the option out instead.")
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    if type(value).__module__.partition(".")[0] == "jupyter_modeldeploy":
        return str(next((getattr(value, name) for name in NAMES if hasattr(value, name)), value))
    return str(value)


def _evaluated(expression: str, evaluate: Evaluate) -> Any:
    try:
        return evaluate(expression)
    except Exception as error:  # whatever the expression raises is its writer's to know
        raise InvalidInput(
            f"{{{expression}}} cannot be put in: {type(error).__name__}: {error}.",
            "Quote with ' what is to stay as it is written.",
        ) from error
