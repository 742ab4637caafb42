"""A running service is changed, scaled, rolled back and repaired, and no request is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import tiny_onnx
import trustme
from serving_service import add, client, spec
from small_disk import run_on_small_disk
from steady_load import Caller, SteadyLoad, post

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound, ServiceFailed
from jupyter_modeldeploy.records import Service, ServiceState
from jupyter_modeldeploy.serving import changing, lifecycle
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.workspace import Workspace

BODY = json.dumps({"inputs": {"x": [[1, 2, 3, 4]]}}).encode()
ENOUGH = 300


@pytest.fixture
def models(store: Store, tmp_path: Path) -> Iterator[Store]:
    """A store with `adder@1`, `adder@2` (which adds 2), `broken` and `slow`; whatever a test started is stopped."""
    add(store, "adder", tiny_onnx.add_one(tmp_path / "adder"))
    add(store, "adder", tiny_onnx.add_one(tmp_path / "adder2", 2.0))
    add(store, "slow", tiny_onnx.slow(tmp_path / "slow"))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "model.onnx").write_bytes(b"no model")
    add(store, "adder", broken)
    yield store
    for service in store.services.list():
        lifecycle.stop(store, service.name, wait_s=5)


def load(store: Store, service: Service, **more: Any) -> SteadyLoad:
    port = int(str(service.url).rsplit(":", 1)[1])
    return SteadyLoad(("127.0.0.1", port), post("/predict", BODY, store.service_token(service.name)), **more)


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return value


def seen(store: Store, name: str = "one") -> Service:
    lifecycle.reconcile(store)
    return store.services.get(name)


def pids(service: Service) -> set[int]:
    assert service.process is not None
    return {process.pid for process in processes.group(service.process)} - {service.process.pid}


def only(version: int) -> dict[str, Any]:
    return {"models": [{"model": "adder", "arms": [{"version": version}]}]}


def test_a_rolling_change_of_version_loses_nothing(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), replicas=2), "me")
    before = pids(service)
    with load(models, service) as steady:
        steady.wait_for(ENOUGH)
        changed = changing.change(models, "one", only(2))
        assert all(b"adder@2" in (steady.ask_beside() or b"") for _ in range(20))  # who connects now meets the new one
        steady.wait_for(ENOUGH)
    assert steady.account.lost == []
    assert set(steady.account.answers) == {200}
    assert set(steady.account.models) == {"adder@1", "adder@2"}
    assert (changed.revision, changed.observed_revision, changed.replicas_ready) == (2, 2, 2)
    assert [former.models[0].arms[0].version for former in changed.history] == [1]
    assert changed.url == service.url
    until(lambda: not pids(service) & before)


def test_limits_and_weights_change_without_new_processes_and_without_loss(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1, 0]), replicas=2), "me")
    before = pids(service)
    with load(models, service) as steady:
        steady.wait_for(ENOUGH)
        changed = changing.change(models, "one", {"max_queue": 7, "max_body_bytes": 2048})
        switched = changing.switch(models, "one", "adder@2")
        assert all(b"adder@2" in (steady.ask_beside() or b"") for _ in range(4))
        back = changing.rollback(models, "one")
        assert all(b"adder@1" in (steady.ask_beside() or b"") for _ in range(4))
        steady.wait_for(ENOUGH)
    assert steady.account.lost == []
    assert set(steady.account.answers) == {200}
    assert pids(service) == before
    assert (changed.spec.max_queue, switched.observed_revision, back.observed_revision) == (7, 3, 4)
    with client(models, service) as connected:
        assert connected.post("/predict", content=b"x" * 4096).status_code == 413


def test_scaling_up_and_down_loses_nothing(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1])), "me")
    with load(models, service) as steady:
        steady.wait_for(ENOUGH)
        assert changing.scale(models, "one", 3).replicas_ready == 3
        steady.wait_for(ENOUGH)
        changing.scale(models, "one", 1)
        until(lambda: len(pids(service)) == 1)
        steady.wait_for(ENOUGH)
    assert steady.account.lost == []
    assert set(steady.account.answers) == {200}
    assert seen(models).replicas_ready == 1
    assert seen(models).history == []


def test_a_killed_replica_loses_at_most_what_was_in_flight_on_it(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), replicas=2), "me")
    with load(models, service, keeping=4, reconnecting=2) as steady:
        steady.wait_for(ENOUGH)
        killed = min(pids(service))
        os.kill(killed, signal.SIGKILL)
        until(lambda: killed not in pids(service) and len(pids(service)) == 2 and seen(models).replicas_ready == 2)
        steady.wait_for(ENOUGH)
    assert len(steady.account.lost) <= 6


def test_a_replica_that_hangs_is_replaced(models: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), replicas=2), "me")
    before = pids(service)
    hung = min(before)
    os.kill(hung, signal.SIGSTOP)
    until(lambda: hung not in pids(service) and len(pids(service)) == 2 and seen(models).replicas_ready == 2)
    assert "hung" in lifecycle.log_tail(models, "one")


def test_a_change_that_cannot_be_is_undone_and_told(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), replicas=2), "me")
    with load(models, service) as steady:
        with pytest.raises(ServiceFailed, match=r"undone.*cannot load"):
            changing.change(models, "one", only(3))
        steady.wait_for(ENOUGH)
    assert steady.account.lost == []
    assert set(steady.account.models) == {"adder@1"}
    row = seen(models)
    assert row.state is ServiceState.ready
    assert row.error is not None
    assert "cannot load" in row.error.message
    assert row.spec == service.spec
    assert row.history == []
    assert changing.change(models, "one", only(2)).error is None


def test_what_contradicts_itself_is_refused_before_anything_changes(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1])), "me")
    for fields, error in [
        ({"port": 1234}, Conflict),
        ({"name": "two"}, Conflict),
        ({"strange": 1}, InvalidInput),
        ({"max_queue": 0}, InvalidInput),
        ({"models": [{"model": "adder", "arms": [{"version": 9}]}]}, NotFound),
        ({"scaling": {"min_replicas": 3, "max_replicas": 2}}, InvalidInput),
        ({"scaling": {"min_replicas": 0}, "grpc_port": 0}, InvalidInput),
        ({"tls": {"tls_certificate": "/nowhere.pem", "tls_key": "/nowhere.key"}}, InvalidInput),
    ]:
        with pytest.raises(error):
            changing.change(models, "one", fields)
    with pytest.raises(Conflict, match="nothing to go back"):
        changing.rollback(models, "one")
    with pytest.raises(NotFound):
        changing.switch(models, "one", "slow@1")
    with pytest.raises(InvalidInput):
        changing.scale(models, "one", 0)
    assert seen(models) == service


def test_two_changes_at_once_are_made_one_after_the_other(models: Store) -> None:
    lifecycle.start(models, spec("one", ("adder", [1])), "me")
    changes: list[Callable[[], Service]] = [
        lambda: changing.change(models, "one", only(2)),
        lambda: changing.change(models, "one", {"max_queue": 5}),
    ]
    threads = [threading.Thread(target=change) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = seen(models)
    assert (row.revision, row.observed_revision) == (3, 3)
    assert (row.spec.max_queue, row.spec.models[0].arms[0].version) == (5, 2)


def test_a_stop_in_the_middle_of_a_roll_leaves_nothing(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), replicas=2), "me")
    outcomes: list[Any] = []

    def change() -> None:
        try:
            outcomes.append(changing.change(models, "one", only(2)))
        except Conflict as error:
            outcomes.append(error)

    thread = threading.Thread(target=change)
    thread.start()
    until(lambda: len(pids(service)) == 3)
    assert lifecycle.stop(models, "one").state is ServiceState.stopped
    thread.join()
    assert "was stopped while it was changed" in str(outcomes[0])
    assert service.process is not None
    assert processes.group(service.process) == []


def test_a_stopped_service_is_changed_for_its_next_start(models: Store) -> None:
    lifecycle.start(models, spec("one", ("adder", [1])), "me")
    lifecycle.stop(models, "one")
    changed = changing.change(models, "one", only(2))
    assert (changed.state, changed.revision) == (ServiceState.stopped, 2)
    again = lifecycle.start(models, changed.spec, "me")
    assert (again.revision, again.observed_revision, len(again.history)) == (2, 2, 1)


def test_an_idle_service_sleeps_and_wakes_with_the_next_request(models: Store) -> None:
    scaling = {"min_replicas": 0, "idle_s": 0.5}
    service = lifecycle.start(models, spec("one", ("adder", [1]), scaling=scaling), "me")
    until(lambda: not pids(service))
    asleep = seen(models)
    assert (asleep.state, asleep.replicas_ready, asleep.replicas_wanted) == (ServiceState.ready, 0, 0)
    with client(models, service) as connected:
        answer = connected.post("/predict", content=BODY)
    assert (answer.status_code, answer.json()["model"]) == (200, "adder@1")
    until(lambda: not pids(service))


def test_a_sleeping_service_proves_a_change_before_it_takes_it(models: Store) -> None:
    scaling = {"min_replicas": 0, "idle_s": 0.5}
    service = lifecycle.start(models, spec("one", ("adder", [1]), scaling=scaling), "me")
    until(lambda: not pids(service))
    with pytest.raises(ServiceFailed, match="undone"):
        changing.change(models, "one", only(3))
    changing.change(models, "one", only(2))
    with client(models, service) as connected:
        assert connected.post("/predict", content=BODY).json()["model"] == "adder@2"


def test_replicas_follow_the_load(models: Store) -> None:
    scaling = {"max_replicas": 2, "target_rps": 20, "target_utilization": 1.0, "down_after_s": 1.0}
    service = lifecycle.start(models, spec("one", ("adder", [1]), scaling=scaling), "me")
    with load(models, service, keeping=2, reconnecting=1, pause_s=0.02) as steady:
        until(lambda: seen(models).replicas_ready == 2)
        steady.wait_for(50)
    assert steady.account.lost == []
    until(lambda: len(pids(service)) == 1)


def test_models_that_do_not_fit_their_instance_type_are_refused(models: Store, tmp_path: Path) -> None:
    add(models, "greedy", tiny_onnx.greedy(tmp_path / "greedy", always_mib=1100))
    with pytest.raises(ServiceFailed, match=r"do not fit.*cpu-1c1g"):
        lifecycle.start(models, spec("one", ("greedy", [1]), instance_type="cpu-1c1g"), "me")


def test_a_replica_that_takes_too_much_memory_is_replaced_without_loss(models: Store, tmp_path: Path) -> None:
    add(models, "greedy", tiny_onnx.greedy(tmp_path / "greedy"))
    service = lifecycle.start(models, spec("one", ("adder", [1]), ("greedy", [1]), instance_type="cpu-1c1g"), "me")
    before = pids(service)
    with load(models, service) as steady, client(models, service) as connected:
        steady.wait_for(ENOUGH)
        assert connected.post("/predict/greedy", json={"inputs": {"mib": [1100]}}).status_code == 200
        until(lambda: not pids(service) & before)
        steady.wait_for(ENOUGH)
    assert steady.account.lost == []
    assert "is replaced" in lifecycle.log_tail(models, "one")


def test_an_instance_type_bounds_the_cores(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), instance_type="cpu-1c4g"), "me")
    assert [len(psutil.Process(pid).cpu_affinity() or []) for pid in pids(service)] == [1]


def test_a_lost_service_that_wants_it_starts_again(models: Store) -> None:
    lifecycle.start(models, spec("wants", ("adder", [1]), start_at_boot=True), "me")
    lifecycle.start(models, spec("not", ("adder", [1])), "me")
    stopped = lifecycle.start(models, spec("stopped", ("adder", [1]), start_at_boot=True), "me")
    lifecycle.stop(models, stopped.name)
    for service in models.services.list():
        if service.process is not None:
            os.kill(service.process.pid, signal.SIGKILL)
            until(lambda service=service: not processes.alive(service.process))
    assert [service.name for service in lifecycle.resume(models)] == ["wants"]
    states = {service.name: service.state for service in models.services.list()}
    assert states == {"wants": ServiceState.ready, "not": ServiceState.failed, "stopped": ServiceState.stopped}
    assert lifecycle.resume(models) == []


def test_a_model_is_unloaded_and_loaded_in_all_replicas(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), ("slow", [1]), replicas=2), "me")
    before = pids(service)

    def answers_of_slow() -> set[int]:
        def ask() -> int:
            with client(models, service) as connected:
                return connected.post("/predict/slow", json={"inputs": {"x": [[0]]}}).status_code

        return {ask() for _ in range(8)}

    with load(models, service) as steady:
        changing.change(models, "one", {"unloaded": ["slow"]})
        assert answers_of_slow() == {503}
        changing.scale(models, "one", 3)
        assert answers_of_slow() == {503}
        changing.change(models, "one", {"unloaded": []})
        assert answers_of_slow() == {200}
        steady.wait_for(1)
    assert (steady.account.lost, set(steady.account.answers)) == ([], {200})
    assert before < pids(service)


def test_one_replica_that_is_asked_unloads_a_model_in_all(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), ("slow", [1]), replicas=2), "me")
    with client(models, service) as connected:
        assert connected.post("/v2/repository/models/slow/unload").status_code == 200
        assert seen(models).spec.unloaded == ["slow"]
        live = connected.post("/v2/repository/index").json()
        assert {one["name"]: one["state"] for one in live} == {"adder": "READY", "slow": "UNAVAILABLE"}
        assert connected.post("/v2/repository/models/slow/load").status_code == 200
        assert connected.post("/v2/repository/models/strange/load").status_code in (400, 404)
    assert seen(models).spec == service.spec
    with load(models, service) as steady:
        steady.wait_for(10)
    assert steady.account.lost == []


def test_services_are_changed_from_the_command_line(models: Store) -> None:
    lifecycle.start(models, spec("one", ("adder", [1])), "me")

    def modeldeploy(*words: str) -> Service:
        done = subprocess.run(
            [sys.executable, "-m", "jupyter_modeldeploy.cli", "services", *words, "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        return Service.model_validate_json(done.stdout)

    changed = modeldeploy("change", "one", "--max-queue", "10", "--cache-bytes", "1000", "--start-at-boot")
    assert (changed.spec.max_queue, changed.spec.cache.cache_bytes, changed.spec.start_at_boot) == (10, 1000, True)
    assert changed.spec.cache.cache_ttl_s == 300.0
    assert not modeldeploy("change", "one", "--no-start-at-boot").spec.start_at_boot
    assert modeldeploy("switch", "one", "adder@2").spec.models[0].arms[1].weight == 1.0
    assert modeldeploy("scale", "one", "2").replicas_ready == 2
    assert [arm.version for arm in modeldeploy("rollback", "one").spec.models[0].arms] == [1]


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
    changed = changing.change(models, "one", only(2))
    assert service.grpc_url is not None
    assert changed.grpc_url == service.grpc_url
    taken = int(str(service.url).rsplit(":", 1)[1])
    with pytest.raises(Conflict, match="gRPC port"):
        lifecycle.start(models, spec("two", ("adder", [1]), grpc_port=taken), "me")


FULL_DISK = """
import os, signal, sys, time
from pathlib import Path
import psutil
from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.records import ServiceSpec
from jupyter_modeldeploy.serving import changing, lifecycle
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store
sys.path.insert(0, sys.argv[2])
import tiny_onnx
from serving_service import add, client, spec

