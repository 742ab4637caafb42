"""Sentences whose words have a tag each, stored as lines of JSON with a list of words and a list of tags."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_modeldeploy.datasets import columns, conll, table, tables
from jupyter_modeldeploy.datasets.files import divided, with_suffix
from jupyter_modeldeploy.datasets.reader import AS_FOUND, Inspected, Prepared, Reader, Split, TaggedWords, Wanted
from jupyter_modeldeploy.datasets.report import Seen, check_classes, distribution, report
from jupyter_modeldeploy.datasets.split import (
    Member,
    check_named,
    counted,
    divide,
    rarest,
    side_named,
    sides,
    text_key,
)
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Dataset, SplitName

TOKEN_COLUMNS = ("tokens", "words", "token", "text")
TAG_COLUMNS = ("ner_tags", "tags", "labels", "ner", "pos_tags", "upos", "label", "chunk_tags")
OUTSIDE = "O"
ENTITY = re.compile(r"([BIESLU])-(.+)")
MAX_WORDS = 10_000
SUFFIXES = (*conll.SUFFIXES, ".txt")


class Tagged(NamedTuple):
    """One checked row."""

    line: int
    words: tuple[str, ...]
    tags: tuple[str, ...]
    split: SplitName | None


def prepare(found: Path, stored: Path, wanted: Wanted) -> Prepared:
    """The one table of what was found; CoNLL files as lines of JSON."""
    for suffixes in (conll.SUFFIXES, tables.SUFFIXES, SUFFIXES):
        if files := with_suffix(found, suffixes):
            if suffixes is tables.SUFFIXES:
                return tables.prepare(found, stored, wanted)
            return tables.joined(divided(files, found, ", ".join(suffixes)), stored, conll.rows)
    return tables.prepare(found, stored, wanted)


def inspect(path: Path, wanted: Wanted = AS_FOUND) -> Inspected:
    """Read the whole table and check every row. Raises InvalidInput, naming the row, for words or tags that are no
    lists or of different lengths, an empty word, and for tags of which none marks anything."""
    with table.reading(path) as opened:
        columns.check_there((wanted.text_column, wanted.label_column), opened.columns)
        tokens = wanted.text_column or columns.guess(opened.columns, TOKEN_COLUMNS)
        tags = wanted.label_column or columns.guess([name for name in opened.columns if name != tokens], TAG_COLUMNS)
        if tokens is None or tags is None:
            missing = "words" if tokens is None else "tags"
            raise InvalidInput(
                f"Which column holds the {missing} is not clear: the columns are {', '.join(opened.columns)}.",
                f"Name it: {'text' if tokens is None else 'label'}_column.",
            )
        rows = _tagged(opened, tokens, tags)
        form = opened.format
    counts = Counter(tag for row in rows for tag in row.tags)
    check_classes(counts, sum(counts.values()), "words", "Name the column with the tags: label_column.")
    if rows[0].split is not None:
        check_named((row.split for row in rows if row.split), "The column 'split'")
    on = sides(_members(rows), wanted)
    seen = [Seen(f"row {row.line}", _key(row), _marked(row), " ".join(row.words)) for row in rows]
    lengths = [len(row.words) for row in rows]
    return Inspected(
        format=form,
        text_column=tokens,
        label_column=tags,
        classes=sorted(counts, key=lambda tag: (tag != OUTSIDE, tag)),
        rows=len(rows),
        splits=counted(on),
        report=report(seen, on, [distribution("length of a sentence", "words", lengths)], _about_tags(rows)),
    )


def read(path: Path, dataset: Dataset) -> Split[TaggedWords]:
    """The dataset's sentences in its fixed split; `path` is its file or the folder that holds it."""
    with table.reading(table.only_file(path)) as opened:
        rows = _tagged(opened, dataset.text_column or "tokens", dataset.label_column or "tags")
    index = {name: number for number, name in enumerate(dataset.classes)}
    for row in rows:
        if unknown := set(row.tags) - set(index):
            raise InvalidInput(f"Row {row.line}: the tag {min(unknown)!r} is not of {dataset.ref}.", "Import it again.")
    examples = [TaggedWords(row.words, tuple(index[tag] for tag in row.tags)) for row in rows]
    return divide(examples, sides(_members(rows), dataset))


def _tagged(opened: table.Table, tokens: str, tags: str) -> list[Tagged]:
    columns.check_there((tokens, tags), opened.columns)
    rows = []
    for row in opened.rows:
        words = _list(row.line, row.values.get(tokens), "words")
        marks = _list(row.line, row.values.get(tags), "tags")
        if len(words) != len(marks):
            raise InvalidInput(f"Row {row.line}: {len(words)} words, but {len(marks)} tags.", "Give each word a tag.")
        split = None
        if columns.SPLIT_COLUMN in opened.columns:
            split = side_named(columns.word(row.values.get(columns.SPLIT_COLUMN)), f"Row {row.line}")
        checked = tuple(columns.text_of(row.line, one, f"word {number}") for number, one in enumerate(words, 1))
        rows.append(Tagged(row.line, checked, tuple(columns.label_of(row.line, one) for one in marks), split))
    return rows


def _list(line: int, value: Any, what: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise InvalidInput(
            f"Row {line}: the {what} are {columns.said(value) if value != [] else 'an empty list'}, not a list.",
            'Write {"tokens": ["Ada", "Lovelace"], "tags": ["B-PER", "I-PER"]} on each line.',
        )
    if len(value) > MAX_WORDS:
        raise InvalidInput(f"Row {line} has {len(value):,} {what}; {MAX_WORDS:,} are the most.", "Cut it up.")
    return value


def _marked(row: Tagged) -> tuple[str, ...]:
    """The tags that mark something: nearly all words of most texts have the tag O."""
    return tuple(tag for tag in row.tags if tag != OUTSIDE)


def _key(row: Tagged) -> str:
    return text_key(" ".join(row.words))


def _members(rows: Sequence[Tagged]) -> list[Member]:
    counts = Counter(tag for row in rows for tag in set(_marked(row)))
    return [Member(_key(row), rarest(_marked(row), counts), row.split) for row in rows]


def _about_tags(rows: Sequence[Tagged]) -> list[str]:
    """A warning where an entity goes on that nothing began, which the standard scores count otherwise."""
    torn = [row.line for row in rows if any(map(_goes_on, (OUTSIDE, *row.tags), row.tags))]
    if not torn:
        return []
    return [f"Sentences where an entity goes on (I-) that did not begin (B-): {len(torn):,}, first row {torn[0]}."]


def _goes_on(before: str, tag: str) -> bool:
    now, last = ENTITY.fullmatch(tag), ENTITY.fullmatch(before)
    return bool(now and now[1] in "IEL" and not (last and last[2] == now[2] and last[1] in "BI"))


READER = Reader(prepare=prepare, inspect=inspect, read=read)
