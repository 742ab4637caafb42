"""The nouns: models and their versions, datasets, jobs, services, experiments.

Every door, the API, the store and the workers exchange these records; they hold no behaviour beyond
what can be derived from their own fields. Times are UTC, sizes are bytes, durations are in the unit their
name ends with.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from jupyter_modeldeploy.errors import InvalidInput

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""A model's, dataset's or service's name: letters, digits, `.`, `_`, `-`; at most 64; starts with a letter or digit."""


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


class Format(StrEnum):
    transformers = "transformers"
    torch = "torch"
    torchscript = "torchscript"
    exported = "exported"
    onnx = "onnx"
    ultralytics = "ultralytics"
    unknown = "unknown"


class Step(StrEnum):
    """How a version came to be."""

    fetched = "fetched"
    imported = "imported"
    finetuned = "fine-tuned"
    converted = "converted"
    quantized = "quantized"
    pruned = "pruned"
    distilled = "distilled"


class TensorSpec(Record):
    """One input or output. `dtype` is an Open Inference Protocol datatype (`FP32`, `INT64`, `BYTES`);
    -1 in `shape` is a free dimension."""

    name: str
    dtype: str
    shape: list[int]


class Signature(Record):
    inputs: list[TensorSpec]
    outputs: list[TensorSpec]


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


class JobState(StrEnum):
    queued = "queued"
    running = "running"
    succeeded = "succeeded"
    failed = "failed"
    cancelled = "cancelled"
    interrupted = "interrupted"

    @property
    def ended(self) -> bool:
        return self not in LIVING


LIVING = (JobState.queued, JobState.running)


class Progress(Record):
    done: float = 0
    total: float | None = None
    unit: str = ""
    message: str = ""
    seconds_left: float | None = None


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


class Job(Record):
    """One long action in a process of its own."""

    id: str
    kind: str
    title: str
    parameters: dict[str, Any]
    state: JobState
    progress: Progress = Progress()
    device: str | None = None
    owner: str
    attempt: int = 1
    process: ProcessRef | None = None
    error: Failure | None = None
    result: dict[str, Any] | None = None
    created_at: datetime
    queued_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None


class MetricPoint(Record):
    name: str
    step: int
    value: float
    at: datetime


class Arm(Record):
    """One version of a served model and its share of the traffic (weights need not sum to 1)."""

    version: int
    weight: float = Field(default=1.0, ge=0, allow_inf_nan=False)


class ServedModel(Record):
    model: Name
    arms: list[Arm] = Field(min_length=1)

    @field_validator("arms")
    @classmethod
    def _some_weight(cls, arms: list[Arm]) -> list[Arm]:
        if sum(arm.weight for arm in arms) <= 0:
            raise ValueError("the weights must not all be zero")
        if len({arm.version for arm in arms}) != len(arms):
            raise ValueError("a version is named twice")
        return arms


class ServiceSpec(Record):
    """What a user wants to be served; the supervisor makes it so."""

    name: Name = Field(description="the service's name")
    models: list[ServedModel] = Field(min_length=1)
    host: str = Field(default="127.0.0.1", description="the address to listen on; it must be a loopback one")
    port: int = Field(default=0, ge=0, le=65535, description="0 picks a free port")
    auth: Literal["token", "none"] = Field(default="token", description="what callers must send")
    replicas: int = Field(default=1, ge=1, le=64, description="server processes that share the port")
    instances: int = Field(default=0, ge=0, le=256, description="sessions per server process; 0 means one per core")
    max_queue: int = Field(default=1024, ge=1, description="requests that may wait; more are answered 503")
    timeout_s: float = Field(default=30.0, gt=0, description="the longest a request may wait and run")
    max_body_bytes: int = Field(default=64 * 2**20, ge=1024, description="larger requests are refused")


class ServiceState(StrEnum):
    starting = "starting"
    ready = "ready"
    stopping = "stopping"
    stopped = "stopped"
    failed = "failed"

    @property
    def ended(self) -> bool:
        return self in (ServiceState.stopped, ServiceState.failed)


class Service(Record):
    """A served endpoint: the wish (`spec`) and what is observed. `process` is the supervisor."""

    name: Name
    spec: ServiceSpec
    state: ServiceState
    url: str | None = None
    process: ProcessRef | None = None
    replicas_ready: int = 0
    error: Failure | None = None
    owner: str
    created_at: datetime
    started_at: datetime | None = None


class Interval(Record):
    """An estimate with the ends of its interval at `level`."""

    value: float
    low: float
    high: float
    level: float = 0.95


class MetricComparison(Record):
    """One metric of candidate against base. `difference` is candidate − base, in `unit`; `verdict` is from the
    candidate's point of view."""

    metric: str
    unit: str
    lower_is_better: bool
    base: float
    candidate: float
    difference: Interval
    verdict: Literal["better", "worse", "undecided"]
    base_samples: int
    candidate_samples: int
    method: str


class Experiment(Record):
    """A comparison of two versions on one service. `split_p_value` is of the sample-ratio check: below 0.001 the
    traffic was not split as asked and no verdict may be trusted."""

    id: str
    service: Name
    base: str
    candidate: str
    split: list[float]
    metrics: list[MetricComparison]
    split_p_value: float
    verdict: str
    owner: str
    job: str | None = None
    created_at: datetime


class OperatorTime(Record):
    """Self time of one graph node over a profiled run. `share` is of all nodes' self time (0 to 1)."""

    name: str
    type: str
    share: float
    time_ms: float
    calls: int


class Latency(Record):
    """End-to-end request latency in milliseconds, and the request rate at `concurrency`."""

    p50: float
    p90: float
    p99: float
    mean: float
    requests: int
    errors: int
    throughput_rps: float
    concurrency: int


class Profile(Record):
    """One version, profiled: where its time goes, what it takes, how it answers."""

    version: str
    operators: list[OperatorTime]
    peak_memory_bytes: int
    latency: Latency
    throughput: Latency
    created_at: datetime


class Device(Record):
    """A processor that jobs lease. Memory in bytes, utilization 0 to 1 or None where it cannot be read."""

    id: str
    kind: Literal["cpu", "cuda"]
    name: str
    memory_total: int
    memory_used: int
    utilization: float | None = None
    holder: str | None = None
    waiting: list[str] = Field(default_factory=list)


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
