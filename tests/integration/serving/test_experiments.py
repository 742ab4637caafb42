"""A version is tried on a service's own traffic: its share rises, and it is taken back where it does harm."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing

import httpx
import psutil
import pytest
from steady_load import SteadyLoad, post
from waiting import until

from jupyter_modeldeploy import Experiment, Workspace, processes
from jupyter_modeldeploy.assignment import in_namespace
from jupyter_modeldeploy.errors import Conflict, Forbidden, JobFailed
from jupyter_modeldeploy.experiments.collecting import KEPT, Collector
from jupyter_modeldeploy.experiments.live.standing import Journal
from jupyter_modeldeploy.experiments.spool import FOLDER
from jupyter_modeldeploy.records import Experiment as Record

SOURCE = """
def answer(number: int) -> int:
    if {fails} and number % 3 == 0:
        raise RuntimeError("three")
    return number + {more}
"""
QUICK = {"hold": "1s", "hold_units": 10, "duration": "60s"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A service `one` of `answer@1`; `answer@2` is as good, `answer@3` fails for every third number."""
    opened = Workspace(tmp_path_factory.mktemp("experiments"))
    for more, fails in ((1, False), (2, False), (3, True)):
        opened.models.define("answer", SOURCE.format(fails=fails, more=more))
    opened.services.start(opened.services.spec("one", ["answer@1"]))
    yield opened
    for job in opened.jobs.list():
        if not job.state.ended:
            opened.jobs.get(job.id).cancel()
    opened.services.stop("one")
    opened.close()


@pytest.fixture
def load(workspace: Workspace) -> Iterator[SteadyLoad]:
    """Requests all the time, none of which may be lost."""
    port = int(str(workspace.services.get("one").url).rsplit(":", 1)[1])
    bodies = json.dumps({"number": 3}).encode()
    with SteadyLoad(
        ("127.0.0.1", port), post("/predict", bodies, workspace.services.token("one")), 2, 0, 0.005
    ) as load:
        yield load
    assert load.account.lost == []


def shares(workspace: Workspace) -> dict[int, float]:
    return {arm.version: arm.weight for arm in workspace.services.get("one").spec.models[0].arms}


def ended(workspace: Workspace, id: str) -> Record:
    return Record.model_validate(workspace.jobs.get(id).result(240)["experiment"])


def answers(workspace: Workspace, count: int = 60) -> dict[str, int]:
    """Which version answers each of the units."""
    service, found = workspace.services.get("one"), {}
    headers = {"Authorization": f"Bearer {workspace.services.token('one')}"}
    with httpx.Client(base_url=str(service.url), headers=headers, timeout=120) as client:
        for unit in (f"unit-{number}" for number in range(count)):
            answer = client.post("/predict", json={"number": 1}, headers={"X-Unit-Id": unit}).raise_for_status()
            found[unit] = int(answer.json()["model"].partition("@")[2])
    return found


def counted(workspace: Workspace, experiment: Record) -> tuple[int, int]:
    """The units and the requests of an experiment that were counted so far."""
    folder = workspace.store.service_folder("one")
    with closing(Collector(folder / FOLDER, folder / KEPT)) as collector:
        stage = Journal(workspace.store.job_folder(experiment.id)).now.stage  # type: ignore[union-attr]
        own = experiment.id if experiment.namespace else ""
        found = collector.observed(experiment.base, experiment.candidate, since=stage, experiment=own)
    return sum(one.units for one in found), sum(int(one.sums["requests"].sum()) for one in found)


def test_a_candidate_that_fails_is_rolled_back_by_itself(workspace: Workspace, load: SteadyLoad) -> None:
    handle = workspace.experiments.run("one", "answer@3", steps="50,100", hold="30s")
    found = ended(workspace, handle.id)
    assert found.outcome == "rolled back"
    assert "error_rate is worse by" in found.decisions[-1].why
    assert [each.action for each in found.decisions] == ["start", "roll back"]
    assert shares(workspace) == {1: 1.0, 3: 0.0}
    again = workspace.experiments.rehearse(found.id, steps="25,100", hold="30s")
    assert [each.action for each in again.decisions] == ["start", "roll back"]
    assert workspace.services.get("one").spec.recording.exposures is False


def test_a_good_candidate_gets_all_the_traffic_step_by_step(workspace: Workspace, load: SteadyLoad) -> None:
    """And with it the alias, as soon as its rule allows that."""
    workspace.models.set_rule("answer", movers=["ann"])
    handle = workspace.experiments.run("one", "answer@2", steps="10,50,100", alias="production", **QUICK)
    with pytest.raises(Conflict, match="The experiment"):
        workspace.experiments.run("one", "answer@3", **QUICK)
    paused = until(lambda: (found := workspace.experiments.get(handle.id)).outcome == "paused" and found)
    assert "It is not promoted: answer@2 does not become answer@production" in paused.decisions[-1].why
    workspace.models.set_rule("answer")
    workspace.experiments.act(handle.id, "resume")
    found = ended(workspace, handle.id)
    assert [(each.action, round(each.share, 2)) for each in found.decisions] == [
        ("start", 0.1),
        ("step", 0.5),
        ("step", 1.0),
        ("pause", 1.0),
        ("resume", 1.0),
        ("promote", 1.0),
    ]
    assert workspace.models.alias("answer").number == 2
    assert found.outcome == "promoted"
    assert min(found.units) > 10
    assert workspace.services.rollback("one").spec.models[0].arms[0].weight == 1.0, "before all of it, in one step"


