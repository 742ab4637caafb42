"""The code that a form is written as does what the form would."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.api.writing import WriteCode, write_code
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.workspace.experiments import Experiments
from jupyter_modeldeploy.workspace.models import Models

FINETUNE = {"base": "minilm@1", "dataset": "rows", "name": "it's mine", "options": {"epochs": 2}}


@pytest.fixture
def workspace(root: Path) -> Iterator[Workspace]:
    opened = Workspace(root)
    yield opened
    opened.close()


def called(
    source: str, monkeypatch: pytest.MonkeyPatch, method: str, room: type[Models | Experiments] = Models
) -> dict[str, Any]:
    """What the source hands to a method of a room of the workspace, by its parameters."""
    found: dict[str, Any] = {}

    class Started:
        def wait(self) -> None:
            found["waited"] = True

    def call(self: Models | Experiments, *args: Any, **named: Any) -> Started:
        found.update(signature.bind(self, *args, **named).arguments)
        return Started()

    signature = inspect.signature(getattr(room, method))
    monkeypatch.setattr(room, method, call)
    exec(source, {})
    return found


def test_an_experiment_is_written_with_its_options_and_not_waited_for(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = {"name": "reviews", "candidate": "minilm@2", "steps": "10,100", "metrics": {"bought": "proportion"}}
    source = write_code(workspace, WriteCode(operation="run_experiment", request=json.dumps(request))).source
    found = called(source, monkeypatch, "run", Experiments)
    assert (found["service"], found["candidate"]) == ("reviews", "minilm@2")
    assert found["options"] == {"steps": "10,100", "metrics": {"bought": "proportion"}}
    assert "waited" not in found


def test_a_fine_tuning_is_written_with_what_was_said(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    request = {**FINETUNE, "name": "mine"}
    source = write_code(workspace, WriteCode(operation="finetune_model", request=json.dumps(request))).source
    found = called(source, monkeypatch, "finetune")
    assert (found["base"], found["dataset"], found["name"]) == ("minilm@1", "rows", "mine")
    assert found["options"] == {"epochs": 2}
    assert found["waited"]


def test_a_search_is_written_with_what_was_said(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    request = {"version": "minilm@1", "target": "size", "dataset": None, "minutes": 3, "include_register": False}
    source = write_code(workspace, WriteCode(operation="optimize_model", request=json.dumps(request))).source
    found = called(source, monkeypatch, "optimize")
    assert (found["version"], found["target"], found["minutes"], found["register"]) == ("minilm@1", "size", 3, False)
    assert "dataset" not in found


def test_a_quantization_is_written_with_its_options(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    request = {"version": "minilm@2", "dataset": None, "options": {"method": "weight-int8", "block_size": 64}}
    source = write_code(workspace, WriteCode(operation="quantize_model", request=json.dumps(request))).source
    found = called(source, monkeypatch, "quantize")
    assert (found["version"], found["options"]) == ("minilm@2", {"method": "weight-int8", "block_size": 64})


def test_what_the_operation_would_refuse_is_not_written(workspace: Workspace) -> None:
    with pytest.raises(InvalidInput, match="name: String should match"):
        write_code(workspace, WriteCode(operation="finetune_model", request=json.dumps(FINETUNE)))
