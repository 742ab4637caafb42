"""What a model's repository asks to be installed."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from jupyter_modeldeploy.records.base import Record


class Need(StrEnum):
    """How a requirement stands to an environment."""

    satisfied = "satisfied"
    missing = "missing"
    other = "other version"
    not_needed = "not needed"
    refused = "refused"


class Requirement(Record):
    """One line of requirements.txt, compared with what is installed."""

    text: str = Field(description="the line without its comment")
    file: str
    need: Need
    name: str | None = Field(default=None, description="the package's normalised name, where the line names one")
    wanted: str = Field(default="", description="the versions that would do: >=2,<3")
    installed: str | None = None
    kind: str | None = Field(
        default=None, description="of a refused line what would have to be allowed: index, url, vcs, path, option"
    )
    reason: str = Field(default="", description="why a line is refused")


class Requirements(Record):
    """What a version asks for, and how that stands to an environment: `kernel`, the one that asks, or `separate`."""

    environment: str
    requirements: list[Requirement]
    notes: list[str] = Field(default_factory=list)
