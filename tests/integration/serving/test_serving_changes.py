"""A running service is changed, scaled and rolled back, and no request is lost."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from adder_service import BODY, load, only, pids, seen
from serving_service import client, spec
from small_disk import run_on_small_disk
from waiting import until

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound, ServiceFailed
from jupyter_modeldeploy.records import Service, ServiceState
from jupyter_modeldeploy.serving import changing, lifecycle
from jupyter_modeldeploy.store import Store

ENOUGH = 300
"""Requests."""


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


def test_a_sleeping_service_proves_a_change_before_it_takes_it(models: Store) -> None:
    scaling = {"min_replicas": 0, "idle_s": 0.5}
    service = lifecycle.start(models, spec("one", ("adder", [1]), scaling=scaling), "me")
    until(lambda: not pids(service))
    with pytest.raises(ServiceFailed, match="undone"):
        changing.change(models, "one", only(3))
    changing.change(models, "one", only(2))
    with client(models, service) as connected:
        assert connected.post("/predict", content=BODY).json()["model"] == "adder@2"


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
