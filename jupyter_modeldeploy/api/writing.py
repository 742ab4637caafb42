"""The operation that writes a form as the Python that does the same."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, Json, ValidationError

from jupyter_modeldeploy.api.experiments import RunExperiment
from jupyter_modeldeploy.api.making import Convert, Finetune, Quantize
from jupyter_modeldeploy.api.operation import Operation, Request
from jupyter_modeldeploy.api.optimizing import Optimize
from jupyter_modeldeploy.errors import from_validation_error
from jupyter_modeldeploy.workspace import Workspace

CALLS: dict[str, tuple[type[Request], str, list[str]]] = {
    "convert_model": (Convert, "models.convert", ["version"]),
    "finetune_model": (Finetune, "models.finetune", ["base", "dataset", "name"]),
    "optimize_model": (Optimize, "models.optimize", ["version"]),
    "quantize_model": (Quantize, "models.quantize", ["version"]),
    "run_experiment": (RunExperiment, "experiments.run", ["name", "candidate"]),
}
"""By operation: its request, the method of a workspace's room, and what that takes by place."""
UNWAITED = {"run_experiment"}
"""What goes on for days: its job is shown instead."""

BEFORE = "from jupyter_modeldeploy import Workspace\n\nworkspace = Workspace()\n"


class WriteCode(Request):
    operation: Literal["convert_model", "finetune_model", "optimize_model", "quantize_model", "run_experiment"] = Field(
        description="what is to be done"
    )
    request: Json[dict[str, Any]] = Field(description="what that operation would be sent, as JSON")


class Code(BaseModel):
    source: str = Field(description="Python that does the same")


def write_code(workspace: Workspace, request: WriteCode) -> Code:
    """Python that does what a request would."""
    kind, method, by_place = CALLS[request.operation]
    try:
        given = kind.model_validate(request.request).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        raise from_validation_error(error, request.operation) from error
    options = given.pop("options", {})
    named = {name: value for name, value in {**given, **options}.items() if value is not None and name not in by_place}
    arguments = [repr(given[name]) for name in by_place]
    arguments += [f"{name.removeprefix('include_')}={value!r}" for name, value in named.items()]
    lines = "".join(f"    {argument},\n" for argument in arguments)
    then = "job" if request.operation in UNWAITED else "job.wait()"
    return Code(source=f"{BEFORE}job = workspace.{method}(\n{lines})\n{then}\n")


WRITING: tuple[Operation, ...] = (Operation("write_code", "GET", "code", "read", WriteCode, Code, write_code),)
