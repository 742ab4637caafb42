"""What the supervisor tells a server process to serve: everything it needs, so that it never opens the store."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from jupyter_modeldeploy.records import Failure, Format, Record, ServiceSpec


class PlannedVersion(Record):
    number: int
    weight: float
    format: Format
    task: str
    folder: Path


class PlannedModel(Record):
    name: str
    versions: list[PlannedVersion] = Field(min_length=1)


class Plan(Record):
    """Sent as one JSON line to a server process's standard input, which stays open while the supervisor lives.

    `instances` is the resolved number of threads; `metrics_folder` is where the replicas of the service leave their
    counts for each other."""

    spec: ServiceSpec
    replica: int
    instances: int
    models: list[PlannedModel]
    metrics_folder: Path

    @property
    def token_folder(self) -> Path | None:
        """Where the service's tokens are, which may change at any time; None where it asks for none."""
        return self.metrics_folder.parent if self.spec.auth == "token" else None


class Message(Record):
    """A JSON line from a server process to its supervisor, on standard output: it is warm, or why it cannot be."""

    ready: bool
    failure: Failure | None = None
