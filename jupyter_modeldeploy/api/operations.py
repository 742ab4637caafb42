"""The table of operations: plain functions (workspace, request) -> response."""

from __future__ import annotations

from pydantic import BaseModel, Field

from jupyter_modeldeploy.api.experiments import EXPERIMENTS
from jupyter_modeldeploy.api.fetching import FETCHING
from jupyter_modeldeploy.api.loading import LOADING
from jupyter_modeldeploy.api.making import MAKING
from jupyter_modeldeploy.api.operation import LongPoll, Operation, Request
from jupyter_modeldeploy.api.optimizing import OPTIMIZING
from jupyter_modeldeploy.api.outcomes import OUTCOMES
from jupyter_modeldeploy.api.planning import PLANNING
from jupyter_modeldeploy.api.registry import MAX_INTEGER, REGISTRY
from jupyter_modeldeploy.api.requests import ByDataset, ById, ByName, ByVersion, Nothing
from jupyter_modeldeploy.api.services import SERVICES
from jupyter_modeldeploy.api.summaries import ModelSummary as ModelSummary
from jupyter_modeldeploy.api.summaries import VersionSummary as VersionSummary
from jupyter_modeldeploy.api.summaries import derived, summary
from jupyter_modeldeploy.api.texts import TEXTS
from jupyter_modeldeploy.api.writing import WRITING
from jupyter_modeldeploy.jobs.kinds.dataset import DatasetOptions
from jupyter_modeldeploy.jobs.kinds.evaluate import EvaluateParameters
from jupyter_modeldeploy.jobs.kinds.fetch import FetchOptions
from jupyter_modeldeploy.jobs.kinds.finetune_choices import FinetuneChoices
from jupyter_modeldeploy.jobs.kinds.profile import ProfileParameters
from jupyter_modeldeploy.records import (
    Change,
    Dataset,
    Device,
    EvaluationReport,
    Job,
    MetricPoint,
    Name,
    Sample,
)
from jupyter_modeldeploy.records.figures import Measurement
from jupyter_modeldeploy.training.options import Method
from jupyter_modeldeploy.workspace import Workspace

MAX_WAIT_S = 30


class TrustVersion(Request):
    version: str = Field(description="the version that may be loaded from now on: NAME@3")
    reason: str = Field(min_length=1, max_length=2000, description="why; it is kept with the version")


class DistrustVersion(Request):
    version: str = Field(description="the version that nobody can load from now on: NAME@3")


class Fetch(FetchOptions, Request):
    name: Name | None = Field(default=None, description="the model's name in the workspace; else what its source says")


class PrepareFinetuning(ByDataset):
    base: str | None = Field(default=None, description="the version to start from, where it is known")
    method: Method | None = Field(default=None, description="the method, where it is chosen")


class Evaluate(EvaluateParameters, Request):
    pass


class ProfileVersion(ProfileParameters, Request):
    pass


class AddDataset(DatasetOptions, Request):
    name: Name | None = Field(
        default=None, description="the dataset's name in the workspace; else what its source says"
    )


class ListJobs(Request):
    limit: int = Field(default=500, ge=1, le=10_000, description="how many at most")


class ReadLog(ById):
    offset: int = Field(default=0, ge=0, le=MAX_INTEGER, description="byte to read from")


class SeeGraph(ById):
    language: str = Field(default="", max_length=35, description="of the page's own words, as browsers name it: zh-CN")


class ReadMetrics(ById):
    after: int = Field(default=0, ge=0, le=MAX_INTEGER, description="the number that the answer before gave")
    most: int | None = Field(
        default=None, ge=1, le=MAX_INTEGER, description="points of a series; a longer one comes thinned, with its end"
    )


class SeeChanges(LongPoll):
    since: int | None = Field(
        default=None,
        ge=0,
        le=MAX_INTEGER,
        description="the last sequence number that was seen; without it only the latest",
    )
    wait: float = Field(default=0, ge=0, le=MAX_WAIT_S, description="seconds to wait for a first change")


