"""The table of a dataset among the files that were fetched: one file as it is, several as lines of JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.datasets import arrow, table
from jupyter_modeldeploy.datasets.columns import SPLIT_COLUMN, word
from jupyter_modeldeploy.datasets.files import divided, with_suffix
from jupyter_modeldeploy.datasets.reader import Prepared, Wanted
from jupyter_modeldeploy.datasets.split import side_named
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import SplitName

SUFFIXES = (*table.SUFFIXES, *arrow.SUFFIXES)
JOINED = "rows.jsonl"
Rows = Callable[[Path], Iterable[table.Row]]
"""Reads a file into rows."""


def prepare(found: Path, stored: Path, wanted: Wanted) -> Prepared:
    """The one table of what was found, in `stored`: a csv or jsonl file as it is, Parquet and Arrow as lines of JSON,
    and so are the parts of a table and one table for each side, which then have a column `split`."""
    files = with_suffix(found, SUFFIXES) if found.is_dir() else [found]
    if len(files) == 1 and files[0].suffix.lower() not in arrow.SUFFIXES:
        return Prepared(Path(shutil.move(files[0], stored / files[0].name)))
    return joined(divided(files, found, ", ".join(SUFFIXES)), stored, rows)


def joined(sided: Sequence[tuple[SplitName | None, Path]], stored: Path, read: Rows) -> Prepared:
    """One jsonl file in `stored` with the rows of all files, and where each came from.

    Raises InvalidInput for a row whose column `split` is not what its file's name says."""
    first = sided[0][1]
    written = stored / (f"{first.stem}.jsonl" if len(sided) == 1 else JOINED)
    origins: list[tuple[str, int]] = []
    with written.open("w", encoding="utf-8") as lines:
        for side, path in sided:
            for row in read(path):
                values = row.values if side is None else _with_side(row, side, path)
                lines.write(json.dumps(values, ensure_ascii=False, default=str) + "\n")
                origins.append((path.name, row.line))
    if not origins:
        raise InvalidInput(f"{first.name} has no rows.", "Nothing was added.")
    return Prepared(written, tuple(origins))


def rows(path: Path) -> Iterator[table.Row]:
    """The rows of a file of any of the suffixes."""
    if path.suffix.lower() in arrow.SUFFIXES:
        yield from (table.Row(number, values) for number, values in enumerate(arrow.rows(path), 1))
        return
    with table.reading(path) as opened:
        yield from opened.rows


def first_row(found: Path) -> dict[str, Any]:
    """The first row of the first table, by column."""
    return next(iter(rows(found)), table.Row(0, {})).values


def _with_side(row: table.Row, side: SplitName, path: Path) -> dict[str, Any]:
    place, said = f"Row {row.line} of {path.name}", word(row.values.get(SPLIT_COLUMN))
    if said and side_named(said, place) != side:
        raise InvalidInput(
            f"{place}: the split is {said!r}, but the file is for {side}.",
            "Correct the row, or name the file otherwise.",
        )
    return {**row.values, SPLIT_COLUMN: side}
