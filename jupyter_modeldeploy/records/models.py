"""Models, their versions, and datasets."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Name, Record
from jupyter_modeldeploy.signatures import Format, Signature


class Step(StrEnum):
    """How a version came to be."""

    fetched = "fetched"
    imported = "imported"
    finetuned = "fine-tuned"
    converted = "converted"
    quantized = "quantized"
    pruned = "pruned"
    distilled = "distilled"


class FileEntry(Record):
    path: str
    size: int
    sha256: str


class Lineage(Record):
    """What made a version: its parent, the step with its parameters, the dataset, the source and the job."""

    step: Step
    parent: str | None = None
    source: str | None = None
    dataset: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    job: str | None = None


class NewVersion(Record):
    """What a step hands to the store beside the folder of files."""

    model: Name
    format: Format
    task: str
    lineage: Lineage
    signature: Signature | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    classes: list[str] | None = None


class Version(NewVersion):
    """Immutable files with what is known about them. `metrics` are measured on the lineage's dataset."""

    number: int
    files: list[FileEntry]
    created_at: datetime

    @property
    def ref(self) -> str:
        return f"{self.model}@{self.number}"

    @property
    def size_bytes(self) -> int:
        return sum(file.size for file in self.files)


class Model(Record):
    name: Name
    task: str
    description: str = ""
    tags: list[str] = Field(default_factory=list)
    owner: str
    aliases: dict[str, int] = Field(default_factory=dict)
    latest: int | None = None
    created_at: datetime


class Dataset(Record):
    """A table of labelled examples. Its split is fixed: rows of the column `split` if there is one, else
    a share `test_share` drawn by `seed`."""

    name: Name
    number: int
    format: Literal["csv", "jsonl"]
    text_column: str
    label_column: str
    classes: list[str]
    rows: int
    test_share: float = 0.2
    seed: int = 0
    files: list[FileEntry]
    source: str
    created_at: datetime

    @property
    def ref(self) -> str:
        return f"{self.name}@{self.number}"