class VersionPage(VersionSummary):
    """A version with the text of its model card, as it is written and cut off at 20,000 characters, and, of a
    fine-tuned one, how good it is on held-out rows."""

    card_text: str | None
    evaluation: EvaluationReport | None


class MeasurementList(BaseModel):
    measurements: list[Measurement]


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
    next_after: int


class JobSamples(BaseModel):
    samples: list[Sample]


class GraphView(BaseModel):
    html: str = Field(description="a page that needs nothing beside it, to be shown in a sandbox")


class DeviceList(BaseModel):
    devices: list[Device]


class ChangeList(BaseModel):
    changes: list[Change]
    latest: int


def list_models(workspace: Workspace, request: Nothing) -> ModelList:
    """All models with their versions."""
    return ModelList(models=[summary(workspace, model) for model in workspace.models.list()])


def get_model(workspace: Workspace, request: ByName) -> ModelSummary:
    """One model with its versions."""
    return summary(workspace, workspace.models.get(request.name))


def list_measurements(workspace: Workspace, request: ByName) -> MeasurementList:
    """How fast a model's versions were when they were measured last."""
    return MeasurementList(measurements=list(workspace.models.measurements(request.name)))


def get_version(workspace: Workspace, request: ByVersion) -> VersionPage:
    """One version with all that its files tell, its model card and its evaluation."""
    version = workspace.models.version(request.version)
    card, evaluation = workspace.models.card(version.ref), workspace.models.evaluation(version.ref)
    return VersionPage(**derived(version), card_text=card, evaluation=evaluation)


def trust_version(workspace: Workspace, request: TrustVersion) -> ModelSummary:
    """Let a version in quarantine be loaded; who said so, when and why is kept with it."""
    return summary(workspace, workspace.models.get(workspace.models.trust(request.version, request.reason).model))


def distrust_version(workspace: Workspace, request: DistrustVersion) -> ModelSummary:
    """Put a trusted version back into quarantine; what has loaded it already keeps running."""
    return summary(workspace, workspace.models.get(workspace.models.distrust(request.version).model))


def fetch_model(workspace: Workspace, request: Fetch) -> Job:
    """Fetch a model from a source."""
    return workspace.models.fetch(**request.model_dump()).job


def evaluate_model(workspace: Workspace, request: Evaluate) -> Job:
    """Judge a version on held-out data."""
    return workspace.models.evaluate(request.version, request.dataset, request.against).job


def profile_model(workspace: Workspace, request: ProfileVersion) -> Job:
    """Measure a version's operators, memory and latency."""
    return workspace.models.profile(**request.model_dump()).job


def list_datasets(workspace: Workspace, request: Nothing) -> DatasetList:
    """All datasets."""
    return DatasetList(datasets=list(workspace.datasets.list()))


def get_dataset(workspace: Workspace, request: ByDataset) -> Dataset:
    """One dataset (`NAME` or `NAME@2`) with the report on what was found in it."""
    return workspace.datasets.get(request.dataset)


def prepare_finetuning(workspace: Workspace, request: PrepareFinetuning) -> FinetuneChoices:
    """What there is to choose before a fine-tuning on a dataset: bases, defaults, memory."""
    return workspace.datasets.finetuning(request.dataset, request.base, request.method)


def add_dataset(workspace: Workspace, request: AddDataset) -> Job:
    """Add labelled data from a source."""
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


def read_job_metrics(workspace: Workspace, request: ReadMetrics) -> JobMetrics:
    """A job's metric series."""
    points, next_after = workspace.jobs.get(request.id).metrics_after(request.after, request.most)
    return JobMetrics(points=list(points), next_after=next_after)


def read_job_samples(workspace: Workspace, request: ById) -> JobSamples:
    """What a model in training answered to some held-out rows, by step and row."""
    return JobSamples(samples=list(workspace.jobs.get(request.id).samples()))


