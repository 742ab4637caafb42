"""Processes that outlive whoever started them: tell them apart, watch them, end them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable

import psutil

from jupyter_modeldeploy.records import ProcessRef

START_TIME_TOLERANCE_S = 0.5
SECRETS = ("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN", "JUPYTER_TOKEN", "CONFIGPROXY_AUTH_TOKEN")


def current() -> ProcessRef:
    return of(os.getpid())


def of(pid: int) -> ProcessRef:
    return ProcessRef(pid=pid, started=psutil.Process(pid).create_time())


def find(ref: ProcessRef) -> psutil.Process | None:
    """The living process, or None if it ended or its pid now belongs to another."""
    try:
        process = psutil.Process(ref.pid)
        same = abs(process.create_time() - ref.started) < START_TIME_TOLERANCE_S
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def alive(ref: ProcessRef | None) -> bool:
    return ref is not None and find(ref) is not None


def group(ref: ProcessRef) -> list[psutil.Process]:
    """The processes of the session that `ref` leads, itself included, also those left after it ended."""
    members = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == ref.pid and process.create_time() >= ref.started - START_TIME_TOLERANCE_S:
                members.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess, PermissionError):
            continue  # ended meanwhile, or another user's
    return [process for process in members if _status(process) != psutil.STATUS_ZOMBIE]


def stop_group(ref: ProcessRef, grace_s: float = 5.0) -> None:
    """SIGTERM to the session that `ref` leads, then SIGKILL to what is left after `grace_s` seconds.

    Returns when none is left. A process is signalled only while its start time is that of the session."""
    _signal(group(ref), signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline and group(ref):
        time.sleep(0.05)
    while left := group(ref):
        _signal(left, signal.SIGKILL)
        time.sleep(0.05)


def clean_environment() -> dict[str, str]:
    """This process's environment without the tokens that a worker has no business with."""
    return {name: value for name, value in os.environ.items() if name not in SECRETS}


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def _status(process: psutil.Process) -> str:
    try:
        return process.status()
    except psutil.NoSuchProcess:
        return psutil.STATUS_ZOMBIE
