"""In a kernel, what the façade gives back shows itself as a panel, with a table for whoever cannot show panels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_onnx
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

DEADLINE_S = 240
PANEL = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def kernel(root: Path) -> Iterator[BlockingKernelClient]:
    """A kernel of its own process, in the workspace of this test."""
    manager, client = start_new_kernel(startup_timeout=DEADLINE_S, kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel()


def shown(kernel: BlockingKernelClient, code: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """What the cell's last line shows by media type, and the state that its panel was opened with."""
    found: list[dict[str, Any]] = []
    states: list[dict[str, Any]] = []

    def take(message: dict[str, Any]) -> None:
        assert message["msg_type"] != "error", message["content"]
        if message["msg_type"] in ("execute_result", "display_data"):
            found.append(message["content"]["data"])
        if message["msg_type"] == "comm_open" and "_esm" in message["content"]["data"]["state"]:
            states.append(message["content"]["data"]["state"])

    kernel.execute_interactive(code, output_hook=take, timeout=DEADLINE_S)
    return found[-1], states[-1] if states else None


def test_models_versions_and_jobs_are_panels_with_a_table_behind_them(
    kernel: BlockingKernelClient, tmp_path: Path
) -> None:
    folder = tiny_onnx.classifier(tmp_path / "classifier")
    begin = "from jupyter_modeldeploy import Workspace\nworkspace = Workspace()\n"
    fetch = f"job = workspace.models.fetch({f'file:{folder}'!r}, 'films')\njob.wait()\njob"
    bundle, state = shown(kernel, begin + fetch)
    assert state is not None
    assert state["home"] == {"view": "jobs"}
    assert state["address"]["page"] == "job"
    assert "films@1" in bundle["text/html"]
    assert PANEL in bundle
    bundle, state = shown(kernel, "workspace.models.get('films')")
    assert state is not None
    assert state["address"] == {"page": "model", "name": "films"}
    assert "<td>text-classification</td>" in bundle["text/html"]
    assert "films" in bundle["text/plain"]
    bundle, state = shown(kernel, "job.version()")
    assert "<td>films@1</td>" in bundle["text/html"]
    assert PANEL in bundle


def test_what_no_open_workspace_holds_is_a_table_alone(kernel: BlockingKernelClient) -> None:
    record = (
        "import datetime, jupyter_modeldeploy.records as records\n"
        "from jupyter_modeldeploy import Workspace\n"
        "workspace = Workspace()\n"
        "records.Model(name='a', task='<b>', owner='me', created_at=datetime.datetime.now(datetime.UTC))"
    )
    bundle, state = shown(kernel, record)
    assert state is None
    assert PANEL not in bundle
    assert "<td>&lt;b&gt;</td>" in bundle["text/html"]
