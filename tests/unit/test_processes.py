"""Processes are told apart by when they started: nobody else's is ever taken for ours, or ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.records import ProcessRef


@pytest.fixture
def leader() -> Iterator[subprocess.Popen[bytes]]:
    """A session's leader with a child in its session."""
    code = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(flush=True)\n"
        "time.sleep(600)"
    )
    started = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    assert started.stdout is not None
    started.stdout.readline()
    ref = processes.of(started.pid)
    yield started
    processes.stop_group(ref, grace_s=0.1)
    started.wait()
    started.stdout.close()


def earlier_owner(ref: ProcessRef) -> ProcessRef:
    """A process that had the same pid once."""
    assert ref.started_after_boot is not None
    return ref.model_copy(update={"started": ref.started - 1000, "started_after_boot": ref.started_after_boot - 1000})


def test_a_session_is_found_also_when_its_leader_is_gone(leader: subprocess.Popen[bytes]) -> None:
    ref = processes.of(leader.pid)
    assert len(processes.group(ref)) == 2
    leader.kill()
    leader.wait()
    assert not processes.alive(ref)
    assert len(processes.group(ref)) == 1
    processes.stop_group(ref, grace_s=1)
    assert processes.group(ref) == []


def test_a_session_whose_leader_took_over_the_pid_is_left_alone(leader: subprocess.Popen[bytes]) -> None:
    former = earlier_owner(processes.of(leader.pid))
    assert not processes.alive(former)
    assert processes.group(former) == []
    processes.stop_group(former, grace_s=0.1)
    assert leader.poll() is None


def test_a_set_clock_makes_nobody_a_stranger(leader: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    ref = processes.of(leader.pid)
    boot = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 3600)
    assert processes.alive(ref)
    assert len(processes.group(ref)) == 2


def test_a_process_that_nobody_has_waited_for_has_ended() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ref = processes.of(ended.pid)
    while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert not processes.alive(ref)
    ended.wait()
    assert not processes.alive(ref)


@pytest.mark.parametrize(
    "name", ["JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN", "JUPYTER_TOKEN", "JUPYTERHUB_CRYPT_KEY", "CONFIGPROXY_AUTH_TOKEN"]
)
def test_workers_get_no_token_of_jupyter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("HF_TOKEN", "needed to fetch")
    assert name not in processes.clean_environment()
    assert "HF_TOKEN" in processes.clean_environment()


def test_threads_of_a_service_wait_as_it_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    assert processes.serving_environment()["GOMP_SPINCOUNT"] == "7"
    monkeypatch.delenv("GOMP_SPINCOUNT")
    assert processes.serving_environment()["GOMP_SPINCOUNT"] == processes.SPIN_COUNT
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    assert "GOMP_SPINCOUNT" not in processes.serving_environment()


def test_of_a_child_that_ended_nothing_stays() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    processes.let_outlive(child)
    while psutil.pid_exists(child.pid):
        processes.reap()
    assert child.returncode == 0
