"""The table of operations: plain functions (workspace, request) -> response."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from jupyter_modeldeploy.api.fetching import FETCHING
from jupyter_modeldeploy.api.loading import LOADING
from jupyter_modeldeploy.api.operation import LongPoll, Operation, Request
from jupyter_modeldeploy.jobs.kinds.compare import CompareParameters
from jupyter_modeldeploy.jobs.kinds.convert import ConvertParameters
from jupyter_modeldeploy.jobs.kinds.dataset import DatasetOptions
from jupyter_modeldeploy.jobs.kinds.evaluate import EvaluateParameters
from jupyter_modeldeploy.jobs.kinds.fetch import FetchOptions
from jupyter_modeldeploy.jobs.kinds.finetune import FinetuneParameters
from jupyter_modeldeploy.jobs.kinds.profile import ProfileParameters
from jupyter_modeldeploy.jobs.kinds.quantize import QuantizeParameters
from jupyter_modeldeploy.records import (
    CallerToken,
    Change,
    Dataset,
    Device,
    Experiment,
    FileEntry,
    Job,
    MetricPoint,
    Model,
    Name,
    NewToken,
    NewVersion,
    Service,
    ServiceSpec,
    Version,
)
from jupyter_modeldeploy.workspace import Workspace
from jupyter_modeldeploy.workspace.tokens import MAX_SECONDS

MAX_WAIT_S = 30
MAX_INTEGER = 2**53 - 1
"""The largest whole number that a browser keeps exactly; SQLite's are larger."""


class Nothing(Request):
    """A request without parameters."""


class ByName(Request):
    name: Name = Field(description="its name")


class ById(Request):
    id: str = Field(pattern=r"^[0-9a-f]{12}$", description="its id, 12 hexadecimal digits")


class AliasRequest(Request):
    name: Name = Field(description="the model's name")
    alias: Name = Field(description="a word such as production")
    number: int = Field(ge=1, le=MAX_INTEGER, description="the version that the alias points at")


class ByVersion(Request):
    version: str = Field(description="NAME, NAME@3 or NAME@alias")


class TrustVersion(Request):
    version: str = Field(description="the version that may be loaded from now on: NAME@3")
    reason: str = Field(min_length=1, max_length=2000, description="why; it is kept with the version")


class DistrustVersion(Request):
    version: str = Field(description="the version that nobody can load from now on: NAME@3")


class Fetch(FetchOptions, Request):
    name: Name | None = Field(default=None, description="the model's name in the workspace; else what its source says")


class Finetune(FinetuneParameters, Request):
    pass


class Convert(ConvertParameters, Request):
    pass


class Quantize(QuantizeParameters, Request):
    pass


class Evaluate(EvaluateParameters, Request):
    pass


class ProfileVersion(ProfileParameters, Request):
    pass


class AddDataset(DatasetOptions, Request):
    name: Name | None = Field(
        default=None, description="the dataset's name in the workspace; else what its source says"
    )


class Compare(CompareParameters, Request):
    pass


class StartService(ServiceSpec, Request):
    pass


class ChangeService(Request):
    """Fields of the spec that change; what is left out stays."""

    name: Name = Field(description="the service")
    spec: dict[str, Any] = Field(
        description="the fields of its spec that change, such as {'max_queue': 10, 'cache': {'cache_bytes': 1048576}}"
    )


class ScaleService(Request):
    name: Name = Field(description="the service")
    replicas: int = Field(ge=1, le=64, description="how many server processes")


class SwitchService(Request):
    name: Name = Field(description="the service")
    version: str = Field(description="the version that gets all the traffic: NAME, NAME@3 or NAME@alias")


class ListJobs(Request):
    limit: int = Field(default=500, ge=1, le=10_000, description="how many at most")


class ReadRecords(ByName):
    kind: Literal["requests", "review"] = Field(
        default="requests", description="the share log_sample of its requests, or those that no version could answer"
    )
    last: int = Field(default=50, ge=1, le=10_000, description="how many, of the latest")


