"""Prune a version; the result is to be fine-tuned before it is of use."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.jobs.context import Context, Kind, Reusing
from jupyter_modeldeploy.jobs.kinds.reuse import known_version
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Step
from jupyter_modeldeploy.store import Store


class PruneParameters(Reusing):
    version: str = Field(description="the transformers version to prune: NAME, NAME@3 or NAME@alias")
    share: float = Field(
        default=0.3,
        gt=0,
        lt=1,
        allow_inf_nan=False,
        description="of the channels of each convolution, or of the neurons of each feed-forward layer, that goes",
    )


def check(store: Store, parameters: PruneParameters) -> None:
    """What can be said before there is a job."""
    version = store.versions.get(parameters.version)
    if version.format is not Format.transformers:
        raise InvalidInput(
            f"{version.ref} has the format {version.format}.", "Name a transformers version; convert the pruned one."
        )


def run(context: Context) -> dict[str, Any]:
    parameters: PruneParameters = context.parameters
    store = context.store
    check(store, parameters)
    version = store.versions.get(parameters.version)
    lineage = Lineage(step=Step.pruned, parent=version.ref, parameters={"share": parameters.share}, job=context.job_id)
    if known := known_version(context, version.model, lineage, parameters.reuse):
        return {"version": known.ref, "reused": True}

    from jupyter_modeldeploy.optimize.pruning.structured import prune

    with store.artifacts.staging() as staging:
        pruning = prune(store.versions.path(version), staging / "version", parameters.share, context.reporter)
        new = NewVersion(
            model=version.model,
            format=version.format,
            task=version.task,
            lineage=lineage,
            signature=version.signature,
            classes=version.classes,
        )
        pruned = store.versions.add(new, staging / "version")
    return {"version": pruned.ref, "reused": False, "pruning": pruning.model_dump(mode="json")}


KIND = Kind("prune", PruneParameters, lambda p: f"Prune {p.version} by {p.share:.0%}", run, check=check)
