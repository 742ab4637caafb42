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
    MetricComparison,
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


def experimented(workspace: Workspace, base: str, candidate: str, ends: tuple[float, float], **fields: object) -> str:
    """The id of an experiment that found accuracy to differ by an interval with these `ends`, from 0.8."""
    low, high = ends
    accuracy = MetricComparison(
        metric="accuracy",
        unit="proportion",
        lower_is_better=False,
        base=0.8,
        candidate=0.8 + (low + high) / 2,
        difference=Interval(value=(low + high) / 2, low=low, high=high),
        verdict="better" if low > 0 else "worse" if high < 0 else "undecided",
        base_samples=500,
        candidate_samples=500,
        method="sequence",
    )
    given = {"kind": "live", "method": "sequence", "split_p_value": 0.4, "units": [500, 500], "metrics": [accuracy]}
    experiment = Experiment.model_validate(
        {
            "id": f"{next(_ids):012x}",
            "service": "m",
            "base": base,
            "candidate": candidate,
            "split": [0.5, 0.5],
            "verdict": "",
            "owner": "me",
            "created_at": datetime.now(UTC),
            **given,
            **fields,
        }
    )
    return workspace.store.experiments.add(experiment).id
