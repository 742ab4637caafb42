"""Replicas come and go with the load, and are replaced where they crash, hang or grow too large."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
import tiny_onnx
from adder_service import BODY, load, pids, seen
from serving_service import add, client, spec
from waiting import until

from jupyter_modeldeploy.errors import ServiceFailed
from jupyter_modeldeploy.records import ServiceState
from jupyter_modeldeploy.serving import lifecycle
from jupyter_modeldeploy.store import Store

ENOUGH = 300
"""Requests."""


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
