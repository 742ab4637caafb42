"""Convert a version to another format or another graph, proven to give the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.jobs.context import Context, Kind, Reusing
from jupyter_modeldeploy.jobs.kinds import held_out
from jupyter_modeldeploy.jobs.kinds.reuse import known_version
from jupyter_modeldeploy.optimize import converting
from jupyter_modeldeploy.optimize.converting.graph_options import GRAPH, Graph
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Step, Version
from jupyter_modeldeploy.store import Store

if TYPE_CHECKING:
    from jupyter_modeldeploy.optimize.converting.conversion import Conversion
    from jupyter_modeldeploy.optimize.converting.graph import GraphOptimization
    from jupyter_modeldeploy.optimize.converting.parity import OutputParity

PARITY_TEXTS = 64
Target = Literal["onnx", "openvino", "torchscript", "exported"]


class ConvertParameters(Reusing):
    version: str = Field(description="the version to convert: NAME, NAME@3 or NAME@alias")
    target: Target = Field(
        default="onnx",
        description="the format to convert to; openvino is made of ONNX, exported is a program of torch.export",
    )
    graph: Graph = Field(default="as-exported", description=GRAPH)
    opset: int | None = Field(
        default=None, ge=17, le=23, description="the ONNX opset, for a runtime elsewhere; else one that runs here"
    )


def check(store: Store, parameters: ConvertParameters) -> None:
    """What can be said before there is a job."""
    version = store.versions.get(parameters.version)
    if parameters.target != "onnx" and (parameters.graph != "as-exported" or parameters.opset):
        raise InvalidInput(f"graph and opset are for ONNX, not for {parameters.target}.", "Leave them out.")
    if version.format is Format.onnx and parameters.target == "onnx":
        if parameters.graph == "as-exported":
            raise InvalidInput(f"{version.ref} is ONNX already.", "Choose what to do with its graph: slim, fastest.")
        if parameters.opset:
            raise InvalidInput(f"{version.ref} is ONNX already.", "The opset is chosen where it is converted.")
        return
    if version.format not in (formats := converting.sources(parameters.target)):
        raise InvalidInput(
            f"{version.ref} has the format {version.format}.",
            f"To {parameters.target} are converted: {', '.join(formats)}.",
        )


def run(context: Context) -> dict[str, Any]:
    parameters: ConvertParameters = context.parameters
    store = context.store
    check(store, parameters)
    version = store.versions.get(parameters.version)
    chosen = parameters.model_dump(include={"graph", "opset"}, exclude_defaults=True)
    made_with = {"target": parameters.target, **chosen}
    lineage = Lineage(step=Step.converted, parent=version.ref, parameters=made_with, job=context.job_id)
    if known := known_version(context, version.model, lineage, parameters.reuse):
        return {"version": known.ref, "reused": True}
    with store.artifacts.staging() as staging:
        folder, conversion = _converted(context, version, staging / "converted")
        graph = None
        if parameters.graph != "as-exported":
            graph = _optimized(context, folder, staging / "optimized", parameters.graph)
            folder = staging / "optimized" if graph.kept else folder
        steps = {"conversion": conversion, "graph": graph}
        told = {name: step.model_dump(mode="json") for name, step in steps.items() if step is not None}
        if folder == store.versions.path(version):  # an ONNX version for which nothing faster was found
            return {"version": version.ref, "reused": True, **told}
        new = NewVersion(
            model=version.model,
            format=Format(parameters.target),
            task=version.task,
            lineage=lineage,
            signature=conversion.signature if conversion else version.signature,
            metrics=_parity(conversion, graph),
            classes=version.classes,
        )
        converted = store.versions.add(new, folder)
    return {"version": converted.ref, "reused": False, **told}


def _converted(context: Context, version: Version, out: Path) -> tuple[Path, Conversion | None]:
    """The folder in the target's format: the version's own where it has it."""
    parameters: ConvertParameters = context.parameters
    store = context.store
    folder = store.versions.path(version)
    if version.format == parameters.target:
        return folder, None
    convert = converting.load(version.format, parameters.target)
    dataset = held_out.dataset_of(store, version)
    texts = [example.text for example in held_out.examples(store, dataset)[:PARITY_TEXTS]] if dataset else None
    return out, convert(folder, out, context.reporter, texts, parameters.opset)


def _optimized(context: Context, folder: Path, out: Path, graph: Graph) -> GraphOptimization:
    from jupyter_modeldeploy.optimize.converting.graph import optimize_graph

    return optimize_graph(folder, out, graph, context.reporter)


def _parity(conversion: Conversion | None, graph: GraphOptimization | None) -> dict[str, float]:
    """The largest difference to the original; of a graph that was changed too, the sum of both steps'."""
    kept = [one.parity for one in graph.candidates if one.kept] if graph else []
    steps: list[list[OutputParity]] = [*([conversion.parity] if conversion else []), *kept]
    return {
        "parity_max_difference": sum(max(row.max_absolute_difference for row in rows) for rows in steps),
        "parity_tolerance": max(row.tolerance for rows in steps for row in rows),
    }


KIND = Kind("convert", ConvertParameters, lambda p: f"Convert {p.version} to {p.target}", run, check=check)
