"""Prune a version, and train what is left where there is a dataset for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.jobs.context import Context, Kind, Reusing
from jupyter_modeldeploy.jobs.kinds import distil, finetune
from jupyter_modeldeploy.jobs.kinds.reuse import known_version
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Record, Step, Version
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.training.recovery import RecoveryOptions
from jupyter_modeldeploy.training.run import Teaching, Training

RESULT = "pruning.json"
"""The file of a job's folder that holds what its pruning came to, while what is left is trained."""


class PruneParameters(Reusing):
    version: str = Field(description="the transformers version to prune: NAME, NAME@3 or NAME@alias")
    share: float = Field(
        default=0.3,
        gt=0,
        lt=1,
        allow_inf_nan=False,
        description="of the channels of each convolution, or of the neurons of each feed-forward layer, that goes; of "
        "the weights, for the method magnitude",
    )
    method: Literal["structured", "magnitude"] = Field(
        default="structured",
        description="take out channels and neurons, or put the smallest weights to 0, which makes nothing faster",
    )
    scope: Literal["global", "layer"] = Field(
        default="global", description="magnitude: the smallest weights of all layers together, or of each alone"
    )
    dataset: str | None = Field(
        default=None, description="train what is left on this, by its labels and by what the whole version answers"
    )
    soft_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="share of that training's loss that is the distance to the whole version's probabilities",
    )
    options: RecoveryOptions = RecoveryOptions()


def check(store: Store, parameters: PruneParameters) -> None:
    """What can be said before there is a job."""
    version = store.versions.get(parameters.version)
    if version.format is not Format.transformers:
        raise InvalidInput(
            f"{version.ref} has the format {version.format}.", "Name a transformers version; convert the pruned one."
        )
    if parameters.method != "magnitude" and parameters.scope != "global":
        raise InvalidInput("The method structured takes a share of each layer.", "Leave out scope.")
    if parameters.dataset is None:
        if given := parameters.options.model_dump(exclude_defaults=True):
            raise InvalidInput(f"Nothing is trained without a dataset: {', '.join(sorted(given))}.", "Name one.")
        return
    dataset = store.datasets.get(parameters.dataset)
    distil.check_teaches(version, dataset)
    finetune.check(store, _training_of(version, parameters, dataset.ref))


def _training_of(version: Version, parameters: PruneParameters, dataset: str) -> finetune.FinetuneParameters:
    return finetune.FinetuneParameters(
        base=version.ref, dataset=dataset, name=version.model, options=parameters.options.as_finetuning()
    )


def run(context: Context) -> dict[str, Any]:
    parameters: PruneParameters = context.parameters
    store = context.store
    check(store, parameters)
    version = store.versions.get(parameters.version)
    dataset = store.datasets.get(parameters.dataset) if parameters.dataset else None
    told = parameters.model_dump(mode="json", exclude_defaults=True, exclude={"version", "dataset", "reuse"})
    lineage = Lineage(
        step=Step.pruned,
        parent=version.ref,
        dataset=dataset.ref if dataset else None,
        parameters={"share": parameters.share, **told},
        job=context.job_id,
    )
    if known := known_version(context, version.model, lineage, parameters.reuse):
        return {"version": known.ref, "reused": True}
    if dataset is None:
        return _pruned(context, version, lineage)

    left, pruning = _kept(context, version)
    teaching = Teaching(store.versions.path(version), share=parameters.soft_share)
    options, zeros = parameters.options.as_finetuning(), parameters.method == "magnitude"

    def work(out: Path) -> Training:
        return finetune.training(context, left, dataset, options, out, teaching, keep_zeros=zeros)

    made = finetune.make_version(context, work, version.model, version, lineage)
    shutil.rmtree(left)
    return {**made, "pruning": pruning}


def _pruned(context: Context, version: Version, lineage: Lineage) -> dict[str, Any]:
    """Add what the pruning leaves as it is."""
    with context.store.artifacts.staging() as staging:
        pruning = _prune(context, version, staging / "version")
        new = NewVersion(
            model=version.model,
            format=version.format,
            task=version.task,
            lineage=lineage,
            signature=version.signature,
            classes=version.classes,
        )
        pruned = context.store.versions.add(new, staging / "version")
    return {"version": pruned.ref, "reused": False, "pruning": pruning.model_dump(mode="json")}


def _kept(context: Context, version: Version) -> tuple[Path, dict[str, Any]]:
    """What the pruning leaves, in the job's folder, and what it came to; a job that is resumed finds both again."""
    left, result = context.folder / "pruned", context.folder / RESULT
    if not result.exists():
        shutil.rmtree(left, ignore_errors=True)
        pruning = _prune(context, version, left)
        partial = result.with_suffix(".partial")
        partial.write_text(pruning.model_dump_json())
        partial.replace(result)
    found: dict[str, Any] = json.loads(result.read_text())
    return left, found


def _prune(context: Context, version: Version, out: Path) -> Record:
    from jupyter_modeldeploy.optimize.pruning import structured, unstructured

    parameters: PruneParameters = context.parameters
    folder = context.store.versions.path(version)
    if parameters.method == "magnitude":
        return unstructured.prune(folder, out, parameters.share, parameters.scope, context.reporter)
    return structured.prune(folder, out, parameters.share, context.reporter)


KIND = Kind(
    "prune", PruneParameters, lambda p: f"Prune {p.version} by {p.share:.0%}", run, work="training", check=check
)