class ReadLog(ById):
    offset: int = Field(default=0, ge=0, le=MAX_INTEGER, description="byte to read from")


class CallerRequest(ByName):
    name: Name = Field(description="the service's name")
    caller: Name = Field(description="who holds the token; owner holds the service's own")


class CreateToken(CallerRequest):
    expires_s: float | None = Field(default=None, gt=0, le=MAX_SECONDS, description="how long it works; else for ever")


class RotateToken(CallerRequest):
    grace_s: float = Field(default=0, ge=0, le=MAX_SECONDS, description="how long the old one works beside the new one")


class Predict(Request):
    name: Name
    model: Name | None = Field(default=None, description="which of the service's models; the first when left out")
    body: Any = Field(description="the request in the task's own words, such as {'text': '…'}")


class SeeChanges(LongPoll):
    since: int = Field(default=0, ge=0, le=MAX_INTEGER, description="the last sequence number that was seen")
    wait: float = Field(default=0, ge=0, le=MAX_WAIT_S, description="seconds to wait for a first change")


class VersionSummary(NewVersion):
    """A version with what is derived from it."""

    number: int
    ref: str
    size_bytes: int
    files: list[FileEntry]
    created_at: datetime


class VersionPage(VersionSummary):
    """A version with the text of its model card, as it is written and cut off at 20,000 characters."""

    card_text: str | None


class ModelSummary(Model):
    versions: list[VersionSummary]


class ModelList(BaseModel):
    models: list[ModelSummary]


class DatasetList(BaseModel):
    datasets: list[Dataset]


class JobList(BaseModel):
    jobs: list[Job]


class JobLog(BaseModel):
    text: str
    next_offset: int
    ended: bool


class JobMetrics(BaseModel):
    points: list[MetricPoint]


class ServiceList(BaseModel):
    services: list[Service]


class Snippets(BaseModel):
    snippets: dict[str, str]


class TokenList(BaseModel):
    tokens: list[CallerToken]


class ServiceLog(BaseModel):
    text: str


class RecordList(BaseModel):
    records: list[dict[str, Any]]


class Prediction(BaseModel):
    version: str
    predictions: list[Any]


class ExperimentList(BaseModel):
    experiments: list[Experiment]


class DeviceList(BaseModel):
    devices: list[Device]


class ChangeList(BaseModel):
    changes: list[Change]
    latest: int


class Deleted(BaseModel):
    deleted: str


def _summary(workspace: Workspace, model: Model) -> ModelSummary:
    versions = [VersionSummary(**_derived(version)) for version in workspace.models.versions(model.name)]
    return ModelSummary(**model.model_dump(), versions=versions)


def _derived(version: Version) -> dict[str, Any]:
    return {**version.model_dump(), "ref": version.ref, "size_bytes": version.size_bytes}


def list_models(workspace: Workspace, request: Nothing) -> ModelList:
    """All models with their versions."""
    return ModelList(models=[_summary(workspace, model) for model in workspace.models.list()])


def get_model(workspace: Workspace, request: ByName) -> ModelSummary:
    """One model with its versions."""
    return _summary(workspace, workspace.models.get(request.name))


def set_alias(workspace: Workspace, request: AliasRequest) -> ModelSummary:
    """Point an alias at a version."""
    return _summary(workspace, workspace.models.set_alias(request.name, request.alias, request.number))


def get_version(workspace: Workspace, request: ByVersion) -> VersionPage:
    """One version with all that its files tell, and its model card."""
    version = workspace.models.version(request.version)
    return VersionPage(**_derived(version), card_text=workspace.models.card(version.ref))


def trust_version(workspace: Workspace, request: TrustVersion) -> ModelSummary:
    """Let a version in quarantine be loaded; who said so, when and why is kept with it."""
    return _summary(workspace, workspace.models.get(workspace.models.trust(request.version, request.reason).model))


def distrust_version(workspace: Workspace, request: DistrustVersion) -> ModelSummary:
    """Put a trusted version back into quarantine; what has loaded it already keeps running."""
    return _summary(workspace, workspace.models.get(workspace.models.distrust(request.version).model))


