"""How fast the versions of a model are, from what jobs have measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from jupyter_modeldeploy.records import Job, JobState, Profile
from jupyter_modeldeploy.records.figures import Measurement
from jupyter_modeldeploy.records.optimizations import ORIGINAL, Optimization
from jupyter_modeldeploy.store import Store


def measurements(store: Store, model: str) -> Sequence[Measurement]:
    """Of each version of `model` the latest measurement of each kind. Raises NotFound."""
    refs = {version.ref for version in store.versions.list(store.models.get(model).name)}
    latest: dict[tuple[str, str], Measurement] = {}
    for job in store.jobs.list([JobState.succeeded]):  # the newest first
        for found in _of(job):
            if found.version in refs:
                latest.setdefault((found.version, found.of), found)
    return [latest[key] for key in sorted(latest)]


def _of(job: Job) -> Iterable[Measurement]:
    if job.result is None:
        return ()
    if job.kind == "profile":
        return _profiled(job, Profile.model_validate(job.result["profile"]))
    if job.kind == "optimize":
        return _searched(job, Optimization.model_validate(job.result))
    return ()


def _profiled(job: Job, profile: Profile) -> Iterator[Measurement]:
    """How it answered; of a profile without a service nothing is known of that."""
    if profile.latency is None or profile.throughput is None:
        return
    yield Measurement(
        version=profile.version,
        of="request",
        p50_ms=profile.latency.p50,
        per_second=profile.throughput.throughput_rps,
        peak_memory_bytes=profile.peak_memory_bytes,
        job=job.id,
        at=profile.created_at,
    )


def _searched(job: Job, search: Optimization) -> Iterator[Measurement]:
    for candidate in search.candidates:
        ref = search.base if candidate.name == ORIGINAL else candidate.version
        if ref and candidate.latency:
            yield Measurement(
                version=ref,
                of="run",
                p50_ms=candidate.latency.p50_ms.median,
                per_second=candidate.throughput.rows_per_s.median if candidate.throughput else None,
                peak_memory_bytes=candidate.peak_memory_bytes,
                job=job.id,
                at=job.ended_at or search.created_at,
            )
