"""Fine-tune a version on a dataset."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import Field

from jupyter_modeldeploy import devices, plugins
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.jobs.context import Context, Kind, Reusing
from jupyter_modeldeploy.jobs.kinds.reuse import known_version
from jupyter_modeldeploy.records import Dataset, Facts, Format, Lineage, Name, NewVersion, Step, Version
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.training.defaults import suiting
from jupyter_modeldeploy.training.options import FinetuneOptions, FinetuneResult
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.record import TrainingRecord, environment
from jupyter_modeldeploy.training.run import Teaching, Training

BASE_FORMATS = {"object-detection": Format.ultralytics}
"""What each task's trainer starts from, where that is no transformers checkpoint."""
ADAPTER = "adapter_config.json"
"""The file that tells of a version with adapters alone."""


class FinetuneParameters(Reusing):
    base: str = Field(description="the version to start from: NAME, NAME@3 or NAME@alias")
    dataset: str = Field(description="the dataset to learn from: NAME or NAME@2")
    name: Name = Field(description="the model that the new version is added to")
    options: FinetuneOptions = FinetuneOptions()


def check(store: Store, parameters: FinetuneParameters) -> None:
    """What can be said without a device: whether anybody trains for this data from such a base."""
    base, dataset = store.versions.get(parameters.base), store.datasets.get(parameters.dataset)
    if dataset.task not in (known := plugins.available("trainers")):
        raise InvalidInput(
            f"{dataset.ref} is for {dataset.task}, for which there is no trainer.",
            f"There are trainers for {', '.join(sorted(known))}.",
        )
    wanted = BASE_FORMATS.get(dataset.task, Format.transformers)
    if base.format is not wanted:
        raise InvalidInput(f"{base.ref} has the format {base.format}.", f"Name a version in the format {wanted}.")
    _check_batch(parameters.options, dataset)
    if parameters.options.quantize_base and parameters.options.method not in (None, "lora"):
        raise InvalidInput("quantize_base goes with the method lora alone.", "Choose it, or leave out quantize_base.")


def _check_batch(options: FinetuneOptions, dataset: Dataset) -> None:
    """Whether a batch can be divided as asked."""
    defaults = suiting(dataset, trained=True)  # without weights a batch is as large
    if defaults is not None:
        Plan.of(options, defaults, options.processes)
    elif options.processes > 1:
        raise InvalidInput(
            f"The trainer for {dataset.task} is of another package: it trains in one process.", "Leave out processes."
        )
    if options.processes > 1 and (device := devices.default_device("training")) != "cpu":
        raise InvalidInput(
            f"Several processes share the cores of a CPU; this training gets the one device {device}.",
            "Leave out processes.",
        )


def run(context: Context) -> dict[str, Any]:
    parameters: FinetuneParameters = context.parameters
    store = context.store
    check(store, parameters)
    base, dataset = store.versions.get(parameters.base), store.datasets.get(parameters.dataset)
    lineage = Lineage(
        step=Step.finetuned,
        parent=base.ref,
        dataset=dataset.ref,
        parameters=parameters.options.model_dump(mode="json"),
        job=context.job_id,
    )
    if known := known_version(context, parameters.name, lineage, parameters.reuse):
        return {"version": known.ref, "metrics": known.metrics, "reused": True}

    return make_version(
        context,
        lambda out: training(context, store.versions.path(base), dataset, parameters.options, out),
        parameters.name,
        base,
        lineage,
    )


def make_version(
    context: Context, work: Callable[[Path], Training], name: str, base: Version, lineage: Lineage
) -> dict[str, Any]:
    """Train `work`, which is told the folder to write to, add the next version of `name`, and give the job's result.
    Where the work has a teacher that is `base`, beside which the version is judged."""
    from jupyter_modeldeploy.training.distributed.finetuning import finetune

    store = context.store
    with store.artifacts.staging() as staging:
        given = work(staging / "version")
        dataset = given.dataset
        result = finetune(given)
        if given.teaching is not None and result.evaluation is not None:
            beside = result.evaluation.model_copy(update={"beside": base.ref})
            result = result.model_copy(update={"evaluation": beside})
        made = TrainingRecord(
            base=base.ref, dataset=dataset.ref, device=context.device, environment=environment(), result=result
        )
        new = NewVersion(
            model=name,
            format=Format.adapter if (staging / "version" / ADAPTER).exists() else base.format,
            task=dataset.task,
            lineage=lineage,
            metrics=_metrics(result),
            classes=dataset.classes or None,
            facts=_described(staging / "version", name, base, dataset, made, lineage.step),
        )
        version = store.versions.add(new, staging / "version")
    shutil.rmtree(context.folder / "checkpoints")  # they served to resume; the version holds what they led to
    return {
        "version": version.ref,
        "metrics": version.metrics,
        "reused": False,
        "training": result.model_dump(mode="json"),
    }


def training(
    context: Context,
    base: Path,
    dataset: Dataset,
    options: FinetuneOptions,
    out: Path,
    teaching: Teaching | None = None,
    keep_zeros: bool = False,
) -> Training:
    """What a trainer gets of this job; `base` is the folder to start from."""
    store = context.store
    return Training(
        base=base,
        dataset=dataset,
        data=store.datasets.path(dataset),
        out=out,
        checkpoints=context.folder / "checkpoints",
        options=options,
        reporter=context.reporter,
        device=context.device,
        teaching=teaching,
        keep_zeros=keep_zeros,
    )


def _metrics(result: FinetuneResult) -> dict[str, float]:
    """The figures that the version keeps; of one that is held beside another version, the paired difference to it in
    place of what was before training."""
    report = result.evaluation
    if report is None or report.beside is None:
        return result.version_metrics
    first = report.metrics[0]
    if first.difference is None:
        return result.metrics
    name, difference = f"{first.name}_difference", first.difference
    return {**result.metrics, name: difference.value, f"{name}_low": difference.low, f"{name}_high": difference.high}


def _described(folder: Path, name: str, base: Version, dataset: Dataset, made: TrainingRecord, step: Step) -> Facts:
    """What the new version's files tell of it, with the record of its training and a model card among them."""
    from jupyter_modeldeploy.sources import understanding
    from jupyter_modeldeploy.sources.recognise import recognise
    from jupyter_modeldeploy.training import model_card

    made.write(folder)
    (folder / model_card.FILE).write_text(model_card.card(name, base, dataset, made, step), "utf-8")
    return understanding.facts(folder, recognise(folder))


KIND = Kind(
    "finetune",
    FinetuneParameters,
    lambda p: f"Fine-tune {p.base} on {p.dataset} as {p.name}",
    run,
    work="training",
    check=check,
)
