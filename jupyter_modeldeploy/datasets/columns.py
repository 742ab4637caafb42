"""Which column of a table holds what, and what its values mean."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from jupyter_modeldeploy.errors import InvalidInput

TEXT_COLUMNS = (
    *("text", "sentence", "review", "content", "comment", "message", "snippet", "tweet", "utterance"),
    *("question", "body", "document", "headline", "title", "input"),
)
LABEL_COLUMNS = (
    *("label", "labels", "class", "classes", "category", "categories", "sentiment", "target", "intent", "topic"),
    *("topics", "polarity", "tags", "y"),
)
SPLIT_COLUMN = "split"
MISSING = ("nan", "NaN")
MAX_CHARACTERS = 1_000_000
"""A text beyond this is a whole book, or a file whose quotes are not closed."""


def guess(columns: Iterable[str], usual: Iterable[str]) -> str | None:
    """The column with the first of the usual names that there is, whatever its case."""
    by_name = {name.strip().lower(): name for name in reversed(list(columns))}
    return next((by_name[name] for name in usual if name in by_name), None)


def check_there(named: Iterable[str | None], columns: Sequence[str]) -> None:
    """Raise InvalidInput when a column that was named is not there."""
    for name in named:
        if name is not None and name not in columns:
            raise InvalidInput(f"There is no column {name!r}.", f"The columns are {', '.join(columns)}.")


def text_of(line: int, value: object, what: str = "text") -> str:
    """The value, which has to be a text. Raises InvalidInput that names the row."""
    if not isinstance(value, str) or not value.strip() or value.strip() in MISSING:
        raise InvalidInput(f"Row {line}: the {what} is {said(value)}.", "Correct the row or take it out.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidInput(f"Row {line}: the {what} holds half a character pair.", "Write it as UTF-8.")
    if len(value) > MAX_CHARACTERS:
        raise InvalidInput(
            f"Row {line}: the {what} has {len(value):,} characters; {MAX_CHARACTERS:,} are the most.",
            "Cut it into pieces, or close the quotes.",
        )
    return value


def label_of(line: int, value: object) -> str:
    """The value as the name of a class. Raises InvalidInput that names the row."""
    name = word(value)
    if not name or name in MISSING or (isinstance(value, float) and not math.isfinite(value)):
        raise InvalidInput(f"Row {line}: the label is {said(value)}.", "Correct the row or take it out.")
    return name


def word(value: object) -> str:
    """A label as text: `1` and `1.0` are the class "1", true and false are themselves."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() if isinstance(value, str | int | float) else ""


def said(value: object) -> str:
    """The value as an error tells it."""
    if value is None:
        return "missing"
    return "empty" if isinstance(value, str) and not value.strip() else repr(value)[:80]
