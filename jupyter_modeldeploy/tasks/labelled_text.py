"""Labelled texts for text classification: what a table holds, and its fixed split.

The split depends on the dataset alone: where there is no column `split`, each class gives the share `test_share` of
its rows, chosen by a SHA-256 of the seed and the text, so it is the same on every machine and Python version."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.tasks import parquet, table

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import Dataset

TEXT_COLUMNS = (
    *("text", "sentence", "review", "content", "comment", "message", "snippet", "tweet", "utterance"),
    *("question", "body", "document", "headline", "title", "input"),
)
LABEL_COLUMNS = ("label", "labels", "class", "category", "sentiment", "target", "intent", "topic", "polarity", "y")
SPLIT_COLUMN = "split"
TRAIN_NAMES, TEST_NAMES = ("train", "training"), ("test", "testing", "holdout", "held-out")
VALIDATION_NAMES = ("validation", "valid", "val", "dev")
MAX_CLASSES = 1000
MISSING = ("nan", "NaN")
SUFFIXES = (*table.SUFFIXES, parquet.SUFFIX)


class Example(NamedTuple):
    """A text and the index of its class in `dataset.classes`."""

    text: str
    label: int


@dataclass(frozen=True)
class Split:
    """The examples to learn from and those held out, in the order of the file."""

    train: list[Example]
    test: list[Example]


@dataclass(frozen=True)
class Inspected:
    """What a table of labelled text holds. `duplicates` counts the rows whose text an earlier row has."""

    format: Literal["csv", "jsonl"]
    text_column: str
    label_column: str
    classes: list[str]
    rows: int
    rows_per_class: dict[str, int]
    duplicates: int
    has_split: bool


class Labelled(NamedTuple):
    """One checked row."""

    line: int
    text: str
    label: str
    split: str | None


def only_file(folder: Path) -> Path:
    """The one csv, jsonl or Parquet file below `folder` (or `folder` itself, if it is that). Raises InvalidInput."""
    if folder.is_file():
        return folder
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    tables = [path for path in files if path.suffix.lower() in SUFFIXES]
    if len(tables) == 1:
        return tables[0]
    found = ", ".join(str(path.relative_to(folder)) for path in (tables or files)[:10]) or "nothing"
    raise InvalidInput(
        f"A dataset is one file ({', '.join(SUFFIXES)}); here are {found}.",
        "Name one file, with #PATH if need be.",
    )


def inspect(path: Path, text_column: str | None = None, label_column: str | None = None) -> Inspected:
    """Read the whole table and check every row.

    Columns that are not named are guessed by their usual names. Raises InvalidInput, naming the row, for undecodable
    bytes, an empty or missing text or label, a single class, or a label column that is no class."""
    with table.reading(path) as opened:
        text, label = _columns(opened.columns, text_column, label_column)
        rows = list(_labelled(opened, text, label))
        has_split = SPLIT_COLUMN in opened.columns
        format = opened.format
    counts = Counter(row.label for row in rows)
    _check_classes(counts, len(rows), label, path.name)
    if has_split:
        _split_names(rows)
    return Inspected(
        format=format,
        text_column=text,
        label_column=label,
        classes=sorted(counts),
        rows=len(rows),
        rows_per_class=dict(sorted(counts.items())),
        duplicates=len(rows) - len({_key(row.text) for row in rows}),
        has_split=has_split,
    )


def read(path: Path, dataset: Dataset) -> Split:
    """The dataset's examples in its fixed split; `path` is its file or the folder that holds it.

    Rows with the same text (but for case and spacing) are never on both sides: with a column `split`, those that
    are held out are left out of training."""
    with table.reading(only_file(path)) as opened:
        rows = list(_labelled(opened, dataset.text_column, dataset.label_column))
    held_out = _named_split(rows) if rows and rows[0].split is not None else _drawn_split(rows, dataset)
    index = {name: number for number, name in enumerate(dataset.classes)}
    train: list[Example] = []
    test: list[Example] = []
    for row, side in zip(rows, held_out, strict=True):
        if row.label not in index:
            raise InvalidInput(f"Row {row.line}: the class {row.label!r} is not of {dataset.ref}.", "Import it again.")
        if side is not None:
            (test if side else train).append(Example(row.text, index[row.label]))
    if not train or not test:
        side_name = "training" if not train else "testing"
        raise InvalidInput(f"{dataset.ref} has no rows for {side_name}.", "Add rows, or change the share held out.")
    return Split(train, test)


def _columns(columns: Sequence[str], text: str | None, label: str | None) -> tuple[str, str]:
    for named in (text, label):
        if named is not None and named not in columns:
            raise InvalidInput(f"There is no column {named!r}.", f"The columns are {', '.join(columns)}.")
    text = text or _guess([name for name in columns if name != label], TEXT_COLUMNS)
    label = label or _guess([name for name in columns if name != text], LABEL_COLUMNS)
    rest = [name for name in columns if name not in (text, label, SPLIT_COLUMN)]
    if len(rest) == 1 and (text is None) != (label is None):
        text, label = text or rest[0], label or rest[0]
    if text is None or label is None or text == label:
        missing = "text" if text is None else "label"
        raise InvalidInput(
            f"Which column holds the {missing} is not clear: the columns are {', '.join(columns)}.",
            f"Name it: {missing}_column.",
        )
    return text, label


def _guess(columns: Sequence[str], usual: Iterable[str]) -> str | None:
    by_name = {name.strip().lower(): name for name in reversed(columns)}
    return next((by_name[name] for name in usual if name in by_name), None)


def _labelled(opened: table.Table, text_column: str, label_column: str) -> Iterator[Labelled]:
    for column in (text_column, label_column):
        if column not in opened.columns:
            raise InvalidInput(f"There is no column {column!r}.", f"The columns are {', '.join(opened.columns)}.")
    for row in opened.rows:
        text = row.values.get(text_column)
        if not isinstance(text, str) or not text.strip() or text.strip() in MISSING:
            raise InvalidInput(f"Row {row.line}: the text is {_said(text)}.", "Correct the row or take it out.")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise InvalidInput(f"Row {row.line}: the text holds half a character pair.", "Write it as UTF-8.")
        split = _word(row.values.get(SPLIT_COLUMN)).lower() if SPLIT_COLUMN in opened.columns else None
        yield Labelled(row.line, text, _label(row.line, row.values.get(label_column)), split)


def _label(line: int, value: object) -> str:
    word = _word(value)
    if not word or word in MISSING or (isinstance(value, float) and not math.isfinite(value)):
        raise InvalidInput(f"Row {line}: the label is {_said(value)}.", "Correct the row or take it out.")
    return word


def _word(value: object) -> str:
    """A label as text: `1` and `1.0` are the class "1", true and false are themselves."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _said(value: object) -> str:
    if value is None:
        return "missing"
    return "empty" if isinstance(value, str) and not value.strip() else repr(value)[:80]


