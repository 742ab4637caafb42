"""What a panel tells cells about what is open in it, and what cells can open in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import recorded_experiment
import tiny_onnx

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import InvalidInput, NotFound, Unavailable
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Step
from jupyter_modeldeploy.widgets import (
    DevicesPanel,
    FineTunePanel,
    JobPanel,
    ModelsPanel,
    OptimizePanel,
    ReportPanel,
    ServicePanel,
    panel,
    shown,
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_a_cell_hears_what_was_opened_in_the_panel_and_what_was_left(workspace: Workspace) -> None:
    models, heard = ModelsPanel(workspace=workspace), []
    models.observe(lambda change: heard.append(change["new"]), "model")
    models.address = {"page": "model", "name": "minilm"}  # as the front end sets it
    models.address = {"page": "job", "id": "0123456789ab"}
    assert heard == ["minilm", ""]
    assert models.job == "0123456789ab"


def test_a_cell_opens_what_it_names_and_goes_home(workspace: Workspace) -> None:
    service = ServicePanel(workspace=workspace)
    service.service = "reviews"
    assert service.address == {"page": "service", "name": "reviews"}
    service.service = ""
    assert service.address is None


def test_a_panel_opens_with_what_it_is_given(workspace: Workspace) -> None:
    assert JobPanel("0123456789ab", workspace).address == {"page": "job", "id": "0123456789ab"}
    assert DevicesPanel(workspace).home == {"view": "devices"}


def test_a_form_and_a_report_are_about_what_a_name_means_now(workspace: Workspace, tmp_path: Path) -> None:
    new = NewVersion(model="minilm", format=Format.onnx, task="tensor", lineage=Lineage(step=Step.imported))
    for _ in range(2):
        workspace.store.versions.add(new, tiny_onnx.add_one(tmp_path / "minilm"))
    assert OptimizePanel("minilm", workspace).home == {"page": "optimize", "version": "minilm@2"}
    assert FineTunePanel("minilm@1", workspace=workspace).home == {"page": "finetune", "base": "minilm@1"}
    assert ReportPanel(version="minilm", workspace=workspace).home == {"view": "report", "version": "minilm@2"}


def test_a_form_or_a_report_about_what_is_not_there_says_so(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="minilm"):
        FineTunePanel("minilm", workspace=workspace)
    with pytest.raises(NotFound, match="sentences"):
        ReportPanel(dataset="sentences", workspace=workspace)
    with pytest.raises(NotFound, match="0123456789ab"):
        ReportPanel(job="0123456789ab", workspace=workspace)


def test_the_job_that_was_started_in_a_form_is_told(workspace: Workspace) -> None:
    form = FineTunePanel(workspace=workspace)
    form.address = {"page": "job", "id": "0123456789ab"}
    assert form.job == "0123456789ab"


def test_a_report_is_about_one_thing(workspace: Workspace) -> None:
    with pytest.raises(InvalidInput, match="about one thing, not 2"):
        ReportPanel(job="0123456789ab", version="minilm@2", workspace=workspace)


def test_an_experiment_shows_itself_with_its_verdict_for_whoever_has_no_panels(workspace: Workspace) -> None:
    found = workspace.store.experiments.add(recorded_experiment.experiment())
    home = ReportPanel(experiment=found.id, workspace=workspace).home
    assert home == {"view": "report", "experiment": found.id}
    parts = shown.bundle(found)
    assert "application/vnd.jupyter.widget-view+json" in parts
    assert found.verdict in parts["text/html"]


def test_without_its_build_a_panel_says_how_to_get_it(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel._built.cache_clear()
    monkeypatch.setattr(panel, "BUNDLE", tmp_path)
    with pytest.raises(Unavailable, match=r"panel.js is missing. Run: jlpm build"):
        ModelsPanel(workspace=workspace)
