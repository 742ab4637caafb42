"""A repository that harms, through every door: it is fetched and shown with what was found, and nothing loads it until
somebody says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiny_onnx
import torch
from hostile_pickles import Payload
from hostile_repositories import payload
from typer.testing import CliRunner, Result

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.cli.app import app
from jupyter_modeldeploy.errors import ModelDeployError


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "ran"


@pytest.fixture
def repository(tmp_path: Path, marker: Path) -> Path:
    """A sound ONNX model beside the state of an optimizer that runs a command when it is loaded."""
    folder = tiny_onnx.add_one(tmp_path / "repository")
    torch.save({"state": torch.zeros(2), "more": Payload(payload(marker))}, folder / "optimizer.pt")
    return folder


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    opened = Workspace()
    yield opened
    opened.close()


@pytest.fixture
def cli(root: Path) -> Callable[..., Result]:
    runner = CliRunner(env={"JUPYTER_MODELDEPLOY_ROOT": str(root), "COLUMNS": "200"})
    return lambda *arguments: runner.invoke(app, list(arguments))


def test_what_is_unsafe_waits_for_an_explicit_word(
    workspace: Workspace, repository: Path, marker: Path, cli: Callable[..., Result]
) -> None:
    workspace.models.fetch(f"file:{repository}", "shady").wait()
    for act in (
        lambda: workspace.models.path("shady"),
        lambda: workspace.models.quantize("shady"),
        lambda: workspace.services.start(workspace.services.spec("shady", ["shady"])),
    ):
        with pytest.raises(ModelDeployError, match=r"optimizer\.pt\S* would run \w+\.system"):
            act()

    shown = cli("models", "show", "shady").stdout
    assert "shady@1 quarantined" in shown
    assert "would run posix.system when loaded" in shown
    assert "models trust shady@1 --reason" in shown
    assert "quarantined" in cli("models", "list").stdout

    assert cli("models", "trust", "shady@1").exit_code == 2, "a reason must be given"
    said = cli("models", "trust", "shady@1", "--reason", "only its optimizer, which nothing here loads", "--json")
    kept = json.loads(said.stdout)["versions"][0]["verdict"]["trusted"]
    assert kept["reason"] == "only its optimizer, which nothing here loads"
    assert kept["by"] == workspace.store.settings.owner
    assert "trusts it since" in cli("models", "show", "shady").stdout

    service = workspace.services.start(workspace.services.spec("shady", ["shady"]))
    assert cli("models", "distrust", "shady@1").exit_code == 0
    asked = {"inputs": {"x": [[1.0, 2.0, 3.0, 4.0]]}}
    assert workspace.services.predict(service.name, asked), "what has loaded it keeps running"
    workspace.services.stop(service.name)
    with pytest.raises(ModelDeployError, match="is in quarantine"):
        workspace.services.start(service.spec)
    assert not marker.exists(), "nothing of it ever ran"


def test_the_word_can_be_said_when_it_is_fetched(workspace: Workspace, repository: Path, marker: Path) -> None:
    workspace.models.fetch(f"file:{repository}", "shady", trust=True).wait()
    verdict = workspace.models.version("shady").verdict
    assert verdict is not None
    assert verdict.trusted is not None
    assert verdict.findings
    assert (workspace.models.path("shady") / "optimizer.pt").exists()
    assert not marker.exists()
