"""Texts to go on with, plain or as a prompt and its completion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jupyter_modeldeploy.datasets import columns, table, tables
from jupyter_modeldeploy.datasets.files import divided, with_suffix
from jupyter_modeldeploy.datasets.reader import AS_FOUND, Inspected, Passage, Prepared, Reader, Split, Wanted
from jupyter_modeldeploy.datasets.report import Seen, distribution, report
from jupyter_modeldeploy.datasets.split import Member, check_named, counted, divide, side_named, sides, text_key
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Dataset, SplitName

PROMPT_COLUMNS = ("prompt", "instruction", "question", "input", "source")
COMPLETION_COLUMNS = ("completion", "response", "answer", "output", "target")
SUFFIX = ".txt"
SHORT_TEXT = 10
ABOUT_FILES = ("readme.txt", "license.txt", "requirements.txt")


class Written(NamedTuple):
    """One checked row."""

    line: int
    passage: Passage
    split: SplitName | None


def prepare(found: Path, stored: Path, wanted: Wanted) -> Prepared:
    """The one table of what was found; text files as lines of JSON, a passage each."""
    texts = [path for path in with_suffix(found, (SUFFIX,)) if path.name.lower() not in ABOUT_FILES]
    if texts and not with_suffix(found, tables.SUFFIXES):
        return tables.joined(divided(texts, found, SUFFIX), stored, passages)
    return tables.prepare(found, stored, wanted)


def passages(path: Path) -> Iterator[table.Row]:
    """The passages of a text file: what empty lines divide, else every line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is not UTF-8: {error}.", "Save the file as UTF-8.") from error
    by_paragraph = any(not line.strip() for line in "\n".join(lines).strip().splitlines())
    held: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if held and (not by_paragraph or not line.strip()):
            yield table.Row(number - len(held), {"text": "\n".join(held)})
            held = []
        if line.strip():
            held.append(line)


def inspect(path: Path, wanted: Wanted = AS_FOUND) -> Inspected:
    """Read the whole table and check every row. Raises InvalidInput, naming the row, for an empty text, and where all
    texts are equal."""
    with table.reading(path) as opened:
        columns.check_there((wanted.text_column, wanted.label_column), opened.columns)
        prompt, completion = _columns(opened.columns, wanted)
        rows = list(_written(opened, prompt, completion))
        form = opened.format
    if rows[0].split is not None:
        check_named((row.split for row in rows if row.split), "The column 'split'")
    members = [_member(row) for row in rows]
    if len({member.key for member in members}) < 2:
        raise InvalidInput(f"All {len(rows)} rows of {path.name} are equal.", "Give two texts or more.")
    on = sides(members, wanted)
    seen = [
        Seen(f"row {row.line}", member.key, (), f"{row.passage.prompt} {row.passage.text}".strip())
        for row, member in zip(rows, members, strict=True)
    ]
    distributions = [distribution("length of a text", "characters", [len(row.passage.text) for row in rows])]
    if completion is not None:
        lengths = [len(row.passage.prompt) for row in rows]
        distributions.append(distribution("length of a prompt", "characters", lengths))
    short = sum(len(row.passage.text.strip()) < SHORT_TEXT for row in rows) if completion is None else 0
    warnings = [f"Texts of fewer than {SHORT_TEXT} characters: {short:,}."] if short else []
    return Inspected(
        format=form,
        text_column=prompt,
        label_column=completion,
        classes=[],
        rows=len(rows),
        splits=counted(on),
        report=report(seen, on, distributions, warnings),
    )


def read(path: Path, dataset: Dataset) -> Split[Passage]:
    """The dataset's texts in its fixed split; `path` is its file or the folder that holds it."""
    with table.reading(table.only_file(path)) as opened:
        rows = list(_written(opened, dataset.text_column or "text", dataset.label_column))
    return divide([row.passage for row in rows], sides([_member(row) for row in rows], dataset))


def _columns(there: list[str], wanted: Wanted) -> tuple[str, str | None]:
    """The column of the text, and None; or those of the prompt and its completion."""
    completion = wanted.label_column or columns.guess(there, COMPLETION_COLUMNS)
    rest = [name for name in there if name != completion]
    if completion is not None and (prompt := wanted.text_column or columns.guess(rest, PROMPT_COLUMNS)):
        return prompt, completion
    text = wanted.text_column or columns.guess(there, columns.TEXT_COLUMNS)
    others = [name for name in there if name != columns.SPLIT_COLUMN]
    if text is None and len(others) == 1:
        text = others[0]
    if text is None:
        raise InvalidInput(
            f"Which column holds the text is not clear: the columns are {', '.join(there)}.",
            "Name it: text_column; for prompts, the completion too: label_column.",
        )
    return text, wanted.label_column


def _written(opened: table.Table, prompt: str, completion: str | None) -> Iterator[Written]:
    columns.check_there((prompt, completion), opened.columns)
    for row in opened.rows:
        first = columns.text_of(row.line, row.values.get(prompt), "text" if completion is None else "prompt")
        passage = Passage(first)
        if completion is not None:
            passage = Passage(columns.text_of(row.line, row.values.get(completion), "completion"), prompt=first)
        split = None
        if columns.SPLIT_COLUMN in opened.columns:
            split = side_named(columns.word(row.values.get(columns.SPLIT_COLUMN)), f"Row {row.line}")
        yield Written(row.line, passage, split)


def _member(row: Written) -> Member:
    return Member(text_key(f"{row.passage.prompt} {row.passage.text}"), "", row.split)


READER = Reader(prepare=prepare, inspect=inspect, read=read)
