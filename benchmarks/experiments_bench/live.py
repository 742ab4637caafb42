"""A candidate that does harm on a real service under load: how soon it is taken back, and what is lost by any shift."""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from experiments_bench.pipelined import Asking
from jupyter_modeldeploy import Experiment, Workspace
from jupyter_modeldeploy.experimenting import RunningExperiment
from jupyter_modeldeploy.records import Decision, Format, Lineage, NewVersion, Step

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

import tiny_onnx  # what the tests of these promises use

SOURCE = """
import random
import time


def answer(number: int) -> int:
    time.sleep({seconds})
    if random.random() < {failing}:
        raise RuntimeError("one of twenty")
    return number
"""
GOOD_S = 0.01
BASE, FAILING, SLOW, GOOD = 1, 2, 3, 4
VERSIONS = [(GOOD_S, 0.0), (GOOD_S, 0.05), (2 * GOOD_S, 0.0), (GOOD_S * 1.0001, 0.0)]
"""Seconds and share of failures of answer@1, @2, …"""
CALLERS, RATE = 8, 150
"""Requests a second, each of a user of its own."""
AT_ONCE, USERS_RATE = 50, 3000
"""Of the same users again and again: nearly all of them within each step."""
USERS = 100_000
SURE = 1e-4
"""The split is off where it would be so by chance as rarely as this."""
SETTLED_S = 2.0
BODY, ADDER_BODY = json.dumps({"number": 3}).encode(), json.dumps({"inputs": {"x": [[1, 2, 3, 4]]}}).encode()


def run() -> dict[str, Any]:
    """`rollback_s`, `lost_requests`, `sticky_breaks`, and what they are made of."""
    with tempfile.TemporaryDirectory() as folder, closing(Workspace(Path(folder) / "root")) as workspace:
        for seconds, failing in VERSIONS:
            workspace.models.define("answer", SOURCE.format(seconds=seconds, failing=failing))
        for amount in (1.0, 2.0):
            lineage = Lineage(step=Step.imported)
            new = NewVersion(model="adder", format=Format.onnx, task="tensor", lineage=lineage)
            workspace.store.versions.add(new, tiny_onnx.add_one(Path(folder) / f"adder{amount}", amount))
        services = workspace.services
        try:
            services.start(services.spec("answers", [f"answer@{BASE}"], replicas=2, instances=CALLERS))
            failing, slow = _taken_back(workspace, FAILING), _taken_back(workspace, SLOW)
            shifts = _shifts(workspace)
            services.stop("answers")
            services.start(services.spec("adders", ["adder@1"], replicas=2, port=_free_port()))
            sticky = _sticky(workspace)
        finally:
            for job in workspace.jobs.list():
                if not job.state.ended:
                    workspace.jobs.get(job.id).cancel()
            for service in services.list():
                services.stop(service.name)
    return {
        "rollback_s": max(failing["rollback_s"], slow["rollback_s"]),
        "lost_requests": sum(part["lost"] for part in (failing, slow, shifts, sticky)),
        "sticky_breaks": sticky["breaks"],
        "live": {"fails_5_percent": failing, "twice_as_slow": slow, "shifts": shifts, "sticky": sticky},
    }


def _asking(workspace: Workspace, name: str, body: bytes, users: range, rate: float) -> Asking:
    port = int(str(workspace.services.get(name).url).rsplit(":", 1)[1])
    threads, at_once = (CALLERS, 1) if rate == RATE else (2, AT_ONCE)
    return Asking(port, str(workspace.services.token(name)), body, users, threads, at_once, rate)


def _begun(workspace: Workspace, candidate: str, service: str, **options: Any) -> RunningExperiment:
    """An experiment once its candidate has traffic."""
    handle = Experiment(candidate, service=service, workspace=workspace, **options).run("30m")
    _until(lambda: handle.experiment.decisions)
    return handle


def _taken_back(workspace: Workspace, number: int) -> dict[str, Any]:
    """Roll the version out to half of the traffic and wait until the experiment takes it back."""
    with _asking(workspace, "answers", BODY, range(10**7), RATE) as asking:
        handle = _begun(workspace, f"answer@{number}", "answers", steps=[50, 100], hold="10m")
        found = handle.verdict(300)
        time.sleep(SETTLED_S)
    assert found.outcome == "rolled back", found.outcome
    times = np.array(
        [
            at
            for answers in asking.answers
            for at, version in zip(answers.at, answers.version, strict=True)
            if version == number
        ]
    )
    told = {
        "rollback_s": float(times.max() - times.min()),
        "requests": sum(len(answers.at) for answers in asking.answers),
        "candidate_requests": len(times),
        "lost": asking.lost,
        "why": found.decisions[-1].why,
    }
    print(f"answer@{number} was taken back {told['rollback_s']:.1f} s after its first request; {told}", flush=True)
    return told


