"""Convert a version to ONNX, proven to give the same answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.jobs.context import Context, Kind, Reusing
from jupyter_modeldeploy.jobs.kinds import held_out
from jupyter_modeldeploy.jobs.kinds.reuse import known_version
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Step

if TYPE_CHECKING:
    from jupyter_modeldeploy.optimize.converting.from_transformers import Conversion

PARITY_TEXTS = 64


class ConvertParameters(Reusing):
    version: str = Field(description="the version to convert: NAME, NAME@3 or NAME@alias")
    target: Literal["onnx"] = Field(default="onnx", description="the format to convert to")


def run(context: Context) -> dict[str, Any]:
    parameters: ConvertParameters = context.parameters
    store = context.store
    version = store.versions.get(parameters.version)
    if f"{version.format}-{parameters.target}" not in plugins.available("converters"):
        raise InvalidInput(
            f"{version.ref} has the format {version.format}.", "Name a transformers or an ultralytics version."
        )
    lineage = Lineage(
        step=Step.converted, parent=version.ref, parameters={"target": parameters.target}, job=context.job_id
    )
    if known := known_version(context, version.model, lineage, parameters.reuse):
        return {"version": known.ref, "reused": True}

    convert = plugins.load("converters", f"{version.format}-{parameters.target}")
    dataset = held_out.dataset_of(store, version)
    texts = [example.text for example in held_out.examples(store, dataset)[:PARITY_TEXTS]] if dataset else None
    with store.artifacts.staging() as staging:
        conversion: Conversion = convert(store.versions.path(version), staging / "version", context.reporter, texts)
        new = NewVersion(
            model=version.model,
            format=Format.onnx,
            task=version.task,
            lineage=lineage,
            signature=conversion.signature,
            metrics={
                "parity_max_difference": max(row.max_absolute_difference for row in conversion.parity),
                "parity_tolerance": max(row.tolerance for row in conversion.parity),
            },
            classes=version.classes,
        )
        converted = store.versions.add(new, staging / "version")
    return {"version": converted.ref, "reused": False, "conversion": conversion.model_dump(mode="json")}


KIND = Kind("convert", ConvertParameters, lambda p: f"Convert {p.version} to {p.target}", run)