def fetch_model(workspace: Workspace, request: Fetch) -> Job:
    """Fetch a model from a source."""
    return workspace.models.fetch(**request.model_dump()).job


def finetune_model(workspace: Workspace, request: Finetune) -> Job:
    """Fine-tune a version on a dataset."""
    options = request.options.model_dump()
    return workspace.models.finetune(request.base, request.dataset, request.name, request.reuse, **options).job


def convert_model(workspace: Workspace, request: Convert) -> Job:
    """Convert a version to another format."""
    return workspace.models.convert(request.version, request.target, request.reuse).job


def quantize_model(workspace: Workspace, request: Quantize) -> Job:
    """Quantize a version and measure what it cost."""
    return workspace.models.quantize(request.version, request.method, request.dataset, request.reuse).job


def evaluate_model(workspace: Workspace, request: Evaluate) -> Job:
    """Judge a version on held-out data."""
    return workspace.models.evaluate(request.version, request.dataset, request.against).job


def profile_model(workspace: Workspace, request: ProfileVersion) -> Job:
    """Measure a version's operators, memory and latency."""
    return workspace.models.profile(**request.model_dump()).job


def list_datasets(workspace: Workspace, request: Nothing) -> DatasetList:
    """All datasets."""
    return DatasetList(datasets=list(workspace.datasets.list()))


def add_dataset(workspace: Workspace, request: AddDataset) -> Job:
    """Add a labelled table from a source."""
    return workspace.datasets.fetch(**request.model_dump()).job


def list_jobs(workspace: Workspace, request: ListJobs) -> JobList:
    """The jobs, newest first."""
    return JobList(jobs=list(workspace.jobs.list(request.limit)))


def get_job(workspace: Workspace, request: ById) -> Job:
    """One job."""
    return workspace.jobs.get(request.id).job


def cancel_job(workspace: Workspace, request: ById) -> Job:
    """End a queued or running job."""
    return workspace.jobs.get(request.id).cancel()


def resume_job(workspace: Workspace, request: ById) -> Job:
    """Start an ended job again from its last checkpoint."""
    return workspace.jobs.get(request.id).resume()


def read_job_log(workspace: Workspace, request: ReadLog) -> JobLog:
    """A piece of a job's log."""
    handle = workspace.jobs.get(request.id)
    ended = handle.job.state.ended  # before the read, so that nothing written in between is missed
    text, offset = handle.log(request.offset)
    return JobLog(text=text, next_offset=offset, ended=ended)


def read_job_metrics(workspace: Workspace, request: ById) -> JobMetrics:
    """A job's metric series."""
    return JobMetrics(points=list(workspace.jobs.get(request.id).metrics()))


def list_services(workspace: Workspace, request: Nothing) -> ServiceList:
    """All services."""
    return ServiceList(services=list(workspace.services.list()))


def get_service(workspace: Workspace, request: ByName) -> Service:
    """One service."""
    return workspace.services.get(request.name)


def create_service(workspace: Workspace, request: StartService) -> Service:
    """Start a service from its spec; answered when it is ready."""
    return workspace.services.start(ServiceSpec.model_validate(request.model_dump()))


def start_service(workspace: Workspace, request: ByName) -> Service:
    """Start a stopped service again as it was."""
    return workspace.services.start(workspace.services.get(request.name).spec)


def stop_service(workspace: Workspace, request: ByName) -> Service:
    """Drain and stop a service."""
    return workspace.services.stop(request.name)


def change_service(workspace: Workspace, request: ChangeService) -> Service:
    """Change a service without losing a request; answered when all its replicas serve so."""
    return workspace.services.change(request.name, **request.spec)


def scale_service(workspace: Workspace, request: ScaleService) -> Service:
    """Serve with more or fewer replicas, without losing a request."""
    return workspace.services.scale(request.name, request.replicas)


def rollback_service(workspace: Workspace, request: ByName) -> Service:
    """Go back to how a service was before its last change."""
    return workspace.services.rollback(request.name)


