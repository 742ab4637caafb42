"""Load on a real service, by its name and by its address, as a user puts it on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from serving_service import Served

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import InvalidInput, JobFailed
from jupyter_modeldeploy.profiling.load.histogram import Histogram
from jupyter_modeldeploy.records import Profile
from jupyter_modeldeploy.records.loads import LoadReport

SHORT = {"duration": "3s", "tolerance": 1.0}


@pytest.fixture(scope="module")
def workspace(served: Served) -> Workspace:
    return Workspace(served.store.settings.root)


def test_a_sweep_tells_the_curve_the_parts_and_what_to_choose(workspace: Workspace, tmp_path: Path) -> None:
    handle = workspace.services.profile("shared", model="slow", concurrency="1,4", **SHORT)
    report = LoadReport.model_validate(handle.result(240)["load"])
    assert [step.concurrency for step in report.steps] == [1, 4]
    for step in report.steps:
        assert not step.errors
        assert step.latency.p50 is not None
        assert Histogram.decode(step.histogram).count >= step.requests > 0
        assert {stage.name for stage in step.stages} == {"generator", "network", "queue", "compute", "encode"}
        assert sum(stage.mean_ms for stage in step.stages) == pytest.approx(step.naive.mean, rel=0.2)
    assert report.recommended is not None
    assert "concurrency" in report.advice
    page = workspace.services.load_report(handle.id).write(tmp_path / "load.html").read_text()
    assert page.index("<svg") < page.index("<table")  # the picture comes first
    assert "recommended" in page


def test_any_v2_endpoint_is_asked_by_its_address_from_the_command_line(served: Served, tmp_path: Path) -> None:
    """Its inputs are made from what it says of its model; in binary; by a rate."""
    token = tmp_path / "token"
    token.write_text(served.token)
    url = f"{served.service.url}/v2/models/adder/infer"
    options = ["--rate", "50", "--duration", "2s", "--token-file", str(token), "--binary", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_modeldeploy.cli", "profile", "--url", url, *options],
        env={**os.environ, "JUPYTER_MODELDEPLOY_ROOT": str(served.store.settings.root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    job: dict[str, Any] = json.loads(done.stdout)
    (step,) = LoadReport.model_validate(job["result"]["load"]).steps
    assert not step.errors
    assert 50 < step.requests < 200
    assert served.token not in json.dumps(job)


def test_a_recorded_trace_is_played_with_its_own_bodies(workspace: Workspace, tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    rows = [{"timestamp": n / 40, "body": {"text": "good" if n % 2 else "bad"}} for n in range(60)]
    trace.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    result = workspace.services.profile("shared", model="texts", replay=trace).result(240)
    (step,) = LoadReport.model_validate(result["load"]).steps
    assert (step.requests, step.failed) == (60, 0)


def test_what_no_load_can_be_put_on_is_said_with_a_way_out(workspace: Workspace, served: Served) -> None:
    with pytest.raises(InvalidInput, match="a service, or a url"):
        workspace.services.profile()
    with pytest.raises(JobFailed, match="--body FILE"):
        workspace.services.profile(url=f"{served.service.url}/predict/texts", duration="1s").wait(timeout_s=240)


def test_the_operators_of_a_running_service_are_profiled_beside_it(workspace: Workspace) -> None:
    profile = Profile.model_validate(workspace.services.profile_operators("shared", seconds=0.5).result(240)["profile"])
    assert profile.service == "shared"
    assert profile.latency is None  # it was sent nothing
    assert sum(one.share for one in profile.operators) == pytest.approx(1)
    assert profile.memory is not None
    assert 0 < profile.memory.weights_bytes + profile.memory.runtime_bytes < profile.memory.peak_bytes
