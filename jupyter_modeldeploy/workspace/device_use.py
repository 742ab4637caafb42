"""What the processors are used for: read at most once a second, however many look."""

from __future__ import annotations

import time
from threading import Lock
from typing import TypedDict

import psutil

from jupyter_modeldeploy import devices, processes
from jupyter_modeldeploy.records import Device, DeviceProcess, JobState
from jupyter_modeldeploy.store import Store

FRESH_S = 1.0


class Owner(TypedDict, total=False):
    """What a process works for."""

    job: str
    service: str


class DeviceUse:
    """Reads the use of the processors, and of their processes since the reading before."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._looking = Lock()
        self._looked_at = 0.0
        self._seen: list[Device] = []
        self._seconds: dict[tuple[int, float], float] = {}

    def read(self) -> list[Device]:
        """The processors with the processes of jobs and services on each; on a GPU those of others too."""
        with self._looking:
            now = time.monotonic()
            if not self._seen or now - self._looked_at > FRESH_S:
                self._seen = self._look(now - self._looked_at)
                self._looked_at = now
            return self._seen

    def _look(self, seconds_since: float) -> list[Device]:
        owners = self._owners()
        before, self._seconds = self._seconds, {}
        ours = [self._measure(pid, owner, before, seconds_since) for pid, owner in owners.items()]
        return [
            device.model_copy(
                update={
                    "processes": _largest_first(
                        [process for process in ours if process is not None]
                        if device.kind == "cpu"
                        else _on_gpu(device.id, owners)
                    )
                }
            )
            for device in devices.list_devices()
        ]

    def _owners(self) -> dict[int, Owner]:
        """The pids of the processes of jobs and services with what each works for."""
        leaders: dict[int, Owner] = {}
        for job in self._store.jobs.list([JobState.running]):
            if job.process is not None and processes.alive(job.process):
                leaders[job.process.pid] = Owner(job=job.id)
        for service in self._store.services.list():
            if service.process is not None and processes.alive(service.process):
                leaders[service.process.pid] = Owner(service=service.name)
        if not leaders:
            return {}
        led = {pid: leader for leader, pids in processes.sessions().items() for pid in pids}
        members = {pid: leaders[leader] for pid, leader in led.items() if leader in leaders}
        return {**members, **leaders}  # a trial of a sweep works in the session of its parent

    def _measure(
        self, pid: int, owner: Owner, before: dict[tuple[int, float], float], seconds_since: float
    ) -> DeviceProcess | None:
        """What a process uses, None where it has ended; `before` are the seconds of computing at the last look."""
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                key, times = (pid, process.create_time()), process.cpu_times()
                name, memory = process.name(), process.memory_info().rss
        except psutil.NoSuchProcess:
            return None
        spent = self._seconds[key] = times.user + times.system
        cores = (spent - before[key]) / seconds_since if key in before else None
        return DeviceProcess(pid=pid, name=name, memory=memory, cores=cores, **owner)


def _on_gpu(device: str, owners: dict[int, Owner]) -> list[DeviceProcess]:
    return [
        DeviceProcess(pid=pid, name=_name(pid), memory=memory, **owners.get(pid, {}))
        for pid, memory in devices.processes_on(device)
    ]


def _largest_first(found: list[DeviceProcess]) -> list[DeviceProcess]:
    return sorted(found, key=lambda process: (-(process.memory or 0), process.pid))


def _name(pid: int) -> str:
    """A process's name; "" where it is none of this container's or another user's."""
    try:
        return psutil.Process(pid).name()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""