def switch_service(workspace: Workspace, request: SwitchService) -> Service:
    """Give all traffic of a model to one version; the others stay loaded."""
    return workspace.services.switch(request.name, request.version)


def resume_services(workspace: Workspace, request: Nothing) -> ServiceList:
    """Start again the services that want it at boot and ended with the machine."""
    return ServiceList(services=list(workspace.services.resume()))


def remove_service(workspace: Workspace, request: ByName) -> Deleted:
    """Forget a stopped service."""
    workspace.services.remove(request.name)
    return Deleted(deleted=request.name)


def read_service_log(workspace: Workspace, request: ByName) -> ServiceLog:
    """The end of a service's log."""
    return ServiceLog(text=workspace.services.log(request.name))


def read_service_records(workspace: Workspace, request: ReadRecords) -> RecordList:
    """The latest records that a service keeps of its requests; none holds contents."""
    return RecordList(records=[*workspace.services.records(request.name, request.kind, request.last)])


def get_snippets(workspace: Workspace, request: ByName) -> Snippets:
    """Code that calls a running service, by language."""
    return Snippets(snippets=workspace.services.snippets(request.name))


def list_tokens(workspace: Workspace, request: ByName) -> TokenList:
    """Which callers have a token of a service, without the tokens."""
    return TokenList(tokens=list(workspace.services.tokens(request.name).list()))


def create_token(workspace: Workspace, request: CreateToken) -> NewToken:
    """Make a token for a caller of a service; this answer is the only one that tells it."""
    return workspace.services.tokens(request.name).create(request.caller, request.expires_s)


def rotate_token(workspace: Workspace, request: RotateToken) -> NewToken:
    """Replace a caller's token, or the service's own; this answer is the only one that tells the new one."""
    return workspace.services.tokens(request.name).rotate(request.caller, request.grace_s)


def revoke_token(workspace: Workspace, request: CallerRequest) -> Deleted:
    """Let a caller's token work no more."""
    workspace.services.tokens(request.name).revoke(request.caller)
    return Deleted(deleted=request.caller)


def predict(workspace: Workspace, request: Predict) -> Prediction:
    """Send a request to a running service."""
    answer = workspace.services.predict(request.name, request.body, request.model)
    return Prediction(version=answer["model"], predictions=answer["predictions"])


def list_experiments(workspace: Workspace, request: Nothing) -> ExperimentList:
    """All experiments, newest first."""
    return ExperimentList(experiments=list(workspace.experiments.list()))


def get_experiment(workspace: Workspace, request: ById) -> Experiment:
    """One experiment."""
    return workspace.experiments.get(request.id)


def compare_versions(workspace: Workspace, request: Compare) -> Job:
    """Compare two versions behind a service under generated traffic."""
    return workspace.experiments.compare(**request.model_dump()).job


def list_devices(workspace: Workspace, request: Nothing) -> DeviceList:
    """The processors, their use and their queues."""
    return DeviceList(devices=list(workspace.devices.list()))


def see_changes(workspace: Workspace, request: SeeChanges) -> ChangeList:
    """What was written after a sequence number."""
    latest = workspace.latest_change()  # before the changes: what is written in between is not to be skipped
    changes = workspace.changes(request.since)
    return ChangeList(changes=changes, latest=changes[-1].sequence if changes else latest)