def _shifts(workspace: Workspace) -> dict[str, Any]:
    """A ramp to its end, a rollback of the service, and what people ask of an experiment."""
    with _asking(workspace, "answers", BODY, range(10**7), RATE) as asking:
        ramp = {"steps": [10, 25, 50, 75, 100], "hold": "2s", "hold_units": 20, "guardrails": {"latency_p95": "off"}}
        found = _begun(workspace, f"answer@{GOOD}", "answers", **ramp).verdict(300)
        assert found.outcome == "promoted", found.outcome
        workspace.services.rollback("answers")
        for act in (RunningExperiment.promote, RunningExperiment.roll_back, RunningExperiment.stop):
            act(_begun(workspace, f"answer@{GOOD}", "answers", traffic_split=[50, 50]))
            workspace.services.switch("answers", f"answer@{BASE}")
    told = {"requests": sum(len(answers.at) for answers in asking.answers), "lost": asking.lost}
    print(f"shifts: {told}", flush=True)
    return told


def _sticky(workspace: Workspace) -> dict[str, Any]:
    """The same users ask all the time, through a ramp, a scaling and a restart."""
    services = workspace.services
    with _asking(workspace, "adders", ADDER_BODY, range(USERS), USERS_RATE) as asking:
        options = {
            "steps": [10, 25, 50, 75, 100],
            "hold": "30s",
            "hold_units": 1000,
            "guardrails": {"latency_p95": "off"},
        }
        handle = _begun(workspace, "adder@2", "adders", **options)
        _until(lambda: _steps(handle) == 1, 120)
        services.scale("adders", 3)
        _until(lambda: _steps(handle) == 2, 120)
        asking.hold()  # a restart refuses whoever comes meanwhile
        services.stop("adders")
        services.start(services.get("adders").spec)
        asking.may_ask.set()
        _until(lambda: _steps(handle) == 3, 120)
        services.scale("adders", 2)
        found = handle.verdict(600)
    assert found.outcome == "promoted", found.outcome
    breaks = sum(_broken(answers.user, answers.version) for answers in asking.answers)
    told = {
        "users": USERS,
        "requests": sum(len(answers.at) for answers in asking.answers),
        "breaks": breaks,
        "lost": asking.lost,
        "splits": _splits(asking, found.decisions),
    }
    print(f"sticky: {told}", flush=True)
    return told


def _free_port() -> int:
    """One that stays the same over a restart."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _steps(handle: RunningExperiment) -> int:
    return sum(decision.action == "step" for decision in handle.experiment.decisions)


def _broken(users: list[int], versions: list[int]) -> int:
    """How many answers came from the base to a user who had one from the candidate before."""
    inside = np.zeros(USERS, bool)
    broken = 0
    for user, version in zip(users, versions, strict=True):
        if version == 2:
            inside[user] = True
        elif inside[user]:
            broken += 1
    return broken


def _splits(asking: Asking, decisions: list[Decision]) -> list[dict[str, Any]]:
    """The users who met the candidate while each share held, and whether so many do by chance."""
    found = []
    times = [decision.at.timestamp() for decision in decisions] + [float("inf")]
    loaded = min(at for one in asking.answers for at, version in zip(one.at, one.version, strict=True) if version == 2)
    times[0] = max(times[0], loaded)  # the candidate is loaded between the decision and its first request
    for decision, begun, ended in zip(decisions, times, times[1:], strict=False):
        met: dict[int, int] = {}
        for answers in asking.answers:
            at = np.array(answers.at)
            for place in np.flatnonzero((at > begun + SETTLED_S) & (at < ended - SETTLED_S)):
                met[answers.user[place]] = answers.version[place]
        inside = sum(version == 2 for version in met.values())
        if met and 0 < decision.share < 1:
            chance = float(stats.binomtest(inside, len(met), decision.share).pvalue)
            share = inside / len(met)
            within = chance > SURE
            found.append({"asked": decision.share, "users": len(met), "share": share, "p": chance, "within": within})
    return found


def _until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not happen in time")
        time.sleep(0.1)
