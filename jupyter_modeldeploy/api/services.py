"""The operations on services."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from jupyter_modeldeploy.api.operation import Operation, Request
from jupyter_modeldeploy.api.requests import ById, ByName, Deleted, Nothing
from jupyter_modeldeploy.jobs.kinds.load import LoadParameters
from jupyter_modeldeploy.jobs.kinds.service_report import ServiceReportParameters
from jupyter_modeldeploy.records import (
    CallerToken,
    Job,
    Name,
    NewToken,
    RoutingPreview,
    Service,
    ServiceSpec,
    ShadowFigures,
    Usage,
)
from jupyter_modeldeploy.records.figures import ServiceFigures
from jupyter_modeldeploy.records.loads import LoadReport
from jupyter_modeldeploy.records.profile_comparisons import ProfileComparison
from jupyter_modeldeploy.records.service_reports import ServiceReport
from jupyter_modeldeploy.workspace import Workspace
from jupyter_modeldeploy.workspace.tokens import MAX_SECONDS

TOKEN = "services/{name}/tokens/{caller}"


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


class PreviewRouting(ByName):
    units: list[str] = Field(default_factory=list, max_length=10_000, description="whose version is asked for")
    count: int | None = Field(
        default=None, ge=0, le=100_000, description="so many made-up units beside; 1000 where no unit is given"
    )
    attributes: dict[str, str | float] = Field(
        default_factory=dict, description="what rules may ask for: region, header:user-agent, characters, rows, bytes"
    )
    input: Any = Field(default=None, description="what is sent: a text, several, or the JSON of a request")
    model: Name | None = Field(default=None, description="which of the service's models; not needed for its only one")
    routing: dict[str, Any] | None = Field(
        default=None, description="rules, namespace and shadow to try in place of those that it has; nothing is changed"
    )


class ProfileService(LoadParameters, Request):
    pass


class ReportOnService(ServiceReportParameters, Request):
    pass


class CompareMeasurements(Request):
    jobs: str = Field(description="the ids of loads, profiles and reports, with commas between; the first is the base")


class ReadRecords(ByName):
    kind: Literal["requests", "review"] = Field(
        default="requests", description="the share log_sample of its requests, or those that no version could answer"
    )
    last: int = Field(default=50, ge=1, le=10_000, description="how many, of the latest")


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


class ServiceList(BaseModel):
    services: list[Service]


class Snippets(BaseModel):
    snippets: dict[str, str]


class UsageList(BaseModel):
    models: list[Usage]


class TokenList(BaseModel):
    tokens: list[CallerToken]


class ServiceLog(BaseModel):
    text: str


class RecordList(BaseModel):
    records: list[dict[str, Any]]


class Prediction(BaseModel):
    version: str
    predictions: list[Any]


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


def preview_routing(workspace: Workspace, request: PreviewRouting) -> RoutingPreview:
    """Who would get which version of a service's model, and why."""
    asked = request.model_dump(exclude={"name"})
    return workspace.services.preview(request.name, **asked)


def get_shadow(workspace: Workspace, request: ByName) -> ShadowFigures:
    """How shadow versions answered copies of a service's requests, beside the versions that were answered with."""
    return workspace.services.shadow(request.name)


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


def get_service_figures(workspace: Workspace, request: ByName) -> ServiceFigures:
    """How a running service answers now: rate, latency and errors of each version, and its replicas."""
    return workspace.services.figures(request.name)


def profile_service(workspace: Workspace, request: ProfileService) -> Job:
    """Put load on a service or another endpoint, and measure latency, throughput and the knee."""
    return workspace.services.profile(request.service, **request.model_dump(exclude={"service"})).job


def get_load_report(workspace: Workspace, request: ById) -> LoadReport:
    """What the job of a load measured."""
    return LoadReport.model_validate(workspace.services.load_report(request.id).model_dump())


def report_service(workspace: Workspace, request: ReportOnService) -> Job:
    """Measure a served model as a whole, and try what may make it faster."""
    return workspace.services.report(request.service, **request.model_dump(exclude={"service"})).job


def get_service_report(workspace: Workspace, request: ById) -> ServiceReport:
    """What the job of a report on a service found."""
    return ServiceReport.model_validate(workspace.services.report_page(request.id).model_dump())


def compare_measurements(workspace: Workspace, request: CompareMeasurements) -> ProfileComparison:
    """Loads, profiles and reports beside each other, figure by figure, with what became worse."""
    return workspace.jobs.compare(*request.jobs.split(","))


def get_snippets(workspace: Workspace, request: ByName) -> Snippets:
    """Code that calls a running service, by language."""
    return Snippets(snippets=workspace.services.snippets(request.name))


def get_usage(workspace: Workspace, request: ByName) -> UsageList:
    """How each model of a running service is called: what it takes, an example, and code."""
    return UsageList(models=list(workspace.services.usage(request.name)))


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


SERVICES: tuple[Operation, ...] = (
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
    Operation(
        "preview_routing", "POST", "services/{name}/preview", "read", PreviewRouting, RoutingPreview, preview_routing
    ),
    Operation("get_shadow", "GET", "services/{name}/shadow", "read", ByName, ShadowFigures, get_shadow),
    Operation("resume_services", "POST", "services/resume", "execute", Nothing, ServiceList, resume_services),
    Operation("read_service_log", "GET", "services/{name}/log", "read", ByName, ServiceLog, read_service_log),
    Operation(
        "read_service_records", "GET", "services/{name}/records", "read", ReadRecords, RecordList, read_service_records
    ),
    Operation(
        "get_service_figures", "GET", "services/{name}/figures", "read", ByName, ServiceFigures, get_service_figures
    ),
    Operation(
        "profile_service", "POST", "services/profile", "execute", ProfileService, Job, profile_service, status=202
    ),
    Operation("get_load_report", "GET", "jobs/{id}/load", "read", ById, LoadReport, get_load_report),
    Operation("report_service", "POST", "services/report", "execute", ReportOnService, Job, report_service, status=202),
    Operation("get_service_report", "GET", "jobs/{id}/report", "read", ById, ServiceReport, get_service_report),
    Operation(
        "compare_measurements",
        "GET",
        "measurements/comparison",
        "read",
        CompareMeasurements,
        ProfileComparison,
        compare_measurements,
    ),
    Operation("get_snippets", "GET", "services/{name}/snippets", "read", ByName, Snippets, get_snippets),
    Operation("get_usage", "GET", "services/{name}/usage", "read", ByName, UsageList, get_usage),
    Operation("list_tokens", "GET", "services/{name}/tokens", "read", ByName, TokenList, list_tokens),
    Operation("create_token", "POST", "services/{name}/tokens", "execute", CreateToken, NewToken, create_token, 201),
    Operation("revoke_token", "DELETE", TOKEN, "execute", CallerRequest, Deleted, revoke_token),
    Operation("rotate_token", "POST", f"{TOKEN}/rotate", "execute", RotateToken, NewToken, rotate_token),
    Operation("predict", "POST", "services/{name}/predict", "execute", Predict, Prediction, predict),
)