def _check_classes(counts: Counter[str], rows: int, label_column: str, name: str) -> None:
    if len(counts) < 2:
        only = next(iter(counts), None)
        raise InvalidInput(f"All {rows} rows of {name} are of one class, {only!r}.", "A classifier needs two or more.")
    if len(counts) > MAX_CLASSES or (rows > 20 and len(counts) > rows / 2):
        raise InvalidInput(
            f"The column {label_column!r} has {len(counts)} different values in {rows} rows: these are no classes.",
            "Name the column with the class: label_column.",
        )


def _split_names(rows: Sequence[Labelled]) -> tuple[str, ...]:
    """The names that mean held out in this table: those of a test set, else those of a validation set."""
    for row in rows:
        if row.split not in (*TRAIN_NAMES, *TEST_NAMES, *VALIDATION_NAMES):
            raise InvalidInput(f"Row {row.line}: the split is {row.split!r}.", "Write train, validation or test.")
    present = {row.split for row in rows}
    names = TEST_NAMES if present & set(TEST_NAMES) else VALIDATION_NAMES
    if not present & set(TRAIN_NAMES) or not present & set(names):
        raise InvalidInput(
            f"The column 'split' holds only {', '.join(sorted(map(str, present)))}.", "It needs both sides."
        )
    return names


def _named_split(rows: Sequence[Labelled]) -> list[bool | None]:
    """True for each row held out, False for training, None for neither."""
    names = _split_names(rows)
    held_out = {_key(row.text) for row in rows if row.split in names}
    return [
        True if row.split in names else False if row.split in TRAIN_NAMES and _key(row.text) not in held_out else None
        for row in rows
    ]


def _drawn_split(rows: Sequence[Labelled], dataset: Dataset) -> list[bool | None]:
    """A share of each class, in whole groups of equal texts, in the order of their hashes.

    A group counts to the class of its first row. Each class keeps at least one group on either side, if it has two."""
    groups: dict[str, list[Labelled]] = defaultdict(list)
    for row in rows:
        groups[_key(row.text)].append(row)
    by_class: dict[str, list[str]] = defaultdict(list)
    for key, members in groups.items():
        by_class[members[0].label].append(key)
    held_out: set[str] = set()
    for keys in by_class.values():
        keys.sort(key=lambda key: hashlib.sha256(f"{dataset.seed}:{key}".encode()).digest())
        wanted = dataset.test_share * sum(len(groups[key]) for key in keys)
        taken = 0
        for number, key in enumerate(keys[:-1]):
            if number and taken + len(groups[key]) / 2 > wanted:
                break
            held_out.add(key)
            taken += len(groups[key])
    return [_key(row.text) in held_out for row in rows]


def _key(text: str) -> str:
    """What equal texts share."""
    return " ".join(text.casefold().split())
