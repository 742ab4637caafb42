"""Served endpoints: what a user wishes, and what is observed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Failure, Name, ProcessRef, Record
from jupyter_modeldeploy.records.routing import ServedModel


class Tls(Record):
    """Paths of PEM files; both or neither."""

    tls_certificate: str | None = Field(default=None, description="a PEM file: answer TLS only")
    tls_key: str | None = Field(default=None, description="the certificate's key, a PEM file")


class Scaling(Record):
    """How many server processes there are, by what they have to do. Off where `max_replicas` is None."""

    min_replicas: int = Field(default=1, ge=0, le=64, description="0 lets an idle service end its server processes")
    max_replicas: int | None = Field(default=None, ge=1, le=64, description="more server processes under load, up to")
    target_rps: float | None = Field(default=None, gt=0, description="requests per second that a replica should answer")
    target_queue_ms: float = Field(default=50.0, gt=0, description="the mean wait in the queue above which to scale up")
    target_utilization: float = Field(default=0.8, gt=0, le=1, description="the share of its cores, or of the GPU")
    down_after_s: float = Field(default=60.0, gt=0, description="seconds of less to do before one replica is ended")
    idle_s: float = Field(default=300.0, gt=0, description="seconds without a request before scaling to zero")


class RateLimit(Record):
    """A token bucket for each caller. Off where `rate` is None."""

    rate: float | None = Field(default=None, gt=0, description="requests per second of one caller; more get 429")
    burst: int | None = Field(default=None, ge=1, description="requests of one caller at once; by default a second's")


class Breaker(Record):
    """When a version that fails is left alone for a while. Off where `breaker_share` is 0."""

    breaker_share: float = Field(default=0.5, ge=0, le=1, description="share of failures that opens it; 0: no breaker")
    breaker_requests: int = Field(default=20, ge=1, description="requests before the breaker judges")
    breaker_window_s: float = Field(default=10.0, gt=0, description="seconds that it looks back")
    breaker_open_s: float = Field(default=5.0, gt=0, description="seconds before it tries the version again")


class Cache(Record):
    """Answers kept by version and exact input. Off where `cache_bytes` is 0 and there is no `cache_url`."""

    cache_bytes: int = Field(default=0, ge=0, description="memory for answers, each process; 0: no cache")
    cache_ttl_s: float = Field(default=300.0, gt=0, description="seconds that an answer is kept")
    cache_url: str | None = Field(default=None, description="keep the answers in Redis: redis://HOST:PORT/DB")


class Recording(Record):
    """What is kept of requests whose version the traffic's split chose, for those who compare versions."""

    exposures: bool = Field(default=False, description="record which unit got which version, and how it was answered")
    attributes: list[Name] = Field(
        default_factory=list,
        max_length=16,
        description="names of the headers X-Attribute-NAME that are recorded with it, to look at parts of the traffic",
    )


class InputLimits(Record):
    """What a request may hold, by its task."""

    max_text_characters: int = Field(default=100_000, ge=1, description="of each text")
    max_image_pixels: int = Field(default=50_000_000, ge=1, description="of an image, before it is scaled")
    max_tensor_bytes: int = Field(default=64 * 2**20, ge=1, description="of all inputs of a request together")


class ServiceSpec(Record):
    """What a user wants to be served; the supervisor makes it so."""

    name: Name = Field(description="the service's name")
    models: list[ServedModel] = Field(min_length=1)
    host: str = Field(default="127.0.0.1", description="the address to listen on; it must be a loopback one")
    port: int = Field(default=0, ge=0, le=65535, description="0 picks a free port, and the same one at later starts")
    grpc_port: int | None = Field(default=None, ge=0, le=65535, description="speak gRPC there too; 0 as for port")
    unix_socket: str | None = Field(default=None, description="listen on this path instead of a port")
    tls: Tls = Tls()
    auth: Literal["token", "none"] = Field(default="token", description="what callers must send")
    instance_type: str | None = Field(
        default=None,
        pattern=r"^(cpu|gpu)-\d{1,3}c\d{1,4}g$",
        description="device, cores and memory in GiB of all server processes together: cpu-2c4g, gpu-4c8g",
    )
    replicas: int = Field(default=1, ge=1, le=64, description="server processes that share the port")
    scaling: Scaling = Scaling()
    instances: int = Field(default=0, ge=0, le=256, description="sessions per server process; 0 means one per core")
    threads: int = Field(
        default=0, ge=0, le=256, description="processor threads of a run; 0: one, or all cores where that answers more"
    )
    max_batch_rows: int = Field(default=0, ge=0, description="rows of several requests in one run; 0: by their size")
    max_queue: int = Field(default=1024, ge=1, description="requests that may wait; more are answered 503")
    timeout_s: float = Field(default=30.0, gt=0, description="the longest a request may wait and run")
    max_body_bytes: int = Field(default=64 * 2**20, ge=1024, description="larger requests are refused")
    input_limits: InputLimits = InputLimits()
    rate_limit: RateLimit = RateLimit()
    breaker: Breaker = Breaker()
    cache: Cache = Cache()
    stale_answers: bool = Field(default=False, description="answer from the cache, however old, where a version fails")
    log_sample: float = Field(default=0.0, ge=0, le=1, description="share of requests that the request log tells of")
    recording: Recording = Recording()
    start_at_boot: bool = Field(default=False, description="start again when the workspace is opened after a restart")
    unloaded: list[Name] = Field(default_factory=list, description="models that are not kept in memory for now")


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
    """A served endpoint: the wish and what is observed.

    `revision` counts the changes of `spec`, and `history` holds the former ones, newest last, that a rollback goes back
    to. `process` is the supervisor; `observed_revision` is what all replicas serve. `notes` say what to know of what it
    serves, as that a version is deprecated, or of where: that another has its former port; they are found when it is
    looked at, and not kept."""

    name: Name
    spec: ServiceSpec
    state: ServiceState
    url: str | None = None
    process: ProcessRef | None = None
    grpc_url: str | None = None
    replicas_ready: int = 0
    replicas_wanted: int = 1
    revision: int = 1
    observed_revision: int = 0
    history: list[ServiceSpec] = Field(default_factory=list)
    error: Failure | None = None
    notes: list[str] = Field(default_factory=list)
    owner: str
    created_at: datetime
    started_at: datetime | None = None


class Usage(Record):
    """How one model of a running service is called."""

    model: Name
    task: str
    takes: Literal["text", "image", "json"] = Field(description="what a person gives it to try it")
    example: Any = Field(default=None, description="a request in the task's own words; None where that is a file")
    snippets: dict[str, str] = Field(description="code that calls it, by language")
