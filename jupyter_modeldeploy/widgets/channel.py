"""What a panel asks over its comm, answered from the API's table of operations.

A panel sends `{"kind": "ask", "rid", "method", "path", "body", "language"}` with a body of JSON text, and the language
of the page around it. `{"kind": "heard", "rid"}` comes back at once, which tells a busy kernel from a long answer, and
later `{"kind": "answer", "rid", "status", "body"}` as over HTTP. `{"kind": "forget", "rid"}` says that nobody waits for
an answer any more. A panel that hears nothing asks again under the same `rid`; what waited behind a busy kernel then
comes all at once, and is answered once.

A call runs in a thread, never in the message's own callback: all panels of a kernel share that one. It runs in the
message's context, by which the kernel sends its answers to where the front end hears them while a cell computes."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from jupyter_modeldeploy.api import routes
from jupyter_modeldeploy.api.openapi import document
from jupyter_modeldeploy.api.operation import LongPoll, Operation, Request
from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.languages import in_language
from jupyter_modeldeploy.widgets.watch import Waiting, Watch
from jupyter_modeldeploy.workspace import Workspace

THREADS = 8
QUEUED_S = 1.0
"""A repeat that comes so soon after the answer was sent before it: a panel lets more time than this pass between two,
and one whose answer was lost on the way asks later."""

log = logging.getLogger(__name__)

_watches: WeakKeyDictionary[Workspace, Watch] = WeakKeyDictionary()


@dataclass(frozen=True)
class Asked:
    """One question of a panel; `body` is JSON text, or nothing; `language` as HTTP's `Accept-Language`."""

    rid: str
    method: str
    path: str
    body: str = ""
    language: str = ""


class Channel:
    """One panel's way to the workspace: `receive` takes its messages, `send` takes the answers from any thread."""

    def __init__(self, workspace: Workspace, send: Callable[[dict[str, Any]], object]) -> None:
        self._workspace = workspace
        self._send = send
        self._waiting: dict[str, Waiting] = {}
        self._taken: dict[str, float | None] = {}
        """When each question was answered, None while it is not: of those that a repeat may still be queued of."""

    def receive(self, message: dict[str, Any]) -> None:
        """Take a question of the panel, or that it forgot one; returns at once."""
        if message["kind"] == "ask":
            body, language = message.get("body") or "", message.get("language", "")
            asked = Asked(message["rid"], message["method"], message["path"], body, language)
            self._send({"kind": "heard", "rid": asked.rid})
            if self._is_new(asked.rid):
                _pool().submit(copy_context().run, self._take, asked)
            return
        self._taken.pop(message["rid"], None)
        if (waiting := self._waiting.pop(message["rid"], None)) is not None:
            self._watch.forget(waiting)

    def close(self) -> None:
        """Forget what is still waited for."""
        for waiting in list(self._waiting.values()):
            self._watch.forget(waiting)
        self._waiting.clear()

    @property
    def _watch(self) -> Watch:
        return _watches.setdefault(self._workspace, Watch(self._workspace))

    def _is_new(self, rid: str) -> bool:
        """False for a repeat of what is being answered, or was just now."""
        now = time.monotonic()
        for known, at in [*self._taken.items()]:
            if at is not None and now - at > QUEUED_S:
                self._taken.pop(known, None)
        if rid in self._taken:
            return False
        self._taken[rid] = None
        return True

    def _take(self, asked: Asked) -> None:
        """Answer, or wait for a change first without holding the thread."""
        try:
            path, query = routes.query_of(asked.path)
            if path == routes.DESCRIPTION:
                self._answer(asked, 200, json.dumps(document()))
                return
            operation, named = routes.find(asked.method, path)
            request = routes.parse(operation, named, query, asked.body)
        except ModelDeployError as error:
            self._answer(asked, error.status, json.dumps(error.body()))
            return
        if isinstance(request, LongPoll) and request.since is not None and request.wait > 0:
            self._wait(asked, operation, request, request.since)
        else:
            self._call(asked, operation, request)

    def _wait(self, asked: Asked, operation: Operation, request: LongPoll, since: int) -> None:
        context = copy_context()

        def go_on() -> None:
            if self._waiting.pop(asked.rid, None) is not None:
                _pool().submit(context.run, self._call, asked, operation, request)

        waiting = self._waiting[asked.rid] = Waiting(since, time.monotonic() + request.wait, go_on)
        self._watch.add(waiting)

    def _call(self, asked: Asked, operation: Operation, request: Request) -> None:
        try:
            answer = operation.call(self._workspace, request).model_dump_json()
        except ModelDeployError as error:
            self._answer(asked, error.status, json.dumps(error.body()))
        except Exception as error:  # the panel waits for an answer in any case
            log.exception("%s failed", operation.name)
            failed = ModelDeployError(f"{type(error).__name__}: {error}", "The kernel's log has the details.")
            self._answer(asked, failed.status, json.dumps(failed.body()))
        else:
            self._answer(asked, operation.status, answer)

    def _answer(self, asked: Asked, status: int, body: str) -> None:
        if asked.rid in self._taken:  # it may be forgotten meanwhile
            self._taken[asked.rid] = time.monotonic()
        self._send({"kind": "answer", "rid": asked.rid, "status": status, "body": in_language(body, asked.language)})


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="modeldeploy panel")
