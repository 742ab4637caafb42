"""The operations of searches for a smaller or faster form of a version."""

from __future__ import annotations

from pydantic import Field

from jupyter_modeldeploy.api.operation import Operation, Request
from jupyter_modeldeploy.api.requests import ById
from jupyter_modeldeploy.jobs.kinds.optimize import OptimizeParameters
from jupyter_modeldeploy.records import Job, Version
from jupyter_modeldeploy.records.optimizations import Optimization
from jupyter_modeldeploy.workspace import Workspace


class Optimize(OptimizeParameters, Request):
    pass


class RegisterOptimized(ById):
    point: str = Field(description="a point of the front: dynamic-int8, onnx-fp32 …")


def optimize_model(workspace: Workspace, request: Optimize) -> Job:
    """Search for the form of a version that is best on this machine and loses no more than allowed."""
    given = request.model_dump()
    return workspace.models.optimize(register=given.pop("include_register"), **given).job


def get_optimization(workspace: Workspace, request: ById) -> Optimization:
    """What a search found: all candidates, the front, and the recommended point."""
    return Optimization(**workspace.models.optimization(request.id).model_dump())


def register_optimized(workspace: Workspace, request: RegisterOptimized) -> Version:
    """Make another point of a search's front a version of the model."""
    return workspace.models.register_optimized(request.id, request.point)


OPTIMIZING: tuple[Operation, ...] = (
    Operation("optimize_model", "POST", "models/optimize", "execute", Optimize, Job, optimize_model, status=202),
    Operation("get_optimization", "GET", "optimizations/{id}", "read", ById, Optimization, get_optimization),
    Operation(
        "register_optimized",
        "POST",
        "optimizations/{id}/versions",
        "write",
        RegisterOptimized,
        Version,
        register_optimized,
        status=201,
    ),
)
