"""Services start ready, survive what kills their parts or their starter, and leave nothing when they stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import tiny_onnx
from free_port import free_port
from serving_service import add, client, spec
from waiting import until

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound, ServiceFailed, Unavailable
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, ProcessRef, Service, ServiceState, Step
from jupyter_modeldeploy.serving import lifecycle
from jupyter_modeldeploy.serving.observation import moved
from jupyter_modeldeploy.store import Store


@pytest.fixture
def models(store: Store, tmp_path: Path) -> Iterator[Store]:
    """A store with `adder` and `slow`; whatever a test started is stopped."""
    add(store, "adder", tiny_onnx.add_one(tmp_path / "adder"))
    add(store, "slow", tiny_onnx.slow(tmp_path / "slow"))
    yield store
    for service in store.services.list():
        lifecycle.stop(store, service.name, wait_s=5)


def row(store: Store, name: str = "one") -> Service:
    """The service's row, brought up to date."""
    lifecycle.reconcile(store)
    return store.services.get(name)


def supervisor(service: Service) -> ProcessRef:
    assert service.process is not None
    return service.process


def replicas(service: Service) -> list[psutil.Process]:
    ref = supervisor(service)
    return [process for process in processes.group(ref) if process.pid != ref.pid]


def answers(store: Store, service: Service) -> bool:
    with client(store, service) as connected:
        try:
            return connected.get("/v2/health/ready").status_code == 200
        except httpx.TransportError:
            return False


def test_start_gives_back_a_ready_service_and_stop_leaves_nothing(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), replicas=2), "me")
    assert (service.state, service.replicas_ready, service.owner) == (ServiceState.ready, 2, "me")
    assert len(replicas(service)) == 2
    assert answers(models, service)
    stopped = lifecycle.stop(models, "one")
    assert (stopped.state, stopped.process, stopped.url, stopped.replicas_ready) == (
        ServiceState.stopped,
        None,
        None,
        0,
    )
    assert processes.group(supervisor(service)) == []
    assert lifecycle.stop(models, "one") == stopped


def test_a_running_service_keeps_its_name_and_a_stopped_one_takes_a_new_spec(models: Store) -> None:
    former = lifecycle.start(models, spec("one", ("adder", [1])), "me")
    port = int(str(former.url).rpartition(":")[2])
    with pytest.raises(Conflict, match="'one' is ready"):
        lifecycle.start(models, spec("one", ("slow", [1])), "me")
    first = lifecycle.stop(models, "one")
    with closing(socket.create_server(("127.0.0.1", port))):
        second = lifecycle.start(models, spec("one", ("slow", [1])), "you")
    assert second.url not in (None, former.url)
    assert [f": port {port}, where it was before" in note for note in moved(models, second)] == [True]
    assert second.spec.models[0].model == "slow"
    assert second.created_at == first.created_at


def test_of_two_starts_at_once_one_wins(models: Store) -> None:
    outcomes: list[Any] = []

    def start() -> None:
        try:
            outcomes.append(lifecycle.start(models, spec("one", ("adder", [1])), "me").state)
        except Conflict as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == sorted(map(str, [ServiceState.ready, Conflict, Conflict]))


def test_a_killed_replica_comes_back_and_the_other_serves_meanwhile(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), replicas=2), "me")
    victim, survivor = replicas(service)
    victim.kill()
    until(lambda: victim not in replicas(service))
    assert row(models).state is ServiceState.ready
    assert answers(models, service)
    until(lambda: len(replicas(service)) == 2)
    recovered = until(lambda: (seen := row(models)).replicas_ready == 2 and seen)
    assert recovered.url == service.url
    assert survivor.pid in {process.pid for process in replicas(recovered)}
    assert victim.pid not in {process.pid for process in replicas(recovered)}


def test_a_killed_supervisor_takes_its_replicas_along_and_is_reported(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), replicas=2), "me")
    os.kill(supervisor(service).pid, signal.SIGKILL)
    until(lambda: processes.group(supervisor(service)) == [])
    lost = row(models)
    assert lost.state is ServiceState.failed
    assert lost.error is not None
    assert f"process {supervisor(service).pid}" in lost.error.message
    again = lifecycle.start(models, spec("one", ("adder", [1])), "me")
    assert again.state is ServiceState.ready
    assert again.url == service.url or moved(models, again)


def test_reconcile_leaves_a_running_service_alone(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1])), "me")
    lifecycle.reconcile(models)
    assert models.services.get("one") == service


