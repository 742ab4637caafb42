"""What a folder of files turned out to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from jupyter_modeldeploy.records import Embedding, Format, Signature

PLAIN_TASK = "tensor"


@dataclass(frozen=True)
class Recognised:
    """What a folder of files is. `primary` is the file that holds the model, `framework` what made it and
    `architecture` the kind of network; `note` says what it needs, where it is not used as it is. `embedding` says how
    a sentence-transformers model makes one vector of a text."""

    format: Format
    task: str
    signature: Signature | None
    classes: list[str] | None
    primary: Path
    note: str = ""
    framework: str = field(default="", kw_only=True)
    architecture: str | None = field(default=None, kw_only=True)
    embedding: Embedding | None = field(default=None, kw_only=True)
