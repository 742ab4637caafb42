"""From what was fetched to a checked dataset: what task it is for, its form of storage, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.datasets import arrow, coco, columns, conll, pictures, tables, text_generation, yolo
from jupyter_modeldeploy.datasets.files import below, with_suffix
from jupyter_modeldeploy.datasets.reader import Inspected, Reader, Wanted
from jupyter_modeldeploy.datasets.token_classification import TAG_COLUMNS, TOKEN_COLUMNS
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import DataTask

TABLES = tables.SUFFIXES
TEXTS = (*tables.SUFFIXES, *conll.SUFFIXES, ".txt")
IMAGES = (*tables.SUFFIXES, *pictures.SUFFIXES)
BOXES = (*pictures.SUFFIXES, ".json", ".yaml", ".yml", ".txt")
SUFFIXES: dict[str | None, tuple[str, ...]] = {
    None: tuple(dict.fromkeys((*IMAGES, *conll.SUFFIXES, *BOXES))),
    "text-classification": TABLES,
    "token-classification": TEXTS,
    "text-generation": TEXTS,
    "image-classification": IMAGES,
    "object-detection": BOXES,
}
"""How the files end that data of a task may be made of; None is a task that nobody named."""


def patterns(task: str | None) -> list[str]:
    """The files of a repository that data of the task may be made of, as patterns of their names."""
    return [f"*{written}" for suffix in SUFFIXES[task] for written in (suffix, suffix.upper())]


@dataclass(frozen=True)
class Brought:
    """Checked data in its form of storage, below the folder that it was brought into."""

    task: DataTask
    inspected: Inspected


def bring(found: Path, stored: Path, wanted: Wanted, task: str | None = None) -> Brought:
    """Bring what was fetched (a file or a folder) into the empty folder `stored`, and check it.

    Raises InvalidInput that names the row or the file, NotFound for a task that has no reader."""
    task = task or guessed_task(found)
    reader: Reader = plugins.load("datasets", task)
    prepared = reader.prepare(found, stored, wanted)
    try:
        inspected = reader.inspect(prepared.path, wanted)
    except InvalidInput as error:
        raise prepared.told(error) from error
    if prepared.warnings:
        warnings = [*inspected.report.warnings, *prepared.warnings]
        inspected = replace(inspected, report=inspected.report.model_copy(update={"warnings": warnings}))
    return Brought(cast(DataTask, task), inspected)


def guessed_task(found: Path) -> DataTask:
    """The task that the data is for, as its files and columns say; text classification where they say nothing else."""
    if below(found) and with_suffix(found, pictures.SUFFIXES):
        return "object-detection" if coco.lists(found) or yolo.listing(found) else "image-classification"
    if with_suffix(found, conll.SUFFIXES):
        return "token-classification"
    listed = with_suffix(found, TABLES)
    if not listed:
        return "text-generation" if with_suffix(found, (text_generation.SUFFIX,)) else "text-classification"
    if listed[0].suffix.lower() in arrow.SUFFIXES and arrow.image_column(listed[0]):
        return "image-classification"
    return _task_of_row(tables.first_row(listed[0]))


def _task_of_row(row: dict[str, object]) -> DataTask:
    tokens = columns.guess(row, TOKEN_COLUMNS)
    tags = columns.guess([name for name in row if name != tokens], TAG_COLUMNS)
    if tokens and tags and isinstance(row[tokens], list) and isinstance(row[tags], list):
        return "token-classification"
    said = [name for name in row if name != columns.SPLIT_COLUMN]
    prompt = columns.guess(row, ("prompt", "instruction"))
    completion = columns.guess(row, text_generation.COMPLETION_COLUMNS)
    alone = len(said) == 1 and isinstance(row[said[0]], str)
    return "text-generation" if alone or (prompt and completion) else "text-classification"
