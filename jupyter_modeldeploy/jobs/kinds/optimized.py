"""What a search for a better form has found, and its points as versions of the model."""

from __future__ import annotations

from typing import Any

from jupyter_modeldeploy.errors import Conflict, NotFound
from jupyter_modeldeploy.records import Job, JobState, Lineage, NewVersion, Step, Version
from jupyter_modeldeploy.records.optimizations import ORIGINAL, Candidate, Optimization
from jupyter_modeldeploy.store import Store

KIND = "optimize"
"""That of the jobs that search."""
WORK = "search"
"""The folder of a job in which it does."""


def result_of(job: Job) -> Optimization:
    """What a search has found, so far or at its end. Raises Conflict for another job, or one without anything yet."""
    if job.kind != KIND:
        raise Conflict(f"The job {job.id} is a {job.kind}.", "Name one of modeldeploy optimize: modeldeploy jobs list.")
    if job.result is None:
        raise Conflict(f"The job {job.id} has found nothing yet.", "Wait for it: modeldeploy jobs wait.")
    return Optimization.model_validate(job.result)


def register(store: Store, job_id: str, found: Optimization, point: str, is_result: bool = False) -> Optimization:
    """What was found, with the point registered as a version of the model; the original is one already.

    Raises NotFound for what is no point of the front."""
    if point not in found.front:
        raise NotFound(f"{point!r} is no point of the front.", f"Those are: {', '.join(found.front)}.")
    candidate = found.candidate(point)
    assert candidate is not None  # the front names candidates
    if point == ORIGINAL:
        made = store.versions.get(found.base)
    else:
        made = _made(store, job_id, candidate) or _add(store, job_id, found, candidate)
    candidates = [
        one.model_copy(update={"version": made.ref}) if one.name == point else one for one in found.candidates
    ]
    update: dict[str, Any] = {"candidates": candidates}
    if is_result:
        update |= {"version": made.ref, "metrics": {} if point == ORIGINAL else made.metrics}
    return found.model_copy(update=update)


def register_later(store: Store, job: Job, point: str) -> Version:
    """Another point of a finished search as a version. Raises Conflict for another job, or one that has not ended."""
    found = result_of(job)
    if job.state is not JobState.succeeded:
        raise Conflict(f"The job {job.id} is {job.state}.", "Wait for its end: modeldeploy jobs wait.")
    found = register(store, job.id, found, point)
    candidate = found.candidate(point)
    assert candidate is not None  # it was just registered
    assert candidate.version is not None
    store.jobs.update(job.id, [JobState.succeeded], job.attempt, result=found.model_dump(mode="json"))
    return store.versions.get(candidate.version)


def _made(store: Store, job_id: str, candidate: Candidate) -> Version | None:
    """The version of this candidate that the job registered before it was killed, or that was asked for before."""
    model = store.jobs.get(job_id).parameters["version"].partition("@")[0]
    mine = [one for one in store.versions.list(model) if one.lineage.job == job_id]
    return next((one for one in mine if one.lineage.parameters.get("candidate") == candidate.name), None)


def _add(store: Store, job_id: str, found: Optimization, candidate: Candidate) -> Version:
    base = store.versions.get(found.base)
    folder = store.job_folder(job_id) / WORK / "candidates" / candidate.name
    if not folder.exists():
        raise NotFound(f"The files of {candidate.name} are gone.", "Search again.")
    new = NewVersion(
        model=base.model,
        format=candidate.format,
        task=base.task,
        lineage=Lineage(
            step=Step.optimized,
            parent=base.ref,
            dataset=found.dataset,
            parameters={"candidate": candidate.name, "format": candidate.format, **(candidate.quantization or {})},
            job=job_id,
        ),
        signature=candidate.signature,
        metrics=_metrics(candidate),
        classes=base.classes,
    )
    return store.versions.add(new, folder)


def _metrics(candidate: Candidate) -> dict[str, float]:
    """As quantizing names them, from the test rows, and what the search measured."""
    metrics: dict[str, float] = {}
    if judged := candidate.test:
        name, difference = judged.metric, judged.difference
        metrics |= {
            name: judged.value.value,
            f"{name}_difference": difference.value,
            f"{name}_difference_low": difference.low,
            f"{name}_difference_high": difference.high,
            "agreement": judged.agreement,
        }
    if candidate.latency:
        metrics |= {"latency_p50_ms": candidate.latency.p50_ms.median, "latency_p95_ms": candidate.latency.p95_ms}
    if candidate.throughput:
        metrics["rows_per_s"] = candidate.throughput.rows_per_s.median
    if candidate.peak_memory_bytes:
        metrics["peak_memory_bytes"] = candidate.peak_memory_bytes
    return metrics