disk = Path(sys.argv[1])
store = Store(Settings(disk / "root"))
add(store, "adder", tiny_onnx.add_one(disk / "adder"))
service = lifecycle.start(store, spec("one", ("adder", [1]), replicas=2), "me")
try:
    print(sum(path.stat().st_size for path in disk.rglob("*")), file=sys.stderr)
    filler = os.open(disk / "filler", os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(filler, bytes(4096))
    except OSError as error:
        print(error.strerror, file=sys.stderr)
    victim = [p for p in processes.group(service.process) if p.pid != service.process.pid][0]
    victim.kill()
    deadline = time.monotonic() + 30
    while len(processes.group(service.process)) < 3 or victim.is_running():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with client(store, service) as connected:
        print(connected.post("/predict", json={"inputs": {"x": [[1, 2, 3, 4]]}}).status_code)
    try:
        changing.change(store, "one", {"max_queue": 5})
    except ModelDeployError as error:
        print(error.code)
    os.truncate(disk / "filler", 0)
    print(changing.change(store, "one", {"max_queue": 5}).observed_revision)
finally:
    lifecycle.stop(store, "one")
"""


def test_a_full_disk_stops_changes_and_no_answers(tmp_path: Path) -> None:
    tests = Path(__file__).parents[2]
    script = tmp_path / "script.py"
    script.write_text(FULL_DISK)
    said = run_on_small_disk(tmp_path / "disk", "16m", [sys.executable, script, tmp_path / "disk", tests])
    assert said.split() == ["200", "storage_full", "2"]
