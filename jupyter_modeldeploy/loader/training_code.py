"""`finetune.py`: a program that does again what made a fine-tuned version, and comes to the same figures."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.loader.writing import render
from jupyter_modeldeploy.records import Dataset, Step, Version
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.training.record import TrainingRecord
from jupyter_modeldeploy.training.recovery import RecoveryOptions

METHODS = {Step.finetuned: "finetune", Step.distilled: "distil", Step.pruned: "prune"}
RECOVERED = frozenset(RecoveryOptions.model_fields)


@dataclass(frozen=True)
class Trained:
    """A training of the chain that leads to a version. `method` is the one of `workspace.models`, which takes `given`
    beside the options; `student` is what was taught, where that was a version."""

    name: str
    record: TrainingRecord
    dataset: Dataset
    method: str = "finetune"
    given: Mapping[str, Any] = field(default_factory=dict)
    student: Version | None = None

    @property
    def student_digest(self) -> str | None:
        return digest(self.student) if self.student else None

    @property
    def data(self) -> dict[str, Any]:
        """How the dataset is fetched again, in the words of `workspace.datasets.fetch`."""
        wanted = ("text_column", "label_column", "test_share", "validation_share", "seed", "task", "multi_label")
        told = {name: getattr(self.dataset, name) for name in wanted}
        return {name: value for name, value in told.items() if value is not None}

    @property
    def data_digest(self) -> str:
        return digest(self.dataset)

    @property
    def options(self) -> dict[str, Any]:
        """The options that were used, what was left to the task or to a trial filled in."""
        used = self.record.result.options.model_dump(mode="json", exclude_defaults=True)
        return {name: value for name, value in used.items() if self.method != "prune" or name in RECOVERED}


def generate(store: Store, version: Version) -> str:
    """Python source that fetches the base and the data again (or finds them in the workspace), checks that they are
    what they were, and trains with the options that were used. A base that was itself fine-tuned is trained first.

    Raises InvalidInput for a version that no training of this product made."""
    chain, root = _chain(store, version)
    made_by = chain[-1].record
    return render(
        "finetune",
        {
            "version": version.ref,
            "chain": chain,
            "root": root,
            "root_digest": digest(root),
            "selection": root.lineage.parameters,
            "environment": made_by.environment,
            "device": made_by.device,
            "metrics": made_by.result.metrics,
        },
    )


def digest(held: Version | Dataset) -> str:
    """One SHA-256 for all files of a version or dataset."""
    return hashlib.sha256("".join(sorted(file.sha256 for file in held.files)).encode()).hexdigest()


def _trained(store: Store, version: Version, record: TrainingRecord, dataset: Dataset) -> Trained:
    method, told = METHODS[version.lineage.step], version.lineage.parameters
    if method == "finetune":
        return Trained(version.model, record, dataset)
    given = {name: value for name, value in told.items() if name not in ("options", "student") and value is not None}
    student = store.versions.get(told["student"]) if told.get("student") else None
    return Trained(version.model, record, dataset, method, given, student)


def _chain(store: Store, version: Version) -> tuple[list[Trained], Version]:
    """The trainings that led to the version, the first one first, and what that one started from."""
    chain: list[Trained] = []
    while version.lineage.step in METHODS and version.lineage.parent and version.lineage.dataset:
        record = TrainingRecord.read(store.versions.path(version))
        if record is None:
            break
        chain.insert(0, _trained(store, version, record, store.datasets.get(version.lineage.dataset)))
        version = store.versions.get(version.lineage.parent)
    if not chain:
        raise InvalidInput(
            f"{version.ref} was {version.lineage.step}, and keeps no record of a training.",
            "Name a version that finetune or distil made, or prune on a dataset.",
        )
    return chain, version
