"""The operations on experiments."""

from __future__ import annotations

from pydantic import BaseModel, Field

from jupyter_modeldeploy.api.operation import Operation, Request
from jupyter_modeldeploy.api.requests import ById, Nothing
from jupyter_modeldeploy.experiments.live.moves import Asked
from jupyter_modeldeploy.jobs.kinds.compare import CompareParameters
from jupyter_modeldeploy.jobs.kinds.experiment import ExperimentOptions
from jupyter_modeldeploy.records import Experiment, Job, Name, Rehearsal
from jupyter_modeldeploy.workspace import Workspace


class Compare(CompareParameters, Request):
    pass


class RunExperiment(ExperimentOptions, Request):
    name: Name = Field(description="the running service on whose traffic it is")


class ActOnExperiment(ById):
    action: Asked = Field(description="stop splits the traffic as before; roll-back leaves the candidate without any")
    alias: Name | None = Field(
        default=None, description="with promote, let this alias point at it too: production; else that of its options"
    )


class RehearseExperiment(ExperimentOptions, Request):
    traffic: str = Field(
        description="the id of a live experiment, a service that logs its requests, or the path of such a log"
    )
    candidate: str | None = Field(  # type: ignore[assignment]  # an experiment knows it
        default=None, description="the version to judge; by default that of the experiment"
    )


class ExperimentReport(BaseModel):
    html: str = Field(description="a page that needs nothing beside it")
    markdown: str = Field(description="a summary for a pull request or a chat")


class ExperimentList(BaseModel):
    experiments: list[Experiment]


def list_experiments(workspace: Workspace, request: Nothing) -> ExperimentList:
    """All experiments, newest first."""
    return ExperimentList(experiments=list(workspace.experiments.list()))


def get_experiment(workspace: Workspace, request: ById) -> Experiment:
    """One experiment."""
    return workspace.experiments.get(request.id)


def get_experiment_report(workspace: Workspace, request: ById) -> ExperimentReport:
    """What an experiment found by now, to be read without this software."""
    page = workspace.experiments.report(request.id)
    return ExperimentReport(html=page.html(), markdown=page.markdown())


def compare_versions(workspace: Workspace, request: Compare) -> Job:
    """Compare two versions behind a service under generated traffic."""
    return workspace.experiments.compare(**request.model_dump()).job


def run_experiment(workspace: Workspace, request: RunExperiment) -> Job:
    """Try a version on a service's own traffic, which is taken back where it does harm."""
    return workspace.experiments.run(request.name, **request.model_dump(exclude={"name"})).job


def rehearse_experiment(workspace: Workspace, request: RehearseExperiment) -> Rehearsal:
    """Say what an experiment would have done in traffic that was recorded; nothing is changed."""
    return workspace.experiments.rehearse(**request.model_dump())


def act_on_experiment(workspace: Workspace, request: ActOnExperiment) -> Experiment:
    """Pause or resume a live experiment, roll it back, promote its candidate, or stop it."""
    return workspace.experiments.act(request.id, request.action, request.alias)


EXPERIMENTS: tuple[Operation, ...] = (
    Operation("list_experiments", "GET", "experiments", "read", Nothing, ExperimentList, list_experiments),
    Operation("compare_versions", "POST", "experiments", "execute", Compare, Job, compare_versions, status=202),
    Operation("get_experiment", "GET", "experiments/{id}", "read", ById, Experiment, get_experiment),
    Operation(
        "get_experiment_report",
        "GET",
        "experiments/{id}/report",
        "read",
        ById,
        ExperimentReport,
        get_experiment_report,
    ),
    Operation(
        "run_experiment",
        "POST",
        "services/{name}/experiment",
        "execute",
        RunExperiment,
        Job,
        run_experiment,
        status=202,
    ),
    Operation(
        "rehearse_experiment",
        "POST",
        "experiments/rehearsal",
        "execute",
        RehearseExperiment,
        Rehearsal,
        rehearse_experiment,
    ),
    Operation(
        "act_on_experiment",
        "POST",
        "experiments/{id}/{action}",
        "execute",
        ActOnExperiment,
        Experiment,
        act_on_experiment,
    ),
)
