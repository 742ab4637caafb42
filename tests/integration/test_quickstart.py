"""The main job from one end to the other on real data, twice on one workspace: the quickstart notebook in a kernel of a
real Jupyter server, then `modeldeploy demo`, which takes what it finds made and measures it anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from jupyter_process import Kernel, running_server

from jupyter_modeldeploy import Workspace, demo, processes
from jupyter_modeldeploy.records import Job

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
TRAINING: dict[str, Any] = {"max_steps": 6, "learning_rate": 2e-4, "head_learning_rate": 2e-3}
"""The notebook's, with fewer steps."""
FEWER = {"max_steps=30": "max_steps=6", "requests=100": "requests=40, seconds=1", "requests=400": "requests=100"}
"""Of the notebook: what is done there to measure, and here to see it done."""
LEAST_RATING = 3.0
"""Of the sentences only the clearest, a twentieth, so that judging the four versions takes seconds."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole-way") / "root"


@pytest.fixture
def workspace(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_ROOT", str(shared))
    opened = Workspace(shared)
    yield opened
    opened.close()


def run_through(kernel: Kernel) -> list[str]:
    """What each cell printed. In the middle of the training the kernel is restarted, as the notebook says it may be."""
    cells = [cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    kernel.run(f"from jupyter_modeldeploy import demo; demo.LEAST_RATING = {LEAST_RATING}")
    outputs = []
    for source in cells:
        for many, few in FEWER.items():
            source = source.replace(many, few)
        outputs.append(kernel.run(source))
        if "finetune(" in source:
            job = kernel.run("training.id").strip("'")
            kernel.restart()
            kernel.run(cells[0])
            kernel.run(f"training = workspace.jobs.get({job!r})")
    return outputs


def test_the_quickstart_runs_and_survives_a_kernel_restart(tmp_path: Path, workspace: Workspace) -> None:
    with running_server(tmp_path) as server:
        kernel = Kernel(server)
        outputs = run_through(kernel)
        kernel.close()
    assert "held-out accuracy" in "\n".join(outputs)
    assert outputs[-2].startswith("sentiment@3 ")
    assert "95 % interval" in outputs[-2]
    assert "stopped" in outputs[-1]
    assert refs(workspace) == [f"sentiment@{n}" for n in (1, 2, 3)]
    assert workspace.services.get("quickstart").state.ended


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "LEAST_RATING", LEAST_RATING)
    monkeypatch.setattr(demo, "TRAINING", TRAINING)
    monkeypatch.setattr(demo, "PROFILING", {"requests": 40, "seconds": 1})
    monkeypatch.setattr(demo, "COMPARE_REQUESTS", 100)


@pytest.mark.usefixtures("short")
def test_the_demo_measures_everything_and_leaves_nothing_running(workspace: Workspace) -> None:
    before = refs(workspace)
    jobs: list[Job] = []

    def wait(job_id: str) -> Job:
        jobs.append(workspace.jobs.get(job_id).wait())
        return jobs[-1]

    out = workspace.store.root  # where the notebook has put the sentences
    demo.run(workspace, out, wait, lambda line: None)

    assert refs(workspace) == (before or [f"sentiment@{n}" for n in (1, 2, 3)]), "what was made is used again"
    report = json.loads((out / "report.json").read_text())
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
    page = (out / "report.html").read_text()
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")

    assert workspace.services.get(demo.SERVICE).state.ended
    for job in jobs:  # a worker writes its end before it exits
        assert job.process is not None
        with suppress(psutil.NoSuchProcess):
            psutil.Process(job.process.pid).wait(timeout=120)
        assert not processes.alive(job.process)


def refs(workspace: Workspace) -> list[str]:
    """The versions of the classifier, where there is one."""
    models = {model.name for model in workspace.models.list()}
    return [version.ref for version in workspace.models.versions("sentiment")] if "sentiment" in models else []
