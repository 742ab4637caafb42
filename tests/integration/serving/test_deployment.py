"""One line from a model's files to an endpoint that answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_onnx

from jupyter_modeldeploy import DeploymentManager, ModelServer, Workspace
from jupyter_modeldeploy.errors import Conflict, NotFound, Unavailable

BODY = {"inputs": {"x": [[1, 2, 3, 4]]}}


@pytest.fixture
def workspace(root: Path) -> Iterator[Workspace]:
    opened = Workspace(root)
    yield opened
    for service in opened.services.list():
        opened.services.stop(service.name)
    opened.close()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_onnx.add_one(tmp_path / "adder") / "model.onnx"


def test_a_path_is_deployed_called_and_stopped(workspace: Workspace, model: Path) -> None:
    endpoint = ModelServer(model_path=model, instance_type="cpu-1c2g", workspace=workspace).deploy()
    assert str(endpoint) == repr(endpoint) == endpoint.url
    assert endpoint.url.startswith("http://127.0.0.1:")
    assert endpoint.name == "adder"
    assert endpoint.predict(BODY) == [{"y": [2, 3, 4, 5]}]
    assert endpoint.service.spec.instance_type == "cpu-1c2g"
    endpoint.stop()
    with pytest.raises(Conflict, match="stopped"):
        _ = endpoint.url


def test_the_same_path_twice_makes_no_second_version_and_changes_the_service(workspace: Workspace, model: Path) -> None:
    first = ModelServer(model.parent, workspace=workspace, name="api").deploy()
    url = first.url
    second = ModelServer(model.parent, workspace=workspace, name="api", max_queue=7).deploy()
    assert (second.url, second.service.spec.max_queue) == (url, 7)
    assert [version.ref for version in workspace.models.versions()] == ["adder@1"]
    tiny_onnx.add_one(model.parent, 10)
    third = ModelServer(model.parent, workspace=workspace, name="api").deploy()
    assert third.url == url
    assert third.predict(BODY) == [{"y": [11, 12, 13, 14]}]


def test_a_stopped_service_is_deployed_again(workspace: Workspace, model: Path) -> None:
    ModelServer(model, workspace=workspace).deploy().stop()
    assert ModelServer("adder@1", workspace=workspace).deploy().predict(BODY) == [{"y": [2, 3, 4, 5]}]


def test_auto_scaling_lets_the_load_decide(workspace: Workspace, model: Path) -> None:
    manager = DeploymentManager(model_path=str(model), instance_type="cpu-2c4g", auto_scaling=True, workspace=workspace)
    scaling = manager.deploy().service.spec.scaling
    assert (scaling.min_replicas, scaling.max_replicas) == (1, 2)


def test_what_cannot_be_is_told(workspace: Workspace, model: Path) -> None:
    with pytest.raises(NotFound, match="nosuch"):
        ModelServer("nosuch@1", workspace=workspace).deploy()
    with pytest.raises(NotFound):
        ModelServer("nosuch", workspace=workspace).deploy()
    if not any(device.kind == "cuda" for device in workspace.devices.list()):
        with pytest.raises(Unavailable, match="needs a GPU"):
            ModelServer(model, instance_type="gpu-4c8g", workspace=workspace).deploy()


def test_the_python_snippets_run_as_they_are(workspace: Workspace, model: Path) -> None:
    endpoint = ModelServer(model, workspace=workspace).deploy()
    assert set(endpoint.snippets) == {"curl", "python", "tritonclient", "javascript"}
    environment = {"MODELDEPLOY_TOKEN": str(endpoint.token), "PATH": "/usr/bin:/bin"}
    for language, command in (
        ("python", [sys.executable, "-c"]),
        ("tritonclient", [sys.executable, "-c"]),
        ("curl", ["sh", "-c"]),
        ("javascript", ["node", "--input-type=module", "-e"]),
    ):
        assert str(endpoint.token) not in endpoint.snippets[language]
        ran = subprocess.run([*command, endpoint.snippets[language]], env=environment, capture_output=True, text=True)
        assert ran.returncode == 0, (language, ran.stderr)
        assert "y" in ran.stdout
