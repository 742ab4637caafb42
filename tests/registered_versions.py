"""Versions, evaluations and experiments as tests of the registry need them, without a training."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import (
    EvaluatedMetric,
    EvaluationReport,
    Experiment,
    Format,
    Interval,
    Job,
    JobState,
    Lineage,
    NewVersion,
    Step,
    Version,
)

As = Callable[[str], Workspace]

_ids = itertools.count(1)


def made(
    workspace: Workspace,
    folder: Path,
    accuracy: float | None = None,
    dataset: str = "reviews@1",
    files: dict[str, str] | None = None,
    **fields: object,
) -> Version:
    """The next version of `m`, whose `accuracy` is of the held-out rows of `dataset`."""
    path = folder / f"files{next(_ids)}"
    path.mkdir()
    for name, text in (files or {"model.onnx": "weights"}).items():
        (path / name).write_text(text)
    origin = {name: fields.pop(name) for name in ("parent", "parameters") if name in fields}
    lineage = Lineage.model_validate({"step": Step.finetuned, "dataset": dataset, **origin})
    new = NewVersion.model_validate(
        {"model": "m", "format": Format.onnx, "task": "tensor", "lineage": lineage, **fields}
    )
    metrics = {} if accuracy is None else {"accuracy": accuracy}
    return workspace.store.versions.add(new.model_copy(update={"metrics": metrics}), path)


def evaluated(
    workspace: Workspace, version: str, against: str, accuracy: tuple[float, float], ends: tuple[float, float]
) -> None:
    """A job that found these accuracies of the two, and the ends of the interval of their difference."""
    value, before = accuracy
    difference = Interval(value=value - before, low=ends[0], high=ends[1])
    metric = EvaluatedMetric(name="accuracy", value=value, before=before, difference=difference)
    own = EvaluationReport(kind="single-label", dataset="reviews@2", rows=1000, beside=against, metrics=[metric])
    other = own.model_copy(update={"beside": None, "metrics": [EvaluatedMetric(name="accuracy", value=before)]})
    result = {
        "dataset": "reviews@2",
        "version": version,
        "evaluation": own.model_dump(mode="json"),
        "against": against,
        "against_evaluation": other.model_dump(mode="json"),
    }
    workspace.store.jobs.add(
        Job(
            id=f"{next(_ids):012x}",
            kind="evaluate",
            title=f"Evaluate {version}",
            state=JobState.succeeded,
            parameters={},
            owner="me",
            created_at=datetime.now(UTC),
            queued_at=datetime.now(UTC),
            result=result,
        )
    )


def experimented(workspace: Workspace, base: str, candidate: str, split_p_value: float) -> None:
    """An experiment that found nothing worse, with this p-value of its split."""
    workspace.store.experiments.add(
        Experiment(
            id=f"{next(_ids):012x}",
            service="m",
            base=base,
            candidate=candidate,
            split=[50, 50],
            metrics=[],
            split_p_value=split_p_value,
            verdict="",
            owner="me",
            created_at=datetime.now(UTC),
        )
    )
