"""Labelled texts: one class each in a column, or several as a list, a separated word, or a column of 0 and 1 each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_modeldeploy.datasets import columns, table, tables
from jupyter_modeldeploy.datasets.reader import AS_FOUND, Example, Inspected, MultiLabelExample, Reader, Split, Wanted
from jupyter_modeldeploy.datasets.report import Seen, about_lengths, check_classes, distribution, report
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

SEPARATORS = "|;"
FLAGS: dict[object, bool] = {"0": False, "1": True, "false": False, "true": True}
NO_FLAGS = ("id", "index", "idx", "unnamed: 0", "")


@dataclass(frozen=True)
class Columns:
    """Where the text and its labels stand: in the column `label`, or in a column of 0 and 1 for each class."""

    text: str
    label: str | None
    flags: tuple[str, ...] = ()


class Raw(NamedTuple):
    """A row whose label is not yet understood."""

    line: int
    text: str
    label: Any
    split: SplitName | None


class Labelled(NamedTuple):
    """One checked row."""

    line: int
    text: str
    labels: tuple[str, ...]
    split: SplitName | None


def inspect(path: Path, wanted: Wanted = AS_FOUND) -> Inspected:
    """Read the whole table and check every row.

    Columns that are not named are guessed by their usual names. Raises InvalidInput, naming the row, for undecodable
    bytes, an empty or missing text or label, a single class, or a label column that is no class."""
    with table.reading(path) as opened:
        first = next(opened.rows)
        found = _columns(opened.columns, first.values, wanted)
        raw = list(_raw(opened.columns, chain([first], opened.rows), found))
        form = opened.format
    multi_label = _has_several(raw, found, wanted)
    rows = _labelled(raw, multi_label)
    counts = Counter(label for row in rows for label in row.labels)
    counts.update(dict.fromkeys(found.flags, 0))
    check_classes(counts, len(rows), f"rows of {path.name}", "Name the column with the class: label_column.")
    if rows[0].split is not None:
        check_named((row.split for row in rows if row.split), "The column 'split'")
    on = sides(_members(rows, counts), wanted)
    seen = [Seen(f"row {row.line}", text_key(row.text), row.labels, row.text) for row in rows]
    lengths = [len(row.text) for row in rows]
    warnings = [*about_lengths(lengths), *_about_separators(counts, multi_label)]
    return Inspected(
        format=form,
        text_column=found.text,
        label_column=found.label,
        multi_label=multi_label,
        classes=sorted(counts),
        rows=len(rows),
        splits=counted(on),
        report=report(seen, on, [distribution("length of a text", "characters", lengths)], warnings),
    )


def read(path: Path, dataset: Dataset) -> Split[Example] | Split[MultiLabelExample]:
    """The dataset's examples in its fixed split; `path` is its file or the folder that holds it.

    Rows with the same text (but for case and spacing) are never on both sides: those that are held out are left out of
    training. Raises InvalidInput for a class that the dataset does not have."""
    return read_several(path, dataset) if dataset.multi_label else read_single(path, dataset)


def read_single(path: Path, dataset: Dataset) -> Split[Example]:
    """The same for a dataset whose texts have one class each."""
    rows, on, index = _read(path, dataset)
    return divide([Example(row.text, index[row.labels[0]]) for row in rows], on)


def read_several(path: Path, dataset: Dataset) -> Split[MultiLabelExample]:
    """The same for a dataset whose texts may have several classes, or none."""
    rows, on, index = _read(path, dataset)
    return divide(
        [MultiLabelExample(row.text, tuple(sorted(index[label] for label in row.labels))) for row in rows], on
    )


def _read(path: Path, dataset: Dataset) -> tuple[list[Labelled], list[SplitName | None], dict[str, int]]:
    """The checked rows, the side of each, and the index of each class."""
    with table.reading(table.only_file(path)) as opened:
        text = dataset.text_column or "text"
        found = Columns(text, dataset.label_column, () if dataset.label_column else tuple(dataset.classes))
        columns.check_there((found.text, found.label, *found.flags), opened.columns)
        rows = _labelled(list(_raw(opened.columns, opened.rows, found)), dataset.multi_label)
    on = sides(_members(rows, Counter(label for row in rows for label in row.labels)), dataset)
    index = {name: number for number, name in enumerate(dataset.classes)}
    for row in rows:
        for label in row.labels:
            if label not in index:
                raise InvalidInput(f"Row {row.line}: the class {label!r} is not of {dataset.ref}.", "Import it again.")
    return rows, on, index


def _columns(there: Sequence[str], first: dict[str, Any], wanted: Wanted) -> Columns:
    text, label = wanted.text_column, wanted.label_column
    columns.check_there((text, label), there)
    text = text or columns.guess([name for name in there if name != label], columns.TEXT_COLUMNS)
    label = label or columns.guess([name for name in there if name != text], columns.LABEL_COLUMNS)
    rest = [name for name in there if name not in (text, label, columns.SPLIT_COLUMN)]
    flags = tuple(
        name for name in rest if name.lower() not in NO_FLAGS and columns.word(first.get(name)).lower() in FLAGS
    )
    if text is not None and label is None and len(flags) > 1 and wanted.multi_label is not False:
        return Columns(text, None, flags)
    if len(rest) == 1 and (text is None) != (label is None):
        text, label = text or rest[0], label or rest[0]
    if text is None or label is None or text == label:
        missing = "text" if text is None else "label"
        raise InvalidInput(
            f"Which column holds the {missing} is not clear: the columns are {', '.join(there)}.",
            f"Name it: {missing}_column.",
        )
    return Columns(text, label)


def _raw(there: Sequence[str], rows: Iterator[table.Row], found: Columns) -> Iterator[Raw]:
    for row in rows:
        text = columns.text_of(row.line, row.values.get(found.text))
        split = None
        if columns.SPLIT_COLUMN in there:
            split = side_named(columns.word(row.values.get(columns.SPLIT_COLUMN)), f"Row {row.line}")
        label = _flagged(row, found.flags) if found.label is None else row.values.get(found.label)
        yield Raw(row.line, text, label, split)


def _flagged(row: table.Row, flags: Sequence[str]) -> list[str]:
    for name in flags:
        if columns.word(row.values.get(name)).lower() not in FLAGS:
            raise InvalidInput(
                f"Row {row.line}: the column {name!r} is {columns.said(row.values.get(name))}.", "Write 0 or 1."
            )
    return [name for name in flags if FLAGS[columns.word(row.values[name]).lower()]]


def _has_several(raw: Sequence[Raw], found: Columns, wanted: Wanted) -> bool:
    """Whether a row may have several classes: it says so itself, or the separated words are fewer than the wholes."""
    if wanted.multi_label is not None:
        return wanted.multi_label
    if found.label is None or any(isinstance(row.label, list) for row in raw):
        return True
    wholes = {row.label for row in raw if isinstance(row.label, str)}
    separator = _separator(wholes)
    return bool(separator) and len({one.strip() for whole in wholes for one in whole.split(separator)}) < len(wholes)


def _separator(labels: set[str]) -> str:
    return next((sign for sign in SEPARATORS if any(sign in label for label in labels)), "")


def _labelled(raw: Sequence[Raw], multi_label: bool) -> list[Labelled]:
    if not multi_label:
        return [Labelled(row.line, row.text, (columns.label_of(row.line, row.label),), row.split) for row in raw]
    separator = _separator({row.label for row in raw if isinstance(row.label, str)})
    return [Labelled(row.line, row.text, _several(row, separator), row.split) for row in raw]


def _several(row: Raw, separator: str) -> tuple[str, ...]:
    """The classes of a row, sorted, each once; an empty cell or list has none."""
    if isinstance(row.label, str):
        given: list[Any] = row.label.split(separator) if separator else [row.label]
        return tuple(sorted({name.strip() for name in given} - {""}))
    if not isinstance(row.label, list):
        return (columns.label_of(row.line, row.label),)
    return tuple(sorted({columns.label_of(row.line, one) for one in row.label}))


def _members(rows: Sequence[Labelled], counts: Counter[str]) -> list[Member]:
    return [Member(text_key(row.text), rarest(row.labels, counts), row.split) for row in rows]


def _about_separators(counts: Counter[str], multi_label: bool) -> list[str]:
    if multi_label or not (separator := _separator(set(counts))):
        return []
    return [f"Labels hold {separator!r}, as several classes would: say multi_label if they are."]


READER = Reader(prepare=tables.prepare, inspect=inspect, read=read)
