"""Work and services that were asked for through a Jupyter server outlive it."""

from __future__ import annotations

import csv
import signal
from contextlib import closing
from pathlib import Path

import tiny_onnx
from jupyter_process import Server, running_server
from slow_motion import in_slow_motion
from tiny_bert import CLASSES, make_encoder, rows
from waiting import until

from jupyter_modeldeploy import Workspace

API = "modeldeploy/api/"


def made(server: Server, path: str, **body: object) -> dict[str, object]:
    """The result of the job that this call starts."""
    job = server.request("POST", API + path, json=body)
    until(lambda: server.request("GET", f"{API}jobs/{job['id']}")["ended_at"], path)
    ended = server.request("GET", f"{API}jobs/{job['id']}")
    assert ended["state"] == "succeeded", ended["error"]
    result: dict[str, object] = ended["result"]
    return result


def test_a_training_and_a_service_go_on_when_the_server_ends_whichever_way(root: Path, tmp_path: Path) -> None:
    with (tmp_path / "data.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((text, CLASSES[label]) for text, label in rows(200))])
    with running_server(tmp_path) as first:
        made(first, "models/fetch", source=f"file:{make_encoder(tmp_path / 'tiny')}", name="tiny")
        made(first, "models/fetch", source=f"file:{tiny_onnx.add_one(tmp_path / 'adder')}", name="adder")
        made(first, "datasets", source=f"file:{tmp_path / 'data.csv'}", name="sentences")
        options = {"max_steps": 100_000, "batch_size": 4}
        body = {"base": "tiny", "dataset": "sentences", "name": "tuned", "options": options}
        job = first.request("POST", f"{API}models/finetune", json=body)["id"]
        spec = {"name": "s", "models": [{"model": "adder", "arms": [{"version": 1, "weight": 1}]}]}
        service = first.request("POST", f"{API}services", json=spec)
        assert service["state"] == "ready"
        until(lambda: first.request("GET", f"{API}jobs/{job}")["progress"]["done"] > 5, "training")
        worker = first.request("GET", f"{API}jobs/{job}")["process"]
        first.process.send_signal(signal.SIGTERM)
        first.process.wait(120)
    with closing(Workspace(root)) as workspace, in_slow_motion(workspace.jobs.get(job)):
        with running_server(tmp_path) as second:
            goes_on(second, job, worker, service)
            second.process.kill()
            second.process.wait(120)
        with running_server(tmp_path) as third:
            goes_on(third, job, worker, service)
            assert third.request("POST", f"{API}jobs/{job}/cancel", json={})["state"] == "cancelled"
            assert third.request("POST", f"{API}services/s/stop", json={})["state"] == "stopped"
            assert third.request("DELETE", f"{API}services/s") == {"deleted": "s"}
            assert third.request("GET", f"{API}services")["services"] == []


def goes_on(server: Server, job: str, worker: object, service: dict[str, object]) -> None:
    """The job and the service are those of before, and do their work."""
    found = server.request("GET", f"{API}jobs/{job}")
    assert (found["state"], found["process"], found["attempt"]) == ("running", worker, 1)
    done = found["progress"]["done"]
    until(lambda: server.request("GET", f"{API}jobs/{job}")["progress"]["done"] > done, "steps")
    assert server.request("GET", f"{API}services/s")["process"] == service["process"]
    answer = server.request("POST", f"{API}services/s/predict", json={"body": {"inputs": {"x": [[1, 2, 3, 4]]}}})
    assert answer["version"] == "adder@1"


def test_a_long_poll_is_answered_by_the_change_it_waits_for(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        latest = server.request("GET", f"{API}changes")["latest"]
        server.request("POST", f"{API}models/fetch", json={"source": f"file:{tmp_path / 'nosuch'}", "name": "m"})
        seen = server.request("GET", f"{API}changes", params={"since": latest, "wait": 30})
        assert {change["kind"] for change in seen["changes"]} == {"job"}
        assert seen["latest"] > latest
