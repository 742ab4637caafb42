"""The façade says clearly what it refuses, whoever asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from http_thread import Unlogged, answering

from jupyter_modeldeploy import Workspace, processes
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, NotFound, Overloaded, ServiceFailed, TimedOut
from jupyter_modeldeploy.records import Arm, ServedModel, Service, ServiceSpec, ServiceState


class Answering(Unlogged, BaseHTTPRequestHandler):
    """Answers every request in one way: what it is called with says how."""

    status, body = 200, b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)


@pytest.fixture
def workspace(root: Path) -> Iterator[Workspace]:
    """A workspace with a service "s" that `Answering` answers for."""
    opened = Workspace(root)
    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Answering)) as url:
        opened.store.services.save(service(url))
        yield opened
    opened.close()


def service(url: str | None, state: ServiceState = ServiceState.ready) -> Service:
    spec = ServiceSpec(name="s", models=[ServedModel(model="m", arms=[Arm(version=1)])], auth="none")
    process = processes.current() if url else None
    now = datetime.now(UTC)
    return Service(name="s", spec=spec, state=state, url=url, process=process, owner="o", created_at=now)


def refusal(code: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": "no", "hint": "do"}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "raised"),
    [
        (400, refusal("invalid_input"), InvalidInput),
        (401, refusal("not_authenticated"), InvalidInput),
        (503, refusal("overloaded"), Overloaded),
        (504, refusal("timed_out"), TimedOut),
        (500, refusal("internal"), ServiceFailed),
        (404, b"<h1>Not here</h1>", ServiceFailed),
        (400, b'{"error": "in another form"}', ServiceFailed),
    ],
)
def test_a_services_refusal_is_told_as_what_it_is(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, raised: type[ModelDeployError]
) -> None:
    monkeypatch.setattr(Answering, "status", status)
    monkeypatch.setattr(Answering, "body", body)
    with pytest.raises(ModelDeployError) as found:
        workspace.services.predict("s", {"text": "x"})
    assert type(found.value) is raised


@pytest.mark.parametrize("body", [{"text": float("nan")}, {"text": object()}])
def test_a_request_that_is_no_json_is_refused(workspace: Workspace, body: object) -> None:
    with pytest.raises(InvalidInput, match="JSON"):
        workspace.services.predict("s", body)


def test_a_services_settings_are_checked(workspace: Workspace) -> None:
    with pytest.raises(InvalidInput, match="port"):
        workspace.services.spec("s", [], port=99_999)


def test_a_dry_run_reads_a_services_log_of_requests_where_it_keeps_one(workspace: Workspace) -> None:
    workspace.store.services.save(service(None, ServiceState.stopped))
    with pytest.raises(NotFound, match="no records of requests"):
        workspace.experiments.rehearse("s", "m@2", "m@1")


def test_of_a_forgotten_service_no_token_stays(workspace: Workspace) -> None:
    folder = workspace.store.service_folder("s")
    (folder / "token").write_text("secret")
    workspace.store.services.save(service(None, ServiceState.stopped))
    workspace.services.remove("s")
    assert not folder.exists()
    assert workspace.services.list() == []
