"""How a service's versions answer now, and how fast versions were when they were measured."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import tiny_onnx
from serving_service import add, spec

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import Conflict, InvalidInput
from jupyter_modeldeploy.records import Job, JobState, Latency, Profile
from jupyter_modeldeploy.serving import figures, lifecycle
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.workspace import services

BODY = {"inputs": {"x": [[1, 2, 3, 4]]}}


@pytest.fixture
def models(store: Store, tmp_path: Path) -> Iterator[Store]:
    add(store, "adder", tiny_onnx.add_one(tmp_path / "adder"))
    yield store
    for service in store.services.list():
        lifecycle.stop(store, service.name, wait_s=5)


def test_figures_are_of_the_requests_since_the_look_before(models: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "SHORTEST_SPAN_S", 0.0)
    workspace = Workspace(models.root)
    lifecycle.start(models, spec("one", ("adder", [1])), "me")
    first = workspace.services.figures("one")
    assert [(one.version, one.requests, one.rps, one.p50_ms) for one in first.versions] in (
        [],
        [("adder@1", 0, None, None)],
    )
    for _ in range(4):
        workspace.services.predict("one", BODY)
    with pytest.raises(InvalidInput):
        workspace.services.predict("one", {"inputs": {}})
    (answered,) = workspace.services.figures("one").versions
    assert (answered.version, answered.requests, answered.failures, answered.failed_share) == ("adder@1", 5, 1, 0.2)
    assert (answered.rps or 0) > 0
    assert 0 < (answered.p50_ms or 0) <= (answered.p99_ms or 0)
    (quiet,) = workspace.services.figures("one").versions
    assert (quiet.requests, quiet.rps, quiet.p50_ms, quiet.failed_share) == (5, 0, None, None)
    while not any(replica.rss_bytes for replica in workspace.services.figures("one").replicas):
        time.sleep(0.1)  # they tell of themselves once a second
    workspace.services.stop("one")
    with pytest.raises(Conflict, match="stopped"):
        workspace.services.figures("one")
    workspace.close()


def test_percentiles_lie_between_the_bounds_of_their_bucket() -> None:
    durations = [0] * 3 + [100] * 15  # all between 0.5 and 1 ms
    assert figures.percentile(durations, 0.5) == pytest.approx(0.75)
    assert figures.percentile([0] * 17 + [3], 0.5) == 30_000  # above all bounds: the highest of them
    assert figures.percentile([0] * 18, 0.5) is None


def test_the_latest_measurement_of_a_version_counts(models: Store) -> None:
    workspace = Workspace(models.root)
    for hour, p50 in enumerate((3.0, 2.0)):
        at = datetime(2030, 1, 1, hour, tzinfo=UTC)
        speed = Latency(p50=p50, p90=p50, p99=p50, mean=p50, requests=9, errors=0, throughput_rps=100, concurrency=1)
        profile = Profile(
            version="adder@1", operators=[], peak_memory_bytes=7, latency=speed, throughput=speed, created_at=at
        )
        job = Job(
            id=f"{hour:012x}",
            kind="profile",
            title="A profile",
            parameters={},
            state=JobState.succeeded,
            owner="me",
            result={"service": "one", "profile": profile.model_dump(mode="json")},
            created_at=at,
            queued_at=at,
        )
        models.jobs.add(job)
    (found,) = workspace.models.measurements("adder")
    assert (found.version, found.of, found.p50_ms, found.per_second) == ("adder@1", "request", 2.0, 100)
    workspace.close()
