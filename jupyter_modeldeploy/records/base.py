"""What all records share, and the smallest of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from jupyter_modeldeploy.errors import InvalidInput

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""A model's, dataset's or service's name: letters, digits, `.`, `_`, `-`; at most 64; starts with a letter or digit."""


class Record(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_serialization_defaults_required=True, defer_build=True
    )


class Failure(Record):
    code: str
    message: str
    hint: str = ""


class ProcessRef(Record):
    """A process that can be told from a later one with the same pid by its start time: in seconds since the epoch, and
    in seconds after the machine's own start where the system tells that, which setting the clock does not change."""

    pid: int
    started: float
    started_after_boot: float | None = None


class Interval(Record):
    """An estimate with the ends of its interval at `level`."""

    value: float
    low: float
    high: float
    level: float = 0.95


class DeviceProcess(Record):
    """A process that uses a device, and the job or the service that it works for; neither where it is somebody else's.

    `memory` is in bytes: resident memory on a CPU, the device's own on a GPU, None where the driver does not tell.
    `cores` is how many cores it has kept busy since the look before; None at the first look, and on a GPU."""

    pid: int
    name: str
    job: str | None = None
    service: str | None = None
    memory: int | None = None
    cores: float | None = None


class Device(Record):
    """A processor that jobs lease. Memory in bytes, utilization 0 to 1 or None where it cannot be read.

    `cores` is how many of a CPU's cores may be used. `processes` are, on a CPU, those of jobs and services; on a GPU
    all that the driver shows."""

    id: str
    kind: Literal["cpu", "cuda"]
    name: str
    memory_total: int
    memory_used: int
    utilization: float | None = None
    cores: int | None = None
    holder: str | None = None
    waiting: list[str] = Field(default_factory=list)
    processes: list[DeviceProcess] = Field(default_factory=list)


class Change(Record):
    """One write: `sequence` grows by one with each; `kind` is the noun and `key` names which one."""

    sequence: int
    kind: str
    key: str
    action: Literal["created", "updated", "deleted"]
    at: datetime


def parse_version_ref(text: str) -> tuple[str, str | None]:
    """Split `name`, `name@3` or `name@alias` into the name and the part after `@` (None where there is none).

    Raises InvalidInput for anything else."""
    import re

    name, separator, rest = text.partition("@")
    if not re.fullmatch(NAME_PATTERN, name) or (separator and not re.fullmatch(NAME_PATTERN, rest)):
        raise InvalidInput(f"{text!r} is not a version.", "Write NAME, NAME@3 or NAME@alias.")
    return name, rest if separator else None
