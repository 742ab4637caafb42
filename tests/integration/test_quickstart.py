"""The quickstart notebook runs from top to bottom in a kernel of a real Jupyter server."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
import websocket

from jupyter_modeldeploy import Workspace

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
CELL_TIMEOUT_S = 400


@dataclass
class Server:
    """A Jupyter server in a process of its own."""

    url: str
    token: str

    def request(self, method: str, path: str, **named: Any) -> Any:
        headers = {"Authorization": f"token {self.token}"}
        response = httpx.request(method, self.url + path, headers=headers, timeout=60, trust_env=False, **named)
        response.raise_for_status()
        return response.json() if response.content else None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    token = secrets.token_hex(16)
    log = (tmp_path / "server.log").open("wb")
    command = [
        *(sys.executable, "-m", "jupyter_server", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", "--no-browser"),
        *("--allow-root", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={tmp_path}"),
    ]
    environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        yield Server(_url(tmp_path / "runtime", process), token)
    finally:
        process.terminate()
        process.wait(30)


def _url(runtime: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            info = json.loads(path.read_text() or "{}")
            if info.get("port"):
                return str(info["url"])
        time.sleep(0.1)
    raise AssertionError("the Jupyter server did not start")


class Kernel:
    """A kernel of the server, spoken to as a browser does: over its WebSocket."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.id = server.request("POST", "api/kernels", json={"name": "python3"})["id"]
        url = server.url.replace("http", "ws", 1) + f"api/kernels/{self.id}/channels"
        self._socket = websocket.create_connection(url, header=[f"Authorization: token {server.token}"])
        self._socket.settimeout(CELL_TIMEOUT_S)

    def run(self, source: str) -> str:
        """The text that the cell wrote and returned. Fails the test on an error, with its traceback."""
        asked = uuid.uuid4().hex
        header = {"msg_id": asked, "msg_type": "execute_request", "username": "", "session": "s", "version": "5.3"}
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self._socket.send(json.dumps({**message, "buffers": []}))
        text = ""
        while True:
            answer = json.loads(self._socket.recv())
            if answer["parent_header"].get("msg_id") != asked:
                continue
            kind, content = answer["msg_type"], answer["content"]
            if kind == "stream":
                text += content["text"]
            elif kind == "execute_result":
                text += content["data"]["text/plain"]
            elif kind == "error":
                pytest.fail(f"{source}\n" + "\n".join(content["traceback"]))
            elif kind == "status" and content["execution_state"] == "idle":
                return text

    def restart(self) -> None:
        self._server.request("POST", f"api/kernels/{self.id}/restart")


def test_the_quickstart_runs_and_survives_a_kernel_restart(server: Server, root: Path) -> None:
    kernel = Kernel(server)
    cells = [cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    outputs = []
    for source in cells:
        outputs.append(kernel.run(source))
        if "finetune(" in source:  # what the notebook promises: in the middle of the training nothing is lost
            job = kernel.run("training.id").strip("'")
            kernel.restart()
            kernel.run(cells[0])
            kernel.run(f"training = workspace.jobs.get({job!r})")
    text = "\n".join(outputs)
    assert "held-out accuracy" in text
    assert "answers" in outputs[-2]
    assert "stopped" in outputs[-1]
    workspace = Workspace(root)
    assert [version.ref for version in workspace.models.versions("sentiment")] == [f"sentiment@{n}" for n in (1, 2, 3)]
    assert workspace.services.get("quickstart").state.ended
    workspace.close()
