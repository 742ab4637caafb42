"""A service keeps its addresses, a port, a socket or both, whatever becomes of its replicas."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
import trustme
from adder_service import BODY, only, pids
from serving_service import spec
from steady_load import Caller, post
from waiting import until

from jupyter_modeldeploy.errors import Conflict
from jupyter_modeldeploy.serving import changing, lifecycle
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.workspace import Workspace


def test_a_service_on_a_unix_socket(models: Store, tmp_path: Path) -> None:
    path = Path("/tmp") / f"modeldeploy-test-{os.getpid()}" / "one.sock"
    try:
        service = lifecycle.start(models, spec("one", ("adder", [1]), unix_socket=str(path)), "me")
        assert service.url == "http+unix://" + str(path).replace("/", "%2F")
        assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
        caller = Caller(str(path), post("/predict", BODY, models.service_token("one")))
        assert b"adder@1" in (caller.ask() or b"")
        caller.close()
        with pytest.raises(Conflict, match="listens"):
            lifecycle.start(models, spec("two", ("adder", [1]), unix_socket=str(path)), "me")
        assert service.process is not None
        os.kill(service.process.pid, signal.SIGKILL)
        until(lambda: not pids(service))
        assert path.exists()
        assert lifecycle.start(models, spec("two", ("adder", [1]), unix_socket=str(path)), "me").url == service.url
        lifecycle.stop(models, "two")
        assert not path.exists()
    finally:
        shutil.rmtree(path.parent, ignore_errors=True)


def test_the_workspace_asks_over_tls_and_over_a_socket(models: Store, tmp_path: Path) -> None:
    made = trustme.CA().issue_cert("localhost")
    made.private_key_pem.write_to_path(tmp_path / "key.pem")
    made.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    tls = {"tls_certificate": str(tmp_path / "certificate.pem"), "tls_key": str(tmp_path / "key.pem")}
    path = Path("/tmp") / f"modeldeploy-test-{os.getpid()}.sock"
    body = json.loads(BODY)
    workspace = Workspace(models.root)
    try:
        secure = lifecycle.start(models, spec("secure", ("adder", [1]), tls=tls), "me")
        assert str(secure.url).startswith("https://127.0.0.1:")
        assert workspace.services.predict("secure", body)["model"] == "adder@1"
        lifecycle.start(models, spec("both", ("adder", [1]), tls=tls, unix_socket=str(path)), "me")
        assert workspace.services.predict("both", body)["model"] == "adder@1"
        (live,) = until(lambda: workspace.services.live("both")["replicas"])
        assert live.keys() >= {"rps", "utilization", "pid"}
    finally:
        workspace.close()


def test_a_grpc_port_stays_that_of_its_service_while_replicas_change(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), grpc_port=0), "me")
    own = int(str(service.grpc_url).rsplit(":", 1)[1])
    changed = changing.change(models, "one", {**only(2), "grpc_port": own})
    assert changed.grpc_url == service.grpc_url
    for taken in (int(str(service.url).rsplit(":", 1)[1]), own):
        with pytest.raises(Conflict, match="gRPC port"):
            lifecycle.start(models, spec("two", ("adder", [1]), grpc_port=taken), "me")
