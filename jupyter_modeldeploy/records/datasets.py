"""Datasets and what was found in them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Name, Record
from jupyter_modeldeploy.records.models import FileEntry

DataTask = Literal[
    "text-classification", "token-classification", "image-classification", "object-detection", "text-generation"
]
SplitName = Literal["train", "validation", "test"]


class Distribution(Record):
    """How one number is spread over the examples, as `length of a text` in `characters`."""

    of: str
    unit: str
    minimum: float
    median: float
    p95: float
    maximum: float


class DataExample(Record):
    """One example: where it stands (`row 7` or a file's name), its text if it has one, and its labels."""

    split: SplitName
    place: str
    text: str = ""
    labels: list[str] = Field(default_factory=list)


class DataReport(Record):
    """What was found when the dataset was added. `classes` counts the examples of each class by split (boxes for
    object detection, tagged words for token classification); `duplicates` are examples that repeat an earlier one."""

    classes: dict[SplitName, dict[str, int]] = Field(default_factory=dict)
    duplicates: int = 0
    distributions: list[Distribution] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    examples: list[DataExample] = Field(default_factory=list)


class Dataset(Record):
    """Labelled examples of one task, in one of four forms of storage. The split is fixed: what the data says itself,
    else the shares `test_share` and `validation_share` drawn by `seed`; `splits` counts the examples of each side.

    `files` are the dataset's files; of a folder of images it is the one list that holds the SHA-256 of every file."""

    name: Name
    number: int
    task: DataTask = "text-classification"
    format: Literal["csv", "jsonl", "imagefolder", "yolo"]
    text_column: str | None = None
    label_column: str | None = None
    multi_label: bool = False
    classes: list[str]
    rows: int
    splits: dict[SplitName, int] = Field(default_factory=dict)
    test_share: float = 0.2
    validation_share: float = 0.0
    seed: int = 0
    files: list[FileEntry]
    source: str
    report: DataReport | None = None
    created_at: datetime

    @property
    def ref(self) -> str:
        return f"{self.name}@{self.number}"