TOKEN = "services/{name}/tokens/{caller}"
OPERATIONS: tuple[Operation, ...] = (
    Operation("list_models", "GET", "models", "read", Nothing, ModelList, list_models),
    Operation("get_model", "GET", "models/{name}", "read", ByName, ModelSummary, get_model),
    Operation("set_alias", "POST", "models/{name}/aliases", "write", AliasRequest, ModelSummary, set_alias),
    Operation("get_version", "GET", "versions/{version}", "read", ByVersion, VersionPage, get_version),
    Operation("trust_version", "POST", "models/trust", "execute", TrustVersion, ModelSummary, trust_version),
    Operation("distrust_version", "POST", "models/distrust", "write", DistrustVersion, ModelSummary, distrust_version),
    *FETCHING,
    *LOADING,
    Operation("fetch_model", "POST", "models/fetch", "execute", Fetch, Job, fetch_model, status=202),
    Operation("finetune_model", "POST", "models/finetune", "execute", Finetune, Job, finetune_model, status=202),
    Operation("convert_model", "POST", "models/convert", "execute", Convert, Job, convert_model, status=202),
    Operation("quantize_model", "POST", "models/quantize", "execute", Quantize, Job, quantize_model, status=202),
    Operation("evaluate_model", "POST", "models/evaluate", "execute", Evaluate, Job, evaluate_model, status=202),
    Operation("profile_model", "POST", "models/profile", "execute", ProfileVersion, Job, profile_model, status=202),
    Operation("list_datasets", "GET", "datasets", "read", Nothing, DatasetList, list_datasets),
    Operation("add_dataset", "POST", "datasets", "execute", AddDataset, Job, add_dataset, status=202),
    Operation("list_jobs", "GET", "jobs", "read", ListJobs, JobList, list_jobs),
    Operation("get_job", "GET", "jobs/{id}", "read", ById, Job, get_job),
    Operation("cancel_job", "POST", "jobs/{id}/cancel", "execute", ById, Job, cancel_job),
    Operation("resume_job", "POST", "jobs/{id}/resume", "execute", ById, Job, resume_job, status=202),
    Operation("read_job_log", "GET", "jobs/{id}/log", "read", ReadLog, JobLog, read_job_log),
    Operation("read_job_metrics", "GET", "jobs/{id}/metrics", "read", ById, JobMetrics, read_job_metrics),
    Operation("list_services", "GET", "services", "read", Nothing, ServiceList, list_services),
    Operation("create_service", "POST", "services", "execute", StartService, Service, create_service, status=201),
    Operation("get_service", "GET", "services/{name}", "read", ByName, Service, get_service),
    Operation("remove_service", "DELETE", "services/{name}", "write", ByName, Deleted, remove_service),
    Operation("start_service", "POST", "services/{name}/start", "execute", ByName, Service, start_service),
    Operation("stop_service", "POST", "services/{name}/stop", "execute", ByName, Service, stop_service),
    Operation("change_service", "POST", "services/{name}/change", "execute", ChangeService, Service, change_service),
    Operation("scale_service", "POST", "services/{name}/scale", "execute", ScaleService, Service, scale_service),
    Operation("rollback_service", "POST", "services/{name}/rollback", "execute", ByName, Service, rollback_service),
    Operation("switch_service", "POST", "services/{name}/switch", "execute", SwitchService, Service, switch_service),
    Operation("resume_services", "POST", "services/resume", "execute", Nothing, ServiceList, resume_services),
    Operation("read_service_log", "GET", "services/{name}/log", "read", ByName, ServiceLog, read_service_log),
    Operation(
        "read_service_records", "GET", "services/{name}/records", "read", ReadRecords, RecordList, read_service_records
    ),
    Operation("get_snippets", "GET", "services/{name}/snippets", "read", ByName, Snippets, get_snippets),
    Operation("list_tokens", "GET", "services/{name}/tokens", "read", ByName, TokenList, list_tokens),
    Operation("create_token", "POST", "services/{name}/tokens", "execute", CreateToken, NewToken, create_token, 201),
    Operation("revoke_token", "DELETE", TOKEN, "execute", CallerRequest, Deleted, revoke_token),
    Operation("rotate_token", "POST", f"{TOKEN}/rotate", "execute", RotateToken, NewToken, rotate_token),
    Operation("predict", "POST", "services/{name}/predict", "execute", Predict, Prediction, predict),
    Operation("list_experiments", "GET", "experiments", "read", Nothing, ExperimentList, list_experiments),
    Operation("compare_versions", "POST", "experiments", "execute", Compare, Job, compare_versions, status=202),
    Operation("get_experiment", "GET", "experiments/{id}", "read", ById, Experiment, get_experiment),
    Operation("list_devices", "GET", "devices", "read", Nothing, DeviceList, list_devices),
    Operation("see_changes", "GET", "changes", "read", SeeChanges, ChangeList, see_changes),
)