def get_job_graph(workspace: Workspace, request: SeeGraph) -> GraphView:
    """The graph that a profile or a report ran, with the time of each node, as a page."""
    return GraphView(html=workspace.jobs.graph(request.id).html(request.language))


def list_devices(workspace: Workspace, request: Nothing) -> DeviceList:
    """The processors, their use and their queues."""
    return DeviceList(devices=list(workspace.devices.list()))


def see_changes(workspace: Workspace, request: SeeChanges) -> ChangeList:
    """What was written after a sequence number, at most 500 changes; without one, the number to go on from."""
    latest = workspace.latest_change()  # before the changes: what is written in between is not to be skipped
    if request.since is None:
        return ChangeList(changes=[], latest=latest)
    changes = workspace.changes(request.since)
    return ChangeList(changes=changes, latest=changes[-1].sequence if changes else latest)


OPERATIONS: tuple[Operation, ...] = (
    Operation("list_models", "GET", "models", "read", Nothing, ModelList, list_models),
    Operation("get_model", "GET", "models/{name}", "read", ByName, ModelSummary, get_model),
    Operation(
        "list_measurements", "GET", "models/{name}/measurements", "read", ByName, MeasurementList, list_measurements
    ),
    Operation("get_version", "GET", "versions/{version}", "read", ByVersion, VersionPage, get_version),
    Operation("trust_version", "POST", "models/trust", "execute", TrustVersion, ModelSummary, trust_version),
    Operation("distrust_version", "POST", "models/distrust", "write", DistrustVersion, ModelSummary, distrust_version),
    *REGISTRY,
    *FETCHING,
    *LOADING,
    Operation("fetch_model", "POST", "models/fetch", "execute", Fetch, Job, fetch_model, status=202),
    *MAKING,
    *OPTIMIZING,
    *WRITING,
    Operation("evaluate_model", "POST", "models/evaluate", "execute", Evaluate, Job, evaluate_model, status=202),
    Operation("profile_model", "POST", "models/profile", "execute", ProfileVersion, Job, profile_model, status=202),
    Operation("list_datasets", "GET", "datasets", "read", Nothing, DatasetList, list_datasets),
    Operation("get_dataset", "GET", "datasets/{dataset}", "read", ByDataset, Dataset, get_dataset),
    Operation(
        "prepare_finetuning",
        "GET",
        "datasets/{dataset}/finetuning",
        "read",
        PrepareFinetuning,
        FinetuneChoices,
        prepare_finetuning,
    ),
    Operation("add_dataset", "POST", "datasets", "execute", AddDataset, Job, add_dataset, status=202),
    Operation("list_jobs", "GET", "jobs", "read", ListJobs, JobList, list_jobs),
    Operation("get_job", "GET", "jobs/{id}", "read", ById, Job, get_job),
    Operation("cancel_job", "POST", "jobs/{id}/cancel", "execute", ById, Job, cancel_job),
    Operation("resume_job", "POST", "jobs/{id}/resume", "execute", ById, Job, resume_job, status=202),
    Operation("get_job_graph", "GET", "jobs/{id}/graph", "read", SeeGraph, GraphView, get_job_graph),
    Operation("read_job_log", "GET", "jobs/{id}/log", "read", ReadLog, JobLog, read_job_log),
    Operation("read_job_metrics", "GET", "jobs/{id}/metrics", "read", ReadMetrics, JobMetrics, read_job_metrics),
    Operation("read_job_samples", "GET", "jobs/{id}/samples", "read", ById, JobSamples, read_job_samples),
    *SERVICES,
    *EXPERIMENTS,
    *PLANNING,
    *OUTCOMES,
    Operation("list_devices", "GET", "devices", "read", Nothing, DeviceList, list_devices),
    *TEXTS,
    Operation("see_changes", "GET", "changes", "read", SeeChanges, ChangeList, see_changes),
)
