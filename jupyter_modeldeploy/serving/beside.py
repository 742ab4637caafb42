"""`python -m jupyter_modeldeploy.serving.beside FOLDER`: the service of this folder once more, changed, for a trial.

Standard input's first line says what differs, as JSON: `{"spec": {…}, "folders": {"minilm@1": "/path"}}`. When it is
ready, its URL and token are the first line of standard output; where it does not come up, that line says why. It goes
on until standard input ends. It has a folder, a port and a token of its own, and no row in the store: nobody else knows
of it, and it ends with whoever started it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from jupyter_modeldeploy.serving.supervision import documents
from jupyter_modeldeploy.tokens import Tokens

PLACE = {"port": 0, "grpc_port": None, "unix_socket": None, "host": "127.0.0.1", "start_at_boot": False}
READY_WITHIN_S = 300.0
STOPPED_WITHIN_S = 10.0
POLL_S = 0.02


def changed(plan: dict[str, Any], spec: dict[str, Any], folders: dict[str, str], scratch: Path) -> dict[str, Any]:
    """The plan of a service that differs so from that of `plan`, and that keeps its own things in `scratch`."""
    models = [
        {**model, "versions": [_elsewhere(model["name"], version, folders) for version in model["versions"]]}
        for model in plan["models"]
    ]
    own = {"models": models, "metrics_folder": str(scratch / "metrics"), "revision": 1}
    return {**plan, "spec": {**plan["spec"], **spec, **PLACE}, **own}


def _elsewhere(model: str, version: dict[str, Any], folders: dict[str, str]) -> dict[str, Any]:
    folder = folders.get(f"{model}@{version['number']}")
    return version if folder is None else {**version, "folder": folder, "content": ""}


def main(folder: str) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that nothing is left behind
    asked = json.loads(sys.stdin.readline())
    plan, status = (documents.read(Path(folder), name) for name in (documents.PLAN, documents.STATUS))
    if plan is None or status is None:
        return _told({"failed": "The service has no plan: start it first."})
    environment = psutil.Process(status["process"]["pid"]).environ()  # ours says how to compute, not how to serve
    with tempfile.TemporaryDirectory(prefix="modeldeploy-beside-") as made:
        scratch = Path(made)
        documents.write(scratch, documents.PLAN, changed(plan, asked["spec"], asked["folders"], scratch))
        token = Tokens(scratch).ensure_own() if plan["spec"]["auth"] == "token" else None
        with _supervisor(scratch, environment) as supervisor:
            try:
                url = _ready(scratch, supervisor)
                _told({"url": url, "token": token} if url else {"failed": _end_of_log(scratch)})
                sys.stdin.read()
            finally:
                supervisor.terminate()
                _wait(supervisor)
    return 0


def _supervisor(scratch: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with (scratch / "service.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "jupyter_modeldeploy.serving.supervision", str(scratch)],
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
        )


def _ready(scratch: Path, supervisor: subprocess.Popen[bytes]) -> str | None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and supervisor.poll() is None:
        status = documents.read(scratch, documents.STATUS)
        if status is not None and status["state"] == "ready":
            return str(status["url"])
        time.sleep(POLL_S)
    return None


def _wait(supervisor: subprocess.Popen[bytes]) -> None:
    try:
        supervisor.wait(STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        supervisor.kill()  # its server processes end with it


def _end_of_log(scratch: Path) -> str:
    lines = (scratch / "service.log").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "It did not become ready."


def _told(line: dict[str, Any]) -> int:
    print(json.dumps(line), flush=True)
    return 1 if "failed" in line else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
