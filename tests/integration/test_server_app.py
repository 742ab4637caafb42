"""The extension beside its server: what keeps it awake, which workspace its kernels open, what its views hear."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.api.operations import SeeChanges, see_changes
from jupyter_modeldeploy.records import Job, JobState, ProcessRef
from jupyter_modeldeploy.server.app import ModelDeployApp
from jupyter_modeldeploy.workspace import Workspace


def job(number: int, process: ProcessRef | None) -> Job:
    now = datetime.now(UTC)
    times = {"created_at": now, "queued_at": now}
    known = {"id": f"{number:012x}", "kind": "fetch", "title": "t", "parameters": {}, "owner": "o"}
    return Job.model_validate({**known, **times, "state": JobState.running, "process": process})


@pytest.fixture
def app(jp_serverapp: Any) -> ModelDeployApp:
    [found] = jp_serverapp.extension_manager.extension_apps["jupyter_modeldeploy"]
    assert isinstance(found, ModelDeployApp)
    return found


async def test_a_job_at_work_keeps_the_server_awake_a_dead_one_does_not(app: ModelDeployApp, jp_serverapp: Any) -> None:
    last = jp_serverapp.web_app.settings["last_activity_times"]
    app.workspace.store.jobs.add(job(1, ProcessRef(pid=2**22 - 1, started=0.0)))
    await app._note_activity()
    assert "modeldeploy" not in last
    app.workspace.store.jobs.add(job(2, processes.current()))
    await app._note_activity()
    assert "modeldeploy" in last


class TestRoot:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
        jp_server_config["ModelDeployApp"] = {"root": str(tmp_path / "chosen")}
        return jp_server_config

    async def test_a_servers_kernels_open_its_workspace(self, app: ModelDeployApp, tmp_path: Path) -> None:
        assert app.workspace.store.root == tmp_path / "chosen"
        assert os.environ["JUPYTER_MODELDEPLOY_ROOT"] == str(tmp_path / "chosen")


async def test_of_very_many_jobs_the_newest_are_listed(app: ModelDeployApp, jp_fetch: Any) -> None:
    for number in range(5):
        app.workspace.store.jobs.add(job(number, processes.current()))
    response = await jp_fetch("modeldeploy", "api", "jobs", params={"limit": "2"})
    assert [each["id"] for each in json.loads(response.body)["jobs"]] == [f"{4:012x}", f"{3:012x}"]


async def test_who_reads_chinese_is_answered_in_chinese_and_all_others_in_english(
    app: ModelDeployApp, jp_fetch: Any
) -> None:
    failed = {"state": "failed", "error": {"code": "unavailable", "message": "timm is not installed."}}
    app.workspace.store.jobs.add(Job.model_validate(job(1, None).model_dump() | failed))
    for language, message in (("zh_CN", "timm 未安装。"), ("de", "timm is not installed.")):
        response = await jp_fetch("modeldeploy", "api", "jobs", headers={"Accept-Language": language})
        [found] = json.loads(response.body)["jobs"]
        assert (found["state"], found["error"]["message"]) == ("failed", message)
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("modeldeploy", "api", "jobs", "0" * 12, headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert json.loads(refused.value.response.body)["error"]["hint"] == "列出作业：modeldeploy jobs list。"


def test_a_change_made_while_another_answer_is_put_together_is_not_skipped(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(root)
    workspace.store.jobs.add(job(1, processes.current()))
    seen = workspace.store.changes.latest()
    since = workspace.store.changes.since

    def since_and_then_a_write(sequence: int, limit: int = 500) -> Any:
        found = since(sequence, limit)
        workspace.store.jobs.add(job(2, processes.current()))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(workspace.store.changes, "since", since_and_then_a_write)
        answer = see_changes(workspace, SeeChanges(since=seen))
    assert answer.changes == []
    missed = see_changes(workspace, SeeChanges(since=answer.latest))
    assert [change.key for change in missed.changes] == [job(2, None).id]
    workspace.close()


async def test_whoever_names_no_number_hears_at_once_from_where_to_follow(app: ModelDeployApp, jp_fetch: Any) -> None:
    for number in range(600):  # more than one answer holds
        app.workspace.store.jobs.add(job(number, processes.current()))
    answer = json.loads((await jp_fetch("modeldeploy", "api", "changes", params={"wait": "30"})).body)
    assert answer == {"changes": [], "latest": app.workspace.latest_change()}


async def test_a_waiting_view_is_answered_at_the_first_change(app: ModelDeployApp, jp_fetch: Any) -> None:
    waiting = jp_fetch("modeldeploy", "api", "changes", params={"since": "0", "wait": "30"})
    while app.watch._look is None:
        await asyncio.sleep(0.01)
    app.workspace.store.jobs.add(job(1, processes.current()))
    answer = json.loads((await waiting).body)
    assert [change["key"] for change in answer["changes"]] == [job(1, None).id]


async def test_however_many_wait_the_workspace_is_looked_at_once(
    app: ModelDeployApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    monkeypatch.setattr(app.workspace.store.changes, "latest", lambda: looks.append(1) or 7)
    assert set(await asyncio.gather(*(app.watch.next_look() for _ in range(100)))) == {7}
    assert len(looks) == 1


async def test_while_nothing_lives_and_nothing_is_written_no_look_is_taken(
    app: ModelDeployApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_modeldeploy.workspace.onlooker.THOROUGH_S", 0.0)
    while app.watch._onlooker.is_due():
        await app.watch.next_look()
    looks: list[str] = []
    monkeypatch.setattr(app.workspace, "reconcile", lambda: looks.append("look"))
    await app.watch.next_look()
    assert not looks
    app.workspace.store.jobs.add(job(1, processes.current()))
    await app.watch.next_look()
    assert looks


async def test_a_worker_that_died_is_found_although_nothing_was_written(app: ModelDeployApp) -> None:
    worker = subprocess.Popen(["sleep", "600"], start_new_session=True)
    app.workspace.store.jobs.add(job(1, processes.of(worker.pid)))
    before = await app.watch.next_look()
    worker.kill()
    worker.wait()
    async with asyncio.timeout(120):
        while await app.watch.next_look() == before:
            pass
    assert app.workspace.jobs.list()[0].state.ended


async def test_a_stopping_server_sends_away_who_waits(app: ModelDeployApp, jp_fetch: Any) -> None:
    waiting = jp_fetch("modeldeploy", "api", "changes", params={"since": "0", "wait": "30"}, raise_error=False)
    while app.watch._look is None:
        await asyncio.sleep(0.01)
    app.watch.close()
    response = await waiting
    assert response.code == 503
    assert json.loads(response.body)["error"]["code"] == "unavailable"
