"""`modeldeploy demo` with a short training: the whole way on real data, and the report that scripts read."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from jupyter_modeldeploy import Workspace, demo, processes
from jupyter_modeldeploy.records import Job


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "LEAST_RATING", 2.5)  # the clearest sentences only, a seventh of them
    monkeypatch.setattr(demo, "TRAINING", {"max_steps": 12})
    monkeypatch.setattr(demo, "PROFILE_REQUESTS", 40)
    monkeypatch.setattr(demo, "COMPARE_REQUESTS", 200)


@pytest.mark.usefixtures("short")
def test_the_demo_measures_everything_and_leaves_nothing_running(root: Path, tmp_path: Path) -> None:
    workspace = Workspace(root)
    jobs: list[Job] = []

    def wait(job_id: str) -> Job:
        jobs.append(workspace.jobs.get(job_id).wait())
        return jobs[-1]

    demo.run(workspace, tmp_path / "out", wait, lambda line: None)

    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert 0 < report["accuracy_before"] < 1
    low, high = report["accuracy_difference_ci"]
    assert low <= report["accuracy_int8"] - report["accuracy_fp32"] <= high
    assert report["size_fp32_bytes"] > 3.5 * report["size_int8_bytes"]
    for form in ("fp32", "int8"):
        assert 0 < report["latency_ms"][form]["p50"] <= report["latency_ms"][form]["p99"]
        assert report["throughput_rps"][form] > 0
    assert report["peak_memory_bytes"] > report["size_int8_bytes"]
    assert len(report["operators"]) >= 10
    assert {"name", "type", "share"} <= set(report["operators"][0])
    comparison = report["comparison"]
    assert comparison["low"] <= comparison["difference"] <= comparison["high"]
    assert comparison["metric"] == "latency_ms"
    assert comparison["verdict"] in ("better", "worse", "undecided")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")

    assert workspace.services.get(demo.SERVICE).state.ended
    for job in jobs:  # a worker writes its end before it exits
        assert job.process is not None
        with suppress(psutil.NoSuchProcess):
            psutil.Process(job.process.pid).wait(timeout=30)
        assert not processes.alive(job.process)
    workspace.close()