def test_who_looks_while_a_service_starts_and_stops_takes_none_for_dead(models: Store) -> None:
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            lifecycle.reconcile(models)

    onlookers = [threading.Thread(target=look) for _ in range(4)]
    for onlooker in onlookers:
        onlooker.start()
    try:
        for _ in range(4):
            assert lifecycle.start(models, spec("one", ("adder", [1])), "me").state is ServiceState.ready
            assert lifecycle.stop(models, "one").state is ServiceState.stopped
    finally:
        over.set()
        for onlooker in onlookers:
            onlooker.join()


def test_a_stop_and_a_removal_leave_alone_what_another_started_since(models: Store) -> None:
    lifecycle.start(models, spec("one", ("slow", [1]), instances=1), "me")
    outcome: list[Service] = []
    stopper = threading.Thread(target=lambda: outcome.append(lifecycle.stop(models, "one")))
    stopper.start()
    until(lambda: models.services.get("one").state in (ServiceState.stopping, ServiceState.stopped))
    again = until(lambda: started_again(models))
    stopper.join()
    assert row(models).state is ServiceState.ready
    assert answers(models, again)
    with pytest.raises(Conflict, match="'one' runs"):
        lifecycle.remove(models, "one")
    lifecycle.stop(models, "one")
    lifecycle.remove(models, "one")
    assert not (models.root / "services" / "one").exists()


def started_again(store: Store) -> Service | None:
    """The service `one` once its former run is over; None until then."""
    try:
        return lifecycle.start(store, spec("one", ("adder", [1])), "me")
    except Conflict:
        return None


def test_a_service_outlives_whoever_started_it(models: Store, tmp_path: Path) -> None:
    script = (
        "from jupyter_modeldeploy.records import ServiceSpec\n"
        "from jupyter_modeldeploy.serving import lifecycle\n"
        "from jupyter_modeldeploy.store import Store\n"
        f"spec = ServiceSpec.model_validate_json({spec('one', ('adder', [1])).model_dump_json()!r})\n"
        "lifecycle.start(Store(), spec, 'me')\n"
        "import os, signal; os.killpg(0, signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script], start_new_session=True, timeout=120, check=False)
    service = models.services.get("one")
    assert service.state is ServiceState.ready
    assert answers(models, service)


def test_a_replica_that_keeps_crashing_fails_the_service_with_the_end_of_its_log(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1])), "me")

    def killed_until_given_up() -> Service | None:
        for replica in replicas(service):
            replica.kill()
        seen = row(models)
        return seen if seen.state.ended else None

    given_up = until(killed_until_given_up)
    assert given_up.state is ServiceState.failed
    assert given_up.error is not None
    assert "crashed 5 times" in given_up.error.message
    assert "SIGKILL" in given_up.error.message
    until(lambda: processes.group(supervisor(service)) == [])


def test_a_model_that_does_not_load_fails_the_start_with_the_reason(models: Store, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "model.onnx").write_bytes(b"no model")
    add(models, "broken", broken)
    with pytest.raises(ServiceFailed, match=r"cannot load model\.onnx"):
        lifecycle.start(models, spec("one", ("broken", [1])), "me")
    assert models.services.get("one").state is ServiceState.failed
    assert "cannot load" in lifecycle.log_tail(models, "one")


def test_what_cannot_be_served_is_refused_before_anything_starts(models: Store, tmp_path: Path) -> None:
    folder = tiny_onnx.add_one(tmp_path / "strange")
    new = NewVersion(model="strange", format=Format.unknown, task="tensor", lineage=Lineage(step=Step.imported))
    models.versions.add(new, folder)
    for wanted, error in [
        (spec("one", ("nothing", [1])), NotFound),
        (spec("one", ("adder", [1, 1])), NotFound),
        (spec("one", ("strange", [1])), Unavailable),
        (spec("one", ("adder", [1]), host="0.0.0.0"), InvalidInput),
        (spec("one", ("adder", [1]), host="0.0.0.0", auth="none"), InvalidInput),
        (spec("one", ("adder", [1]), ("adder", [1])), InvalidInput),
    ]:
        with pytest.raises(error):
            lifecycle.start(models, wanted, "me")
    assert models.services.list() == []


def test_a_port_that_is_taken_is_told(models: Store) -> None:
    port = free_port()
    with closing(socket.create_server(("127.0.0.1", port))), pytest.raises(Conflict, match=str(port)):
        lifecycle.start(models, spec("one", ("adder", [1]), port=port), "me")
    service = lifecycle.start(models, spec("one", ("adder", [1]), port=port), "me")
    assert service.url == f"http://127.0.0.1:{port}"


