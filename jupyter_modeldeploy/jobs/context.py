"""What a kind of job gets to work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.store import Store


class Parameters(BaseModel):
    """Base of every kind's parameters: forms, the command line and OpenAPI are made from them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reusing(Parameters):
    """Parameters of a kind that makes a version."""

    reuse: bool = Field(default=False, description="take the version made from the same things, if there is one")


@dataclass(frozen=True)
class Context:
    """One run of a job: `folder` keeps its log, checkpoints and reports and is there again when it is resumed."""

    store: Store
    job_id: str
    parameters: Any
    folder: Path
    device: str
    reporter: Reporter


@dataclass(frozen=True)
class Kind:
    """A kind of job. `leases` says whether it waits for a device of its own; `work` names the kind of device. `check`
    raises at once, to whoever asks for the job, what needs no device to be seen; `entered` does what has to be done
    before anybody else's job is entered, and raises what keeps this one from being started."""

    name: str
    parameters: type[Parameters]
    title: Callable[[Any], str]
    run: Callable[[Context], dict[str, Any]]
    leases: bool = True
    work: str = "inference"
    check: Callable[[Store, Any], None] | None = None
    entered: Callable[[Store, str, Any], None] | None = None
