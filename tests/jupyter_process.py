"""A Jupyter server in a process of its own, that tests can kill, and a kernel of it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import websocket

START_S = 240
CELL_S = 400


@dataclass
class Server:
    url: str
    token: str = field(repr=False)
    process: subprocess.Popen[bytes]

    def request(self, method: str, path: str, **named: Any) -> Any:
        """The decoded answer. Raises for an HTTP error."""
        headers = {"Authorization": f"token {self.token}"}
        response = httpx.request(method, self.url + path, headers=headers, timeout=120, trust_env=False, **named)
        response.raise_for_status()
        return response.json() if response.content else None


@contextmanager
def running_server(folder: Path, *options: str) -> Iterator[Server]:
    """A server with files and runtime of its own below `folder`; its workspace is that of the environment."""
    token = secrets.token_hex(16)
    runtime = folder / f"runtime-{token[:6]}"
    command = [
        *(sys.executable, "-m", "jupyter_server", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", "--no-browser"),
        *("--allow-root", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"),
        *options,
    ]
    with (folder / "server.log").open("ab") as log:
        environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(runtime)}
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        yield Server(_url(runtime, process), token, process)
    finally:
        process.terminate()
        process.wait(120)


def _url(runtime: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_S
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
        self._socket.settimeout(CELL_S)

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

    def close(self) -> None:
        self._socket.close()