def test_a_stop_answers_what_is_under_way(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("slow", [1]), instances=1, timeout_s=120), "me")
    statuses: list[int] = []

    def ask(thousands: float) -> None:
        with client(models, service) as connected:
            statuses.append(connected.post("/predict", json={"inputs": {"x": [[thousands]]}}).status_code)

    askers = [threading.Thread(target=ask, args=(thousands,)) for thousands in (1000.0, *[1.0] * 7)]
    with client(models, service) as connected:
        askers[0].start()
        until(lambda: 'modeldeploy_connections{replica="0"} 2' in connected.get("/metrics").text or statuses)
        for asker in askers[1:]:
            asker.start()
        queued = 'modeldeploy_queue_depth{replica="0"} 7'
        until(lambda: queued in connected.get("/metrics").text or len(statuses) == 8)  # a slow machine comes too late
    lifecycle.stop(models, "one", wait_s=120)
    for asker in askers:
        asker.join()
    assert statuses == [200] * 8


def test_a_busy_client_loses_no_request_to_a_stop(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1])), "me")
    started, lost, count = threading.Event(), [], 0
    with client(models, service) as connected:

        def ask_until_told_to_close() -> None:
            nonlocal count
            while True:
                try:
                    response = connected.post("/predict", json={"inputs": {"x": [[1, 2, 3, 4]]}})
                except httpx.ConnectError:  # it was too late to send anything: the service had ended
                    return
                except httpx.TransportError as error:
                    lost.append(error)
                    return
                count += response.status_code == 200
                started.set()
                if response.headers.get("connection") == "close":
                    return

        asker = threading.Thread(target=ask_until_told_to_close)
        asker.start()
        assert started.wait(120)
        lifecycle.stop(models, "one")
        asker.join()
    assert lost == []
    assert count > 0


def test_a_stop_that_takes_too_long_is_cut_short(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("slow", [1])), "me")

    def ask() -> None:
        with client(models, service) as connected, pytest.raises(httpx.TransportError):
            connected.post("/predict", json={"inputs": {"x": [[1e6]]}})

    asker = threading.Thread(target=ask)
    asker.start()
    with client(models, service) as connected:
        until(lambda: 'modeldeploy_connections{replica="0"} 2' in connected.get("/metrics").text)
    assert lifecycle.stop(models, "one", wait_s=0.3).state is ServiceState.stopped
    assert processes.group(supervisor(service)) == []
    asker.join()


def test_metrics_of_any_replica_tell_of_all(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), replicas=2), "me")
    for _ in range(20):
        with client(models, service) as connected:
            connected.post("/predict", json={"inputs": {"x": [[1, 2, 3, 4]]}})

    def counted() -> bool:
        with client(models, service) as connected:
            lines = connected.get("/metrics").text.splitlines()
        counts = [float(line.split()[-1]) for line in lines if line.startswith("modeldeploy_requests_total{")]
        return sum(counts) == 20

    until(counted)


def test_without_auth_everybody_on_this_machine_is_let_in(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), auth="none"), "me")
    assert models.service_token("one") is None
    assert httpx.get(f"{service.url}/v2", timeout=120).status_code == 200


@pytest.mark.parametrize("header", [{"Host": "rebound.example"}, {"Origin": "https://page.example"}])
def test_without_auth_no_web_page_is_let_in(models: Store, header: dict[str, str]) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1]), auth="none"), "me")
    assert httpx.get(f"{service.url}/v2", headers=header, timeout=120).status_code == 403
    body = {"inputs": {"x": [[1, 2, 3, 4]]}}
    refused = httpx.post(f"{service.url}/predict", json=body, headers=header, timeout=120)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert httpx.post(f"{service.url}/predict", json=body, timeout=120).status_code == 200


def test_the_token_is_in_no_process_list_and_in_no_log(models: Store) -> None:
    service = lifecycle.start(models, spec("one", ("adder", [1])), "me")
    assert answers(models, service)
    token = str(models.service_token("one"))
    seen = [
        " ".join([*process.cmdline(), *process.environ().values()]) for process in processes.group(supervisor(service))
    ]
    assert len(seen) == 2
    assert not any(token in text for text in [*seen, lifecycle.log_tail(models, "one", 1000)])
    assert token not in json.dumps([row.model_dump(mode="json") for row in models.services.list()])


def test_a_server_process_loads_no_torch_and_leaves_cores_that_others_use(
    models: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    service = lifecycle.start(models, spec("one", ("adder", [1])), "me")
    maps = Path(f"/proc/{replicas(service)[0].pid}/maps").read_text()
    assert "onnxruntime" in maps
    assert "libtorch" not in maps
    assert replicas(service)[0].environ()["GOMP_SPINCOUNT"] == processes.SPIN_COUNT


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
