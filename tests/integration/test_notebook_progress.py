"""In a notebook a job shows how far it is, in the cell that began it, while the kernel stays free."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_onnx
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

DEADLINE_S = 240


@pytest.fixture
def kernel(root: Path) -> Iterator[BlockingKernelClient]:
    """A kernel of its own process, in the workspace of this test."""
    manager, client = start_new_kernel(startup_timeout=DEADLINE_S, kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel()


def displays(kernel: BlockingKernelClient, code: str, end: str) -> list[dict[str, Any]]:
    """What a cell displays, the first time and each time anew, until the HTML says `end`."""
    kernel.execute(code)
    found: list[dict[str, Any]] = []
    while not found or end not in found[-1]["data"]["text/html"]:
        message = kernel.get_iopub_msg(timeout=DEADLINE_S)
        assert message["msg_type"] != "error", message["content"]
        if message["msg_type"] in ("display_data", "update_display_data"):
            found.append(message["content"])
    return found


def test_a_fetch_returns_at_once_and_its_cell_follows_it(kernel: BlockingKernelClient, tmp_path: Path) -> None:
    folder = tiny_onnx.classifier(tmp_path / "a <b> classifier")
    code = (
        "from jupyter_modeldeploy import Workspace\n"
        "workspace = Workspace()\n"
        f"workspace.models.fetch({f'file:{folder}'!r}, 'films')"
    )
    shown = displays(kernel, code, "succeeded")
    assert "<progress" in shown[0]["data"]["text/html"]
    assert "a &lt;b&gt; classifier" in shown[0]["data"]["text/html"]
    assert "films@1" in shown[-1]["data"]["text/plain"]
    assert len({content["transient"]["display_id"] for content in shown}) == 1


def test_a_job_that_fails_says_why_in_its_cell(kernel: BlockingKernelClient) -> None:
    code = "from jupyter_modeldeploy import Workspace\nWorkspace().models.fetch('file:/nowhere', 'films')"
    assert "There is no file or folder /nowhere" in displays(kernel, code, "failed")[-1]["data"]["text/plain"]
