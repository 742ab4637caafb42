"""What a service loses while it is changed, killed and overloaded, with every request accounted for.

    python benchmarks/changes.py [--requests 50000]

A service of two replicas is asked by 6 clients that keep their connections and 2 that change them, all the time, while
it rolls to another version, scales up and down, switches back and loses a process. Then many more ask than it can
answer. Prints a table and writes `benchmarks/results/changes.json`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Service, Step

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

import tiny_onnx  # noqa: E402  # what the tests of these promises use
from steady_load import Caller, SteadyLoad, post  # noqa: E402

RESULT = HERE / "results" / "changes.json"
BODY = json.dumps({"inputs": {"x": [[1, 2, 3, 4]]}}).encode()
SLOW_BODY = json.dumps({"inputs": {"x": [[3.0]]}}).encode()
DEADLINE_MS = 300
OVERLOAD = 10


def main() -> None:
    parser = argparse.ArgumentParser(description="Count what a service loses while it is changed.")
    parser.add_argument("--requests", type=int, default=50_000, help="how many are answered around the changes")
    wanted = parser.parse_args().requests
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Workspace(Path(folder) / "root")) as workspace:
        _add(workspace, "adder", tiny_onnx.add_one(Path(folder) / "one"))
        _add(workspace, "adder", tiny_onnx.add_one(Path(folder) / "two", 2.0))
        _add(workspace, "slow", tiny_onnx.slow(Path(folder) / "slow"))
        found = {**changes(workspace, wanted), **overload(workspace)}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=2) + "\n")


def changes(workspace: Workspace, wanted: int) -> dict[str, Any]:
    services = workspace.services
    service = services.start(services.spec("changed", ["adder@1"], replicas=2))
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("rolls to another version", lambda: services.change("changed", models=_only(2))),
        ("scales to 3", lambda: services.scale("changed", 3)),
        ("scales to 1", lambda: services.scale("changed", 1)),
        ("scales to 2", lambda: services.scale("changed", 2)),
        ("takes other limits", lambda: services.change("changed", max_queue=77)),
        ("rolls back", lambda: services.change("changed", models=_only(1))),
    ]
    each = wanted // (len(steps) + 1) + 1
    print(f"{'the service …':28}{'seconds':>9}{'answered':>10}{'lost':>6}")
    try:
        with _load(workspace, service) as load:
            load.wait_for(each, seconds=300)
            for name, step in steps:
                begun, before = time.monotonic(), load.answered
                step()
                seconds = time.monotonic() - begun
                load.wait_for(each, seconds=300)
                print(f"{name:28}{seconds:9.2f}{load.answered - before:10,}")
        changed = load.account
        print(f"{'in all':28}{'':9}{changed.answers.total():10,}{len(changed.lost):6}  {dict(changed.answers)}")
        found = {"changes": {"requests": changed.sent, "lost": len(changed.lost), "answers": dict(changed.answers)}}
        return {**found, "kill": _kill(workspace, services.get("changed"))}
    finally:
        services.stop("changed")


def _kill(workspace: Workspace, service: Service) -> dict[str, Any]:
    with _load(workspace, service) as load:
        load.wait_for(1000)
        before = _replicas(service)
        begun = time.monotonic()
        before[0].kill()
        while True:
            now = [one for one in _replicas(service) if one.pid != before[0].pid]
            if len(now) == 2 and workspace.services.get("changed").replicas_ready == 2:
                break
            time.sleep(0.01)
        seconds = time.monotonic() - begun
        load.wait_for(1000)
    lost = len(load.account.lost)
    print(f"{'loses a process (SIGKILL)':28}{seconds:9.2f}{load.account.answers.total():10,}{lost:6}")
    return {"seconds_to_full_strength": seconds, "lost": lost, "clients": 8}


def overload(workspace: Workspace) -> dict[str, Any]:
    """Ten times as many clients as there are instances and places in the queue, each with a deadline."""
    services = workspace.services
    service = services.start(services.spec("loaded", ["slow"], instances=2, max_queue=8))
    request = _with_deadline(post("/predict", SLOW_BODY, workspace.services.token("loaded")))
    address = ("127.0.0.1", int(str(service.url).rsplit(":", 1)[1]))
    answers: Counter[int] = Counter()
    times: list[float] = []
    over = threading.Event()

    def ask() -> None:
        caller = Caller(address, request)
        while not over.is_set():
            before, begun = caller.account.answers[200], time.perf_counter()
            caller.ask()
            if caller.account.answers[200] > before:
                times.append(1000 * (time.perf_counter() - begun))
        caller.close()
        answers.update(caller.account.answers)
        answers[0] += len(caller.account.lost)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(OVERLOAD * 10)]
    try:
        for thread in threads:
            thread.start()
        time.sleep(3)
        early = _memory(service)
        time.sleep(12)
        late = _memory(service)
        over.set()
        for thread in threads:
            thread.join()
    finally:
        services.stop("loaded")
    found = {
        "clients": len(threads),
        "deadline_ms": DEADLINE_MS,
        "answers": {str(status): count for status, count in sorted(answers.items())},
        "accepted_p50_ms": statistics.median(times),
        "accepted_max_ms": max(times),
        "memory_growth": late / early - 1,
    }
    print(
        f"overloaded by {len(threads)} clients: {dict(answers)}; accepted within {max(times):.0f} ms of "
        f"{DEADLINE_MS}, memory {100 * found['memory_growth']:+.1f} %"
    )
    return {"overload": found}


def _add(workspace: Workspace, model: str, folder: Path) -> None:
    new = NewVersion(model=model, format=Format.onnx, task="tensor", lineage=Lineage(step=Step.imported))
    workspace.store.versions.add(new, folder)


def _only(version: int) -> list[dict[str, Any]]:
    return [{"model": "adder", "arms": [{"version": version}]}]


def _load(workspace: Workspace, service: Service) -> SteadyLoad:
    request = post("/predict", BODY, workspace.services.token(service.name))
    return SteadyLoad(("127.0.0.1", int(str(service.url).rsplit(":", 1)[1])), request, keeping=6, reconnecting=2)


def _with_deadline(request: bytes) -> bytes:
    return request.replace(b"\r\n", b"\r\nX-Request-Timeout-Ms: %d\r\n" % DEADLINE_MS, 1)


def _replicas(service: Service) -> list[psutil.Process]:
    assert service.process is not None
    return psutil.Process(service.process.pid).children()


def _memory(service: Service) -> int:
    return sum(one.memory_info().rss for one in _replicas(service))


if __name__ == "__main__":
    os.umask(0o077)
    main()
