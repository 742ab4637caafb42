"""The whole report of a running service, as a user asks for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import serving_service
import tiny_onnx

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import Conflict
from jupyter_modeldeploy.records.service_reports import ServiceReport


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    opened = Workspace(tmp_path / "own")
    serving_service.add(opened.store, "texts", tiny_onnx.classifier(tmp_path / "texts"), "text-classification")
    opened.services.start(opened.services.spec("reviews", ["texts@1"], instances=16, threads=4))
    yield opened
    opened.services.stop("reviews")
    opened.close()


def test_a_report_tells_the_curve_the_parts_and_what_was_tried_beside(workspace: Workspace, tmp_path: Path) -> None:
    before = workspace.services.get("reviews")
    job = workspace.services.report("reviews", duration="3s", concurrency="1,8")
    report = ServiceReport.model_validate(job.result(240)["service_report"])
    assert [step.label for step in report.load.steps] == ["1", "8"]
    assert sum(part.share for part in report.parts) == pytest.approx(1)
    assert {"the tokenizer", "the model"} <= {part.name for part in report.parts}
    assert report.operators
    assert report.memory
    (trial,) = report.trials
    assert trial.cause == "threads"
    assert trial.speed_up is not None, trial.why
    assert trial.kept == bool(report.advice)
    assert workspace.services.get("reviews") == before  # nobody touched it

    page = workspace.services.report_page(job.id)
    html = page.html()
    assert html.index("<svg") < html.index("<table") < html.index("<h2>Advice")
    assert report.summary in page.markdown()
    with pytest.raises(Conflict, match="no load to show"):
        workspace.services.load_report(job.id)

    budget = tmp_path / "budget.toml"
    budget.write_text("[budget]\nconnections = 8\np99_ms = 60000\nsize_mb = 0.000001\n")
    program = [sys.executable, "-m", "jupyter_modeldeploy.cli", "--root", str(workspace.store.settings.root)]
    asked = [*program, "profile-report", job.id, "--check", str(budget), "--compare", job.id]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "beyond" in done.stdout
    assert f"Nothing is worse than {job.id}" in done.stdout
