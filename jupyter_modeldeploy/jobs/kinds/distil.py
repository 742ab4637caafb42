"""Teach a smaller model by a version on a dataset."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

from pydantic import Field

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.jobs.context import Context, Kind, Reusing
from jupyter_modeldeploy.jobs.kinds import finetune
from jupyter_modeldeploy.jobs.kinds.reuse import known_version
from jupyter_modeldeploy.records import Dataset, Format, Lineage, Name, Step, Version
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.run import Teaching, Training

log = logging.getLogger(__name__)
USUAL_WIDTH, WIDTH_ALONE = 0.75, 0.5
"""Of a student of half of the layers, which alone is not quite twice as fast, and of one that keeps them all."""
TASKS = ("text-classification", "image-classification", "object-detection")


class DistilParameters(Reusing):
    teacher: str = Field(description="the classifier or detector to learn from: NAME, NAME@3 or NAME@alias")
    dataset: str = Field(description="the dataset to learn on, with the teacher's classes: NAME or NAME@2")
    name: Name | None = Field(
        default=None, description="the model that the new version is added to; else the teacher's"
    )
    student: str | None = Field(
        default=None, description="the version to teach; else one with fewer of the teacher's layers is made"
    )
    layers: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="how many of the teacher's layers the student keeps; else all, or half where width is left open",
    )
    width: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        allow_inf_nan=False,
        description="the share of feed-forward neurons, or of channels, that the student keeps; else all, or three "
        "quarters where layers is left open too",
    )
    temperature: float = Field(
        default=2.0, gt=0, le=100, allow_inf_nan=False, description="how much the teacher's probabilities are softened"
    )
    soft_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="share of the loss that is the distance to the teacher's probabilities; the rest are the labels",
    )
    options: FinetuneOptions = FinetuneOptions()


def check(store: Store, parameters: DistilParameters) -> None:
    """What can be said before there is a job."""
    teacher, dataset = store.versions.get(parameters.teacher), store.datasets.get(parameters.dataset)
    if parameters.student is not None and (parameters.layers is not None or parameters.width is not None):
        raise InvalidInput("A student that is given is taken as it is.", "Leave out student, or layers and width.")
    check_teaches(teacher, dataset)
    if teacher.format is Format.ultralytics and (parameters.layers is not None or parameters.width is not None):
        raise InvalidInput(
            "The student of a detector is one of the next smaller scale, or a given one.", "Leave out layers and width."
        )
    if not parameters.options.merge_adapter:
        raise InvalidInput("A student is a version of its own.", "Leave out merge_adapter.")
    student = store.versions.get(parameters.student) if parameters.student else teacher
    if parameters.student and student.ref == teacher.ref:
        raise InvalidInput(f"{teacher.ref} cannot teach itself.", "Name another student, or leave it out.")
    finetune.check(
        store,
        finetune.FinetuneParameters(
            base=student.ref, dataset=dataset.ref, name=teacher.model, options=parameters.options
        ),
    )


def check_teaches(teacher: Version, dataset: Dataset) -> None:
    """Raise InvalidInput where the version is no classifier into, or detector of, the dataset's classes."""
    if dataset.task not in TASKS:
        raise InvalidInput(f"{dataset.ref} is for {dataset.task}.", f"There are teachers for {', '.join(TASKS)}.")
    if teacher.task != dataset.task:
        raise InvalidInput(
            f"{teacher.ref} does {teacher.task}, {dataset.ref} is for {dataset.task}.",
            "Fine-tune it on the dataset first.",
        )
    wanted = finetune.BASE_FORMATS.get(dataset.task, Format.transformers)
    if teacher.format is not wanted:
        raise InvalidInput(f"{teacher.ref} has the format {teacher.format}.", f"Name a version in the format {wanted}.")
    if teacher.classes is not None and sorted(teacher.classes) != sorted(dataset.classes):
        raise InvalidInput(
            f"{teacher.ref} knows the classes {', '.join(teacher.classes)}; {dataset.ref} has "
            f"{', '.join(dataset.classes)}.",
            "Fine-tune it on the dataset first.",
        )


def run(context: Context) -> dict[str, Any]:
    parameters: DistilParameters = context.parameters
    store = context.store
    check(store, parameters)
    teacher, dataset = store.versions.get(parameters.teacher), store.datasets.get(parameters.dataset)
    student = store.versions.get(parameters.student) if parameters.student else None
    name = parameters.name or teacher.model
    told = parameters.model_dump(mode="json", exclude={"teacher", "dataset", "name", "reuse"})
    lineage = Lineage(
        step=Step.distilled,
        parent=teacher.ref,
        dataset=dataset.ref,
        parameters={**told, "student": student.ref if student else None},
        job=context.job_id,
    )
    if known := known_version(context, name, lineage, parameters.reuse):
        return {"version": known.ref, "metrics": known.metrics, "reused": True}

    base = store.versions.path(student) if student else _made(context, teacher)
    teaching = Teaching(store.versions.path(teacher), parameters.temperature, parameters.soft_share)
    _warn_if_no_smaller(base, teaching.folder)

    def work(out: Path) -> Training:
        return finetune.training(context, base, dataset, parameters.options, out, teaching)

    made = finetune.make_version(context, work, name, teacher, lineage)
    for folder in ("student", "shallow"):
        shutil.rmtree(context.folder / folder, ignore_errors=True)
    return made


def _made(context: Context, teacher: Version) -> Path:
    """The folder of the student that is made of the teacher; a job that is resumed finds it again."""
    from jupyter_modeldeploy.optimize.pruning import layers, scales, structured

    parameters: DistilParameters = context.parameters
    folder, made = context.store.versions.path(teacher), context.folder / "student"
    if made.exists():
        return made
    if teacher.format is Format.ultralytics:
        return scales.smaller(folder, made)
    kept, width = parameters.layers, parameters.width
    if kept is None and width is None:
        most, fewest = layers.depth(folder), layers.fewest(folder)
        kept, width = (max(fewest, most // 2), USUAL_WIDTH) if most > fewest else (None, WIDTH_ALONE)
    if kept is not None:
        folder = layers.shorten(folder, made if width is None else context.folder / "shallow", kept)
    if width is not None:
        structured.prune(folder, made, 1 - width, context.reporter)
    return made


def _warn_if_no_smaller(student: Path, teacher: Path) -> None:
    """By the sizes of their weights."""
    sizes = [sum(path.stat().st_size for path in folder.glob("*.safetensors")) for folder in (student, teacher)]
    if sizes[0] >= sizes[1]:
        log.warning("The student is no smaller than its teacher: %d and %d bytes of weights.", *sizes)


KIND = Kind(
    "distil",
    DistilParameters,
    lambda p: f"Distil {p.teacher} on {p.dataset}",
    run,
    work="training",
    check=check,
)
