"""The operations around programs of a version: to load it outside, what that needs installed, and to train it again."""

from __future__ import annotations

from pydantic import BaseModel, Field

from jupyter_modeldeploy.api.operation import Operation, Request
from jupyter_modeldeploy.api.requests import ByVersion
from jupyter_modeldeploy.jobs.kinds.requirements import Environment, RequirementsParameters
from jupyter_modeldeploy.records import Job, Requirements
from jupyter_modeldeploy.workspace import Workspace


class Loader(BaseModel):
    version: str
    source: str = Field(description="Python that loads the version and asks it once")


class TrainingCode(BaseModel):
    version: str
    source: str = Field(description="Python that does the version's fine-tuning again")


class GetRequirements(ByVersion):
    into: Environment = Field(default="kernel", description="what it is compared with: this environment or its own")


class InstallRequirements(RequirementsParameters, Request):
    pass


def get_loader(workspace: Workspace, request: ByVersion) -> Loader:
    """Python that loads a version and asks it once."""
    version = workspace.models.version(request.version)
    return Loader(version=version.ref, source=workspace.models.loader(version.ref))


def get_training_code(workspace: Workspace, request: ByVersion) -> TrainingCode:
    """Python that does again the fine-tuning that made a version."""
    version = workspace.models.version(request.version)
    return TrainingCode(version=version.ref, source=workspace.models.code(version.ref))


def get_requirements(workspace: Workspace, request: GetRequirements) -> Requirements:
    """What a version asks to be installed, compared with what is."""
    return workspace.models.requirements(request.version, request.into)


def install_requirements(workspace: Workspace, request: InstallRequirements) -> Job:
    """Install what a version asks for; what runs here stays as it is."""
    return workspace.models.install_requirements(request.version, request.into, request.allow).job


LOADING: tuple[Operation, ...] = (
    Operation("get_loader", "GET", "versions/{version}/loader", "read", ByVersion, Loader, get_loader),
    Operation(
        "get_training_code", "GET", "versions/{version}/code", "read", ByVersion, TrainingCode, get_training_code
    ),
    Operation(
        "get_requirements",
        "GET",
        "versions/{version}/requirements",
        "read",
        GetRequirements,
        Requirements,
        get_requirements,
    ),
    Operation(
        "install_requirements",
        "POST",
        "versions/{version}/requirements",
        "execute",
        InstallRequirements,
        Job,
        install_requirements,
        status=202,
    ),
)
