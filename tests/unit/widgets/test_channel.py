"""What a panel asks over its comm is answered from the API's table, without the kernel's own thread."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.store.changes import append
from jupyter_modeldeploy.widgets import channel
from jupyter_modeldeploy.widgets.channel import Channel

SOON_S = 120


class Asking:
    """The other end of a channel."""

    def __init__(self, workspace: Workspace) -> None:
        self.came: queue.Queue[dict[str, Any]] = queue.Queue()
        self.channel = Channel(workspace, self.came.put)

    def ask(self, path: str, method: str = "GET", body: str = "", rid: str = "1", language: str = "en") -> None:
        question = {"method": method, "path": path, "body": body, "language": language}
        self.channel.receive({"kind": "ask", "rid": rid, **question})
        assert self.came.get(timeout=SOON_S) == {"kind": "heard", "rid": rid}

    def answer(self) -> tuple[int, Any]:
        told = self.came.get(timeout=SOON_S)
        assert told["kind"] == "answer"
        return told["status"], json.loads(told["body"])


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    opened = Workspace(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def asking(workspace: Workspace) -> Iterator[Asking]:
    made = Asking(workspace)
    yield made
    made.channel.close()


def test_an_operation_is_answered_as_over_http(asking: Asking) -> None:
    asking.ask("models")
    assert asking.answer() == (200, {"models": []})


def test_a_question_that_was_asked_again_behind_a_busy_kernel_is_answered_once(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking.ask("models")
    assert asking.answer()[0] == 200
    asking.ask("models")
    asking.ask("jobs", rid="2")
    assert "jobs" in asking.answer()[1]
    monkeypatch.setattr(channel, "QUEUED_S", -1.0)
    asking.ask("models")
    assert asking.answer() == (200, {"models": []})  # much later: the answer was lost on its way


def test_a_panel_in_chinese_is_answered_in_chinese(asking: Asking) -> None:
    asking.ask("jobs/00000000000a", language="zh_CN")
    status, answer = asking.answer()
    assert (status, answer["error"]["code"]) == (404, "not_found")
    assert answer["error"]["message"] == "没有作业 '00000000000a'。"


def test_the_apis_description_is_answered_too(asking: Asking) -> None:
    asking.ask("openapi.json")
    assert asking.answer()[1]["openapi"] == "3.1.0"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "models/none", "", 404, "not_found"),
        ("GET", "nothing", "", 404, "not_found"),
        ("DELETE", "changes", "", 400, "invalid_input"),
        ("POST", "models/fetch", "[1]", 400, "invalid_input"),
        ("GET", "changes?since=-1", "", 400, "invalid_input"),
    ],
)
def test_what_is_wrong_is_told_with_a_status_and_a_code(
    asking: Asking, method: str, path: str, body: str, status: int, code: str
) -> None:
    asking.ask(path, method, body)
    told, answer = asking.answer()
    assert (told, answer["error"]["code"]) == (status, code)


def test_a_call_runs_in_another_thread_and_in_the_messages_context(workspace: Workspace) -> None:
    parent: ContextVar[str] = ContextVar("parent", default="none")
    told: queue.Queue[tuple[str, str, int]] = queue.Queue()
    channel = Channel(workspace, lambda message: told.put((message["kind"], parent.get(), threading.get_ident())))
    parent.set("the message")
    channel.receive({"kind": "ask", "rid": "1", "method": "GET", "path": "jobs"})
    parent.set("another")
    assert told.get(timeout=SOON_S) == ("heard", "the message", threading.get_ident())
    kind, context, thread = told.get(timeout=SOON_S)
    assert (kind, context) == ("answer", "the message")
    assert thread != threading.get_ident()


def test_who_waits_for_a_change_is_answered_with_it_and_holds_up_nobody(asking: Asking, workspace: Workspace) -> None:
    for number in range(20):  # more than there are threads
        asking.ask("changes?since=0&wait=30", rid=str(number))
    asking.ask("jobs", rid="jobs")
    assert asking.answer() == (200, {"jobs": []})
    with workspace.store._database.write() as connection:
        append(connection, "model", "minilm", "created")
    answers = [asking.answer()[1] for _ in range(20)]
    assert all(answer["changes"][0]["key"] == "minilm" for answer in answers)


def test_a_wait_without_a_change_ends_in_time(asking: Asking) -> None:
    asking.ask("changes?since=0&wait=0.1")
    assert asking.answer() == (200, {"changes": [], "latest": 0})


def test_what_was_forgotten_is_not_answered_and_nobody_looks_any_more(asking: Asking) -> None:
    asking.ask("changes?since=0&wait=30")
    before = {thread.name for thread in threading.enumerate()}
    asking.channel.receive({"kind": "forget", "rid": "1"})
    assert "modeldeploy changes" in before
    next(thread for thread in threading.enumerate() if thread.name == "modeldeploy changes").join(SOON_S)
    assert asking.came.empty()
