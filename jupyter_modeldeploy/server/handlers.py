"""One handler for every operation of the table: authenticate, authorize, parse, call, answer."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import time
from collections.abc import Awaitable
from concurrent.futures import Executor
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import IdentityProvider
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from pydantic import BaseModel
from tornado.web import HTTPError

from jupyter_modeldeploy.api import routes
from jupyter_modeldeploy.api.openapi import document
from jupyter_modeldeploy.api.operation import LongPoll, Operation, Request
from jupyter_modeldeploy.errors import Forbidden, InvalidInput, ModelDeployError, NotAuthenticated, NotFound
from jupyter_modeldeploy.languages import in_language
from jupyter_modeldeploy.server.watch import Watch
from jupyter_modeldeploy.settings import ACTING
from jupyter_modeldeploy.workspace import Workspace

RESOURCE = "modeldeploy"
STATUS_ERRORS: dict[int, type[ModelDeployError]] = {401: NotAuthenticated, 403: Forbidden, 404: NotFound}

log = logging.getLogger(__name__)


class GuardedHandler(JupyterHandler):
    """Answers every error, Jupyter's own among them, in the one shape `{"error": {"code", "message", "hint"}}`."""

    async def check_allowed(self, action: str) -> None:
        """Raise NotAuthenticated or Forbidden unless the caller may do `action` with the resource `modeldeploy`.

        The action differs from operation to operation, so it is asked for here and not by a shared decorator."""
        user = self.current_user
        if not user:
            raise NotAuthenticated("This call needs authentication.", "Send the server's token or log in.")
        allowed = self.authorizer.is_authorized(self, user, action, RESOURCE)
        if isinstance(allowed, Awaitable):
            allowed = await allowed
        if not allowed:
            log.warning("%s may not %s %s (%s)", user.username, action, RESOURCE, self.request.path)
            raise Forbidden(f"{user.username} may not {action} here.", "Ask the server's owner.")

    def answer(self, body: str) -> None:
        """Send the JSON `body` with its sentences in the language that the caller asks for."""
        self.set_header("Content-Type", "application/json")
        self.finish(in_language(body, self.request.headers.get("Accept-Language", "")))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        if not isinstance(error, ModelDeployError):
            error = _from_status(status_code, error)
            error_status = status_code
        else:
            error_status = error.status
        self.set_status(error_status)
        self.answer(json.dumps(error.body()))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if not isinstance(value, ModelDeployError) or value.status == 500:  # the others say all that there is to say
            super().log_exception(typ, value, tb)


class BaseHandler(GuardedHandler, APIHandler):
    """What all of the API's handlers are."""


class OperationHandler(BaseHandler):
    """Answers the operations of one path; `operations` by their method."""

    operations: dict[str, Operation]
    workspace: Workspace
    executor: Executor
    watch: Watch

    _gone = False

    def on_connection_close(self) -> None:
        self._gone = True  # nobody waits for the answer any more

    def initialize(
        self, operations: dict[str, Operation], workspace: Workspace, executor: Executor, watch: Watch
    ) -> None:
        self.operations, self.workspace, self.executor, self.watch = operations, workspace, executor, watch
        polls = all(operation.waits for operation in operations.values())
        self._track_activity = not polls  # a panel that listens must not keep an idle server from being culled

    @allow_unauthenticated  # answered with our own 401 by check_allowed
    async def get(self, **path: str) -> None:
        await self._answer("GET", path)

    @allow_unauthenticated
    async def post(self, **path: str) -> None:
        await self._answer("POST", path)

    @allow_unauthenticated
    async def delete(self, **path: str) -> None:
        await self._answer("DELETE", path)

    async def _answer(self, method: str, path: dict[str, str]) -> None:
        operation = self.operations.get(method)
        if operation is None:
            await self.check_allowed("read")
            raise HTTPError(405)
        await self.check_allowed(operation.action)
        request = self._parse(operation, path)
        if isinstance(request, LongPoll) and request.since is not None:
            await self._wait(request.since, request.wait)
        answer: BaseModel = await self._run(operation.call, request)
        self.set_status(operation.status)
        self.answer(answer.model_dump_json())

    async def _wait(self, since: int, wait_s: float) -> None:
        latest = await self._run(Workspace.latest_change)
        deadline = time.monotonic() + wait_s
        while latest <= since and time.monotonic() < deadline and not self._gone:
            latest = await self.watch.next_look()

    async def _run(self, call: Any, *request: Request) -> Any:
        context = contextvars.copy_context()
        context.run(ACTING.set, self._person())
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.executor, lambda: context.run(call, self.workspace, *request))

    def _person(self) -> str | None:
        """Who asks, where Jupyter's own identity provider was replaced by one that knows people, as a hub's is. Its own
        gives whoever has the token a name by chance."""
        if type(self.identity_provider).__module__ == IdentityProvider.__module__:
            return None
        return str(self.current_user.username)

    def _parse(self, operation: Operation, path: dict[str, str]) -> Request:
        query = ((name, self.get_query_argument(name)) for name in self.request.query_arguments)
        return routes.parse(operation, path, query, self.request.body)


class OpenAPIHandler(BaseHandler):
    """The description of the API."""

    @allow_unauthenticated  # answered with our own 401 by check_allowed
    async def get(self) -> None:
        await self.check_allowed("read")
        self.finish(json.dumps(document()))


class UnknownHandler(BaseHandler):
    """Whatever else is asked for below the API's path."""

    @allow_unauthenticated  # answered with our own 401 by check_allowed
    async def prepare(self, **named: Any) -> None:
        await super().prepare(**named)
        await self.check_allowed("read")
        raise NotFound(f"The API has no {self.request.path}.", "See openapi.json for what there is.")


def _from_status(status: int, error: Any) -> ModelDeployError:
    """What Jupyter or Tornado refused, as an error of ours with their words."""
    words = error.log_message or error.reason if isinstance(error, HTTPError) else None
    made = STATUS_ERRORS.get(status, ModelDeployError if status >= 500 else InvalidInput)
    return made(words or f"The call failed with status {status}.", "The server's log has the details.")
