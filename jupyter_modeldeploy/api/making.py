"""The operations that make versions of other versions: fine-tune, sweep, distil, convert, prune, quantize."""

from __future__ import annotations

from jupyter_modeldeploy.api.operation import Operation, Request
from jupyter_modeldeploy.jobs.kinds.convert import ConvertParameters
from jupyter_modeldeploy.jobs.kinds.distil import DistilParameters
from jupyter_modeldeploy.jobs.kinds.finetune import FinetuneParameters
from jupyter_modeldeploy.jobs.kinds.prune import PruneParameters
from jupyter_modeldeploy.jobs.kinds.quantize import QuantizeParameters
from jupyter_modeldeploy.jobs.kinds.sweep_parameters import SweepParameters
from jupyter_modeldeploy.records import Job
from jupyter_modeldeploy.workspace import Workspace


class Finetune(FinetuneParameters, Request):
    pass


class Sweep(SweepParameters, Request):
    pass


class Convert(ConvertParameters, Request):
    pass


class Quantize(QuantizeParameters, Request):
    pass


class Prune(PruneParameters, Request):
    pass


class Distil(DistilParameters, Request):
    pass


def finetune_model(workspace: Workspace, request: Finetune) -> Job:
    """Fine-tune a version on a dataset."""
    options = request.options.model_dump()
    return workspace.models.finetune(request.base, request.dataset, request.name, request.reuse, **options).job


def sweep_model(workspace: Workspace, request: Sweep) -> Job:
    """Search for the options that a fine-tuning does best with, and make a version of the best trial."""
    options = request.options.model_dump()
    given = {name: getattr(request, name) for name in SweepParameters.model_fields if name != "options"}
    return workspace.models.sweep(**given, **options).job


def convert_model(workspace: Workspace, request: Convert) -> Job:
    """Convert a version to another format, or its ONNX graph to a faster one."""
    given = request.model_dump(include=set(ConvertParameters.model_fields))
    return workspace.models.convert(**given).job


def quantize_model(workspace: Workspace, request: Quantize) -> Job:
    """Quantize a version and measure what it cost."""
    options = request.options.model_dump()
    return workspace.models.quantize(request.version, request.dataset, request.reuse, **options).job


def prune_model(workspace: Workspace, request: Prune) -> Job:
    """Take the weakest channels, neurons or weights out of a version, and train what is left."""
    options = request.options.model_dump(exclude_unset=True)
    return workspace.models.prune(**request.model_dump(exclude={"options"}), **options).job


def distil_model(workspace: Workspace, request: Distil) -> Job:
    """Teach a smaller model by a version."""
    options = request.options.model_dump()
    return workspace.models.distil(**request.model_dump(exclude={"options"}), **options).job


MAKING: tuple[Operation, ...] = (
    Operation("finetune_model", "POST", "models/finetune", "execute", Finetune, Job, finetune_model, status=202),
    Operation("sweep_model", "POST", "models/sweep", "execute", Sweep, Job, sweep_model, status=202),
    Operation("convert_model", "POST", "models/convert", "execute", Convert, Job, convert_model, status=202),
    Operation("distil_model", "POST", "models/distil", "execute", Distil, Job, distil_model, status=202),
    Operation("prune_model", "POST", "models/prune", "execute", Prune, Job, prune_model, status=202),
    Operation("quantize_model", "POST", "models/quantize", "execute", Quantize, Job, quantize_model, status=202),
)
