"""Fine-tune a version on a dataset."""

from __future__ import annotations

import shutil
from typing import Any

from pydantic import Field

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.jobs.context import Context, Kind, Reusing
from jupyter_modeldeploy.jobs.kinds.reuse import known_version
from jupyter_modeldeploy.records import Format, Lineage, Name, NewVersion, Step
from jupyter_modeldeploy.training.options import FinetuneOptions, FinetuneResult

TASK = "text-classification"


class FinetuneParameters(Reusing):
    base: str = Field(description="the version to start from: NAME, NAME@3 or NAME@alias")
    dataset: str = Field(description="the dataset to learn from: NAME or NAME@2")
    name: Name = Field(description="the model that the new version is added to")
    options: FinetuneOptions = FinetuneOptions()


def run(context: Context) -> dict[str, Any]:
    parameters: FinetuneParameters = context.parameters
    store = context.store
    base, dataset = store.versions.get(parameters.base), store.datasets.get(parameters.dataset)
    if base.format is not Format.transformers:
        raise InvalidInput(f"{base.ref} has the format {base.format}.", "Name a transformers version.")
    lineage = Lineage(
        step=Step.finetuned,
        parent=base.ref,
        dataset=dataset.ref,
        parameters=parameters.options.model_dump(mode="json"),
        job=context.job_id,
    )
    if known := known_version(context, parameters.name, lineage, parameters.reuse):
        return {"version": known.ref, "metrics": known.metrics, "reused": True}

    from jupyter_modeldeploy.tasks import labelled_text

    finetune = plugins.load("trainers", TASK)
    split = labelled_text.read(store.datasets.path(dataset), dataset)
    with store.artifacts.staging() as staging:
        result: FinetuneResult = finetune(
            store.versions.path(base),
            split.train,
            split.test,
            dataset.classes,
            staging / "version",
            context.folder / "checkpoints",
            parameters.options,
            context.reporter,
            context.device,
        )
        new = NewVersion(
            model=parameters.name,
            format=Format.transformers,
            task=TASK,
            lineage=lineage,
            metrics={"accuracy_before": result.before.accuracy, "accuracy": result.after.accuracy},
            classes=dataset.classes,
        )
        version = store.versions.add(new, staging / "version")
    shutil.rmtree(context.folder / "checkpoints")  # they served to resume; the version holds what they led to
    return {
        "version": version.ref,
        "metrics": version.metrics,
        "reused": False,
        "training": result.model_dump(mode="json"),
    }


KIND = Kind(
    "finetune", FinetuneParameters, lambda p: f"Fine-tune {p.base} on {p.dataset} as {p.name}", run, work="training"
)