def test_a_killed_worker_is_followed_by_one_that_goes_on(workspace: Workspace) -> None:
    """It does what is asked of it, and waits for a service that was stopped."""
    handle = Experiment(
        base_version="answer@1", candidate_version="answer@2", traffic_split=[50, 50], workspace=workspace
    ).run(duration="10m")
    until(lambda: handle.experiment.decisions)
    process = handle.job.process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: handle.job.state.ended)
    with pytest.raises(Conflict, match="Nobody watches"):
        handle.pause()
    handle.resume()
    assert handle.pause().outcome == "paused"
    workspace.services.stop("one")
    assert handle.resume().state == "running"
    until(lambda: handle.experiment.decisions[-1].by == "service")
    workspace.services.start(workspace.services.get("one").spec)
    until(lambda: handle.experiment.outcome == "running")
    workspace.services.switch("one", "answer@2")
    found = handle.verdict(240)
    me = workspace.store.settings.owner
    assert [(each.action, each.by) for each in found.decisions] == [
        *[("start", "ramp"), ("pause", me), ("resume", me), ("pause", "service"), ("resume", "service")],
        ("stop", "service"),
    ]
    assert "split otherwise by somebody else" in found.decisions[-1].why
    assert shares(workspace) == {1: 0.0, 2: 1.0, 3: 0.0}, "what they want stays"


def test_after_a_restart_of_the_machine_it_goes_on_with_the_units_and_counts_that_it_had(workspace: Workspace) -> None:
    workspace.services.switch("one", "answer@1")
    workspace.services.change("one", start_at_boot=True)
    running = Experiment("answer@2", service="one", traffic_split=[50, 50], workspace=workspace).run(duration="10m")
    until(lambda: running.experiment.decisions)
    before = answers(workspace)
    until(lambda: counted(workspace, running.experiment) == (60, 60))
    worker, supervisor = running.job.process, workspace.services.get("one").process
    assert worker is not None
    assert supervisor is not None
    shell = psutil.Process(worker.pid).parent()
    for process in [shell, *processes.group(worker), *processes.group(supervisor)]:
        assert process is not None
        process.kill()
    until(lambda: running.job.state == "interrupted")
    until(lambda: workspace.services.get("one").state == "failed")
    assert [service.name for service in workspace.services.resume()] == ["one"]
    assert [one.id for one in workspace.experiments.resume()] == [running.id]
    assert answers(workspace) == before
    until(lambda: counted(workspace, running.experiment) == (60, 120))
    until(lambda: sum(running.experiment.units) == 60)
    assert running.roll_back().suspicions == []


def test_two_experiments_at_a_time_share_no_unit_and_end_alone(workspace: Workspace) -> None:
    workspace.services.switch("one", "answer@1")
    models = workspace.models
    first, second = (
        Experiment(f"answer@{number}", service="one", namespace=namespace, workspace=workspace)
        for number, namespace in ((2, "checkout:0-0.5"), (3, "checkout:0.5-1"))
    )
    one = first.run(duration="10m")
    with pytest.raises(Conflict, match=r"Free: checkout:0\.5-1"):
        second.run(namespace="checkout:0.4-0.6")
    other = second.run(duration="10m")
    until(lambda: one.experiment.decisions and other.experiment.decisions)
    before = answers(workspace)
    inside = {unit for unit in before if in_namespace(unit, "checkout", (0.0, 0.5))}
    assert {before[unit] for unit in inside} == {1, 2}
    assert {before[unit] for unit in before.keys() - inside} == {1, 3}
    for each, units in ((one, len(inside)), (other, 60 - len(inside))):
        until(lambda each=each, units=units: sum(each.experiment.units) == units)
    one.roll_back()
    after = answers(workspace)
    assert {after[unit] for unit in inside} == {1}
    assert {unit: after[unit] for unit in before.keys() - inside} == {
        unit: before[unit] for unit in before.keys() - inside
    }
    models.set_rule("answer", movers=["ann"])
    with pytest.raises(Forbidden, match="may not move it, only ann"):
        other.promote("production")
    assert (other.experiment.outcome, answers(workspace)) == ("running", after)
    models.set_rule("answer")
    assert "answer@production is @3." in other.promote("production").decisions[-1].why
    assert set(answers(workspace).values()) == {models.alias("answer").number} == {3}
    assert workspace.services.get("one").spec.models[0].ranges == []
    assert workspace.services.get("one").spec.recording.exposures is False


@pytest.mark.parametrize("left", ["cancelled", "killed"])
def test_an_experiment_that_nobody_watches_leaves_the_traffic_in_order(workspace: Workspace, left: str) -> None:
    workspace.services.switch("one", "answer@1")
    handle = Experiment("answer@2", service="one", traffic_split=[50, 50], workspace=workspace).run(duration="10m")
    until(lambda: handle.experiment.decisions)
    if left == "cancelled":
        handle.cancel()
        assert handle.experiment.outcome == "stopped"
    else:
        process = handle.job.process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: handle.job.state.ended)
        assert handle.roll_back().outcome == "rolled back"
    assert shares(workspace)[1] == 1.0
    assert shares(workspace)[2] == 0.0


def test_a_candidate_that_cannot_be_loaded_changes_nothing(workspace: Workspace) -> None:
    workspace.models.define("answer", "raise RuntimeError('not today')\n" + SOURCE.format(fails=False, more=4))
    before = shares(workspace)
    handle = workspace.experiments.run("one", "answer@4", traffic_split=[50, 50])
    with pytest.raises(JobFailed, match="not today"):
        handle.wait(timeout_s=240)
    assert workspace.experiments.get(handle.id).outcome == "stopped"
    assert shares(workspace) == before
