"""Models and their versions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

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
    optimized = "optimized"
    defined = "defined"


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


class Finding(Record):
    """Something in a model's files that would run code, reach outside their folder, or cannot be looked through.

    `dangerous` is known to do harm (a pickle that calls `os.system`); the rest is code of the model's own, which may be
    meant well."""

    file: str
    kind: str = Field(description="pickle, custom-code, keras-lambda, external-data, header, archive …")
    dangerous: bool
    message: str


class Trust(Record):
    """Who said that a version may be loaded in spite of what was found, when and why."""

    by: str
    at: datetime
    reason: str = ""


class Deprecation(Record):
    """Who said that a version should not be used for anything new, when and why, and what to use instead."""

    by: str
    at: datetime
    reason: str
    successor: str | None = Field(default=None, description="the version that takes its place: NAME@3")


class Verdict(Record):
    """What was found in a version's files before anything of them was loaded."""

    findings: list[Finding] = Field(default_factory=list)
    trusted: Trust | None = None

    @property
    def quarantined(self) -> bool:
        """Whether the version must not be loaded: something was found, and nobody has said that it is trusted."""
        return bool(self.findings) and self.trusted is None


class Embedding(Record):
    """How a sentence-transformers model makes one vector of a text."""

    pooling: str = Field(description="mean, cls, max, lasttoken …; joined by + where there are several")
    normalized: bool = Field(description="whether the vector is brought to length 1")
    dimensions: int | None = None
    max_tokens: int | None = None


class Facts(Record):
    """What a model's files say of it, read without loading them."""

    framework: str = Field(default="", description="transformers, sentence-transformers, onnx, keras, gguf …")
    architecture: str | None = None
    parameters: int | None = None
    dtype: str | None = Field(default=None, description="of most of its parameters, as in safetensors: F32, BF16, I8 …")
    memory_bytes: int | None = Field(default=None, description="to hold its parameters as they are")
    license: str | None = Field(default=None, description="an SPDX identifier where the card names one")
    card: str | None = Field(default=None, description="the file of the version that is its model card")
    embedding: Embedding | None = None
    note: str = Field(default="", description="why it cannot be used yet, where that is so")


class NewVersion(Record):
    """What a step hands to the store beside the folder of files."""

    model: Name
    format: Format
    task: str
    lineage: Lineage
    signature: Signature | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    classes: list[str] | None = None
    verdict: Verdict | None = None
    facts: Facts | None = None


class Version(NewVersion):
    """Immutable files with what is known about them. `metrics` are measured on the lineage's dataset."""

    number: int
    files: list[FileEntry]
    created_at: datetime
    deprecated: Deprecation | None = None

    @property
    def ref(self) -> str:
        return f"{self.model}@{self.number}"

    @property
    def size_bytes(self) -> int:
        return sum(file.size for file in self.files)


class FoundModel(Record):
    """A model that a search on a hub gave; `source` is the reference to fetch it by. What is not said is None."""

    source: str
    task: str | None = None
    license: str | None = None
    downloads: int | None = None
    likes: int | None = None
    gated: bool = False
    updated_at: datetime | None = None


class Model(Record):
    name: Name
    task: str
    description: str = ""
    tags: list[str] = Field(default_factory=list)
    owner: str
    aliases: dict[str, int] = Field(default_factory=dict)
    latest: int | None = None
    created_at: datetime
