"""CoNLL files: a word a line with its columns, the tag last, and an empty line after each sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jupyter_modeldeploy.datasets.table import Row
from jupyter_modeldeploy.errors import InvalidInput

SUFFIXES = (".conll", ".bio", ".iob", ".iob2")
DOCUMENT = "-DOCSTART-"


def rows(path: Path) -> Iterator[Row]:
    """The sentences as `tokens` and `tags`; the line is that of the last word.

    Raises InvalidInput, naming the line, for a word without a tag or with more columns than the words before it."""
    tokens: list[str] = []
    tags: list[str] = []
    columns = 0
    number = 0
    for number, line in enumerate(_lines(path), 1):
        words = line.split()
        if not words or words[0] == DOCUMENT:
            if tokens:
                yield Row(number - 1, {"tokens": tokens, "tags": tags})
            tokens, tags = [], []
        elif not (line.startswith("# ") and len(words) != columns):
            columns = columns or len(words)
            if len(words) != columns or columns < 2:
                raise InvalidInput(
                    f"Row {number} of {path.name}: {len(words)} columns, where {max(columns, 2)} were expected.",
                    "Write a word and its tag a line, separated by a space, and an empty line after each sentence.",
                )
            tokens.append(words[0])
            tags.append(words[-1])
    if tokens:
        yield Row(number, {"tokens": tokens, "tags": tags})


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is not UTF-8: {error}.", "Save the file as UTF-8.") from error
