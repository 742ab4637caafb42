"""Processes that outlive whoever started them: tell them apart, watch them, end them."""

from __future__ import annotations

import atexit
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

import psutil

from jupyter_modeldeploy.records import ProcessRef

T = TypeVar("T")
START_TIME_TOLERANCE_S = 0.5
SPIN_COUNT = "3000"
"""How often a thread of GNU's OpenMP looks for its next part of an operator before it sleeps; by default 300,000 times.
On two cores a small CNN takes 0.70 ms by default, 0.62 with this, and 2.4 where threads sleep at once; beside ten other
processes 18, 3.3 and 0.8 ms (docs/serving.md has more)."""
SECRETS = re.compile(r"(JUPYTER|JPY|CONFIGPROXY)\w*_(TOKEN|KEY|SECRET|PASSWORD)")


_outliving: list[subprocess.Popen[bytes]] = []


def let_outlive(child: subprocess.Popen[bytes]) -> ProcessRef:
    """Wait for no end of this child, which may outlive us; if it ends first, `reap` removes what is left of it."""
    _outliving.append(child)
    return of(child.pid)


def reap() -> None:
    """Take note of the children that ended, so that no zombie stays for as long as this process lives."""
    for child in list(_outliving):
        if child.poll() is not None:
            with suppress(ValueError):  # another thread did
                _outliving.remove(child)


@atexit.register
def _let_go() -> None:
    """At our end the children that go on are no leak, which `Popen` would warn of."""
    for child in _outliving:
        if child.poll() is None:
            child.returncode = 0


def current() -> ProcessRef:
    return of(os.getpid())


def of(pid: int) -> ProcessRef:
    return ProcessRef(pid=pid, started=psutil.Process(pid).create_time(), started_after_boot=_after_boot(pid))


def find(ref: ProcessRef) -> psutil.Process | None:
    """The living process, or None if it ended or its pid now belongs to another."""
    try:
        process = psutil.Process(ref.pid)
        return process if _is(process, ref) and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def alive(ref: ProcessRef | None) -> bool:
    return ref is not None and find(ref) is not None


def group(ref: ProcessRef) -> list[psutil.Process]:
    """The processes of the session that `ref` leads, itself included, also those left after it ended."""
    if _belongs_to_another(ref):  # a pid is free again only once its whole session is gone
        return []
    members = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == ref.pid:
                members.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess, PermissionError):
            continue  # ended meanwhile, or another user's
    return [process for process in members if _status(process) != psutil.STATUS_ZOMBIE]


def sessions() -> dict[int, list[int]]:
    """The pids of this machine's processes by the pid that leads their session."""
    found: dict[int, list[int]] = {}
    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError):  # ended meanwhile, or another user's
            found.setdefault(os.getsid(pid), []).append(pid)
    return found


def any_given(word: str, parent: ProcessRef | None = None) -> bool:
    """Whether a process of this machine has this word in its command, or a child of `parent` has."""
    started = psutil.process_iter(["cmdline", "ppid"])
    return any(
        word in (process.info["cmdline"] or ()) and (parent is None or process.info["ppid"] == parent.pid)
        for process in started
    )


def stop_group(ref: ProcessRef, grace_s: float = 5.0) -> None:
    """SIGTERM to the session that `ref` leads, then SIGKILL to what is left after `grace_s` seconds.

    Returns when none is left. Where the pid now leads another's session, that one is left alone."""
    _signal(group(ref), signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline and group(ref):
        time.sleep(0.05)
    while left := group(ref):
        _signal(left, signal.SIGKILL)
        time.sleep(0.05)


def peak_bytes() -> int:
    """This process's peak of resident memory. `ru_maxrss` would not do on Linux: a child starts with its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


class Promptly(Protocol):
    """Does a piece of work and gives its result."""

    def __call__(self, work: Callable[[], T]) -> T: ...


def at_once(work: Callable[[], T]) -> T:
    """Promptly, where nothing steps aside."""
    return work()


@contextmanager
def stepping_aside() -> Iterator[Promptly]:
    """From now on this thread, and the threads and processes that it starts, leave the processor to whoever else wants
    it. What is given to the context's function is done at the priority of before, on a thread of its own: nobody may
    raise a priority again. Only Linux knows priorities of threads; elsewhere all is done as any."""
    with ThreadPoolExecutor(1, thread_name_prefix="promptly") as pool:
        pool.submit(at_once, bool).result()  # it starts while priorities are as they were
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        yield lambda work: pool.submit(work).result()


def clean_environment() -> dict[str, str]:
    """This process's environment without the secrets of Jupyter and its hub, which are no business of a worker."""
    return {name: value for name, value in os.environ.items() if not SECRETS.fullmatch(name)}


def computing_environment() -> dict[str, str]:
    """The environment of a worker that computes with torch on cores that others use too.

    Threads of OpenMP that wait for each other keep their cores busy by default. Where another process has one of the
    cores, each step then takes five to ten times as long as with threads that sleep; where nobody has, a step of a
    small transformer takes the same. What somebody set themselves is kept."""
    return {"OMP_WAIT_POLICY": "passive", **clean_environment()}


def serving_environment() -> dict[str, str]:
    """The environment of a process that answers requests, perhaps with torch, beside others that compute.

    Its threads of OpenMP look out for each other for a moment, then sleep. What somebody set themselves is kept."""
    environment = clean_environment()
    return environment if "OMP_WAIT_POLICY" in environment else {"GOMP_SPINCOUNT": SPIN_COUNT, **environment}


def _is(process: psutil.Process, ref: ProcessRef) -> bool:
    if ref.started_after_boot is not None and (after_boot := _after_boot(process.pid)) is not None:
        return after_boot == ref.started_after_boot
    return abs(process.create_time() - ref.started) < START_TIME_TOLERANCE_S


def _after_boot(pid: int) -> float | None:
    """Seconds from the machine's start to the process's, None where the system does not tell. Unlike the time of day
    that psutil derives from it, it stays the same when the clock is set, as after a machine's sleep."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            raise psutil.NoSuchProcess(pid) from None
        return None
    except ProcessLookupError:
        raise psutil.NoSuchProcess(pid) from None
    fields_after_name = stat.rpartition(b")")[2].split()
    return int(fields_after_name[19]) / os.sysconf("SC_CLK_TCK")


def _belongs_to_another(ref: ProcessRef) -> bool:
    try:
        return not _is(psutil.Process(ref.pid), ref)
    except psutil.NoSuchProcess:
        return False


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
