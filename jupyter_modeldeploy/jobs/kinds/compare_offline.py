"""Compare two versions on the same labelled rows, without a service."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.jobs.kinds import held_out
from jupyter_modeldeploy.records import Experiment

if TYPE_CHECKING:
    from jupyter_modeldeploy.judging.versions import Questions
    from jupyter_modeldeploy.runtimes import Runtime
    from jupyter_modeldeploy.tasks import Task

WARM_UP = 5
"""Rows that each version answers before it is timed."""


class OfflineParameters(Parameters):
    base: str = Field(description="the version to compare with: NAME, NAME@3 or NAME@alias")
    candidate: str = Field(description="the version to judge")
    dataset: str | None = Field(default=None, description="judge on its held-out rows; else on those of the base's own")
    timed_rows: int = Field(default=200, ge=10, le=100_000, description="rows that latency is measured on")


def run(context: Context) -> dict[str, Any]:
    from jupyter_modeldeploy.experiments import paired, verdicts
    from jupyter_modeldeploy.judging import versions

    parameters: OfflineParameters = context.parameters
    store = context.store
    if known := store.experiments.made_by(context.job_id):  # killed after it was written
        return {"experiment": known.model_dump(mode="json")}
    base, candidate = (store.versions.get(ref) for ref in (parameters.base, parameters.candidate))
    dataset = held_out.required_dataset(store, base, parameters.dataset)
    with held_out.opened(store, base, dataset) as one, held_out.opened(store, candidate, dataset) as other:
        asked = [held_out.questions(store, task, dataset) for _, task in (one, other)]
        judged = [
            versions.judge(runtime, task, questions, context.reporter)
            for (runtime, task), questions in zip((one, other), asked, strict=True)
        ]
        base_ms, candidate_ms = _timed([(*one, asked[0]), (*other, asked[1])], parameters.timed_rows)
    metrics = paired.together(
        [
            paired.latency(base_ms, candidate_ms),
            *paired.metrics(judged[0], judged[1]),
            paired.size(base.size_bytes, candidate.size_bytes),
        ]
    )
    experiment = store.experiments.add(
        Experiment(
            id=context.job_id,
            service=None,
            base=base.ref,
            candidate=candidate.ref,
            split=[1.0, 1.0],
            metrics=metrics,
            split_p_value=1.0,
            verdict=verdicts.sentence(candidate.ref, metrics),
            owner=store.settings.owner,
            job=context.job_id,
            created_at=datetime.now(UTC),
            kind="offline",
            unit="row",
            units=[len(asked[0]), len(asked[1])],
        )
    )
    return {"experiment": experiment.model_dump(mode="json"), "dataset": dataset.ref}


def _timed(sides: list[tuple[Runtime, Task, Questions]], rows: int) -> list[np.ndarray]:
    """Milliseconds of each row under both versions, float64[rows] each: one row after the other, in turns who is first,
    so that both meet the same machine."""
    rows = min(rows, len(sides[0][2]))
    for row in range(min(WARM_UP, rows)):
        for side in sides:
            _milliseconds(*side, row)
    found = [np.empty(rows), np.empty(rows)]
    for row in range(rows):
        for number in (0, 1) if row % 2 else (1, 0):
            found[number][row] = _milliseconds(*sides[number], row)
    return found


def _milliseconds(runtime: Runtime, task: Task, questions: Questions, row: int) -> float:
    item = questions.item(row)
    begin = time.perf_counter()
    runtime.run(task.encode([item]))
    return 1000 * (time.perf_counter() - begin)


KIND = Kind(
    "compare-offline", OfflineParameters, lambda p: f"Compare {p.candidate} with {p.base} on labelled rows", run
)
