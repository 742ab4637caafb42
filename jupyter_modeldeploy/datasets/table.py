"""Read a table of rows, csv or jsonl, in UTF-8, saying in which line what is wrong."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Literal

from jupyter_modeldeploy.errors import InvalidInput, from_os_error

CSV_SUFFIXES, JSONL_SUFFIXES = (".csv", ".tsv"), (".jsonl", ".ndjson")
SUFFIXES = CSV_SUFFIXES + JSONL_SUFFIXES
DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Row:
    """One row's values by column, and the line of the file that it ends in (1 is the first)."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Table:
    """An open table: its columns, and its rows as they are read."""

    format: Literal["csv", "jsonl"]
    columns: list[str]
    rows: Iterator[Row]


def only_file(folder: Path, suffixes: tuple[str, ...] = SUFFIXES) -> Path:
    """The one table below `folder` (or `folder` itself, if it is a file). Raises InvalidInput."""
    if folder.is_file():
        return folder
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    tables = [path for path in files if path.suffix.lower() in suffixes]
    if len(tables) == 1:
        return tables[0]
    found = ", ".join(str(path.relative_to(folder)) for path in (tables or files)[:10]) or "nothing"
    raise InvalidInput(
        f"A dataset is one file ({', '.join(suffixes)}); here are {found}.",
        "Name one file, with #PATH if need be.",
    )


@contextmanager
def reading(path: Path) -> Iterator[Table]:
    """Open a table. Raises InvalidInput, also while the rows are read, for what is not csv or jsonl in UTF-8.

    A csv file may be separated by commas, semicolons or tabs; its first line names the columns. The columns of a
    jsonl file are those of its first row."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidInput(f"{path.name} is neither csv nor jsonl.", f"Give a file named {', '.join(SUFFIXES)}.")
    try:
        with path.open("rb") as file:
            yield _csv(file, path.name) if suffix in CSV_SUFFIXES else _jsonl(file, path.name)
    except OSError as error:
        raise from_os_error(error, f"reading {path.name}") from error


def _lines(file: BinaryIO) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInput(
                f"Line {number} is not UTF-8: byte {line[error.start]:#04x} at position {error.start + 1}.",
                "Save the file as UTF-8.",
            ) from error


def _csv(file: BinaryIO, name: str) -> Table:
    lines = _lines(file)
    first = next(lines, "")
    if not first.strip():
        raise InvalidInput(f"{name} is empty or has no line of column names.", "Name the columns in the first line.")
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    columns = [column.strip() for column in _next(reader, name) or []]
    if len(set(columns)) != len(columns) or "" in columns:
        raise InvalidInput(f"The columns of {name} are {columns}.", "Give each column a name of its own.")
    return Table("csv", columns, _csv_rows(reader, columns, name))


def _csv_rows(reader: Any, columns: list[str], name: str) -> Iterator[Row]:
    count = 0
    while (values := _next(reader, name)) is not None:
        if not values:
            continue
        if len(values) != len(columns):
            raise InvalidInput(
                f"Row {reader.line_num}: {len(values)} values for {len(columns)} columns.",
                'Put quotes (") around text.',
            )
        count += 1
        yield Row(reader.line_num, dict(zip(columns, values, strict=True)))
    if not count:
        raise InvalidInput(f"{name} has no rows.", "Nothing was added.")


def _next(reader: Any, name: str) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        raise InvalidInput(f"Row {reader.line_num} of {name} is not csv: {error}.", "Correct the quotes.") from error


def _jsonl(file: BinaryIO, name: str) -> Table:
    rows = _jsonl_rows(file)
    first = next(rows, None)
    if first is None:
        raise InvalidInput(f"{name} is empty.", "Nothing was added.")
    return Table("jsonl", list(first.values), chain([first], rows))


def _jsonl_rows(file: BinaryIO) -> Iterator[Row]:
    for number, line in enumerate(_lines(file), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"Row {number} is not JSON: {error}.", "Write one JSON object a line.") from error
        if not isinstance(values, dict):
            raise InvalidInput(f"Row {number} is not a JSON object.", 'Write {"text": …, "label": …} on each line.')
        yield Row(number, values)
