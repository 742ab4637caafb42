"""What a service's doors want to be served, as its supervisor and its server processes are told: everything they need,
so that they never open the store."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from jupyter_modeldeploy.records import Failure, Format, Record, ServiceSpec


class PlannedVersion(Record):
    """`content` is a digest of the version's files, which tells it from others of its name elsewhere."""

    number: int
    weight: float
    format: Format
    task: str
    folder: Path
    content: str = ""


class PlannedModel(Record):
    name: str
    versions: list[PlannedVersion] = Field(min_length=1)


class Plan(Record):
    """The supervisor reads it from the service's folder and sends it to each server process as the first JSON line on
    its standard input, which stays open while the supervisor lives.

    `metrics_folder` is where the replicas of the service leave their counts for each other. The rest is the
    supervisor's to say: which `replica` that is, its number of threads `instances`, the port found for gRPC."""

    revision: int = 1
    spec: ServiceSpec
    models: list[PlannedModel]
    metrics_folder: Path
    replica: int = 0
    instances: int = 1
    grpc_port: int | None = None

    @property
    def token_folder(self) -> Path | None:
        """Where the service's tokens are, which may change at any time; None where it asks for none."""
        return self.metrics_folder.parent if self.spec.auth == "token" else None


class Vitals(Record):
    """What a server process tells of itself: requests answered since its start, the mean wait in its queue over the
    last second, requests under way, processor seconds since its start, resident memory, and its GPU's use, 0 to 1."""

    requests: int
    queue_ms: float
    in_flight: int
    cpu_s: float
    rss_bytes: int
    gpu: float | None = None


class Message(Record):
    """The first JSON line from a server process to its supervisor, on standard output: it is warm, or why it cannot
    be."""

    ready: bool
    failure: Failure | None = None
    vitals: Vitals | None = None
