"""Every route refuses who is not known, who may not, and who was tricked; every error has the one shape."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer, IdentityProvider, User
from jupyter_server.utils import url_path_join
from tornado.httpclient import HTTPResponse

from jupyter_modeldeploy.api.operation import Operation
from jupyter_modeldeploy.api.operations import OPERATIONS
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Step
from jupyter_modeldeploy.store import Store

EXAMPLES = {
    "name": "nosuch",
    "version": "nosuch@1",
    "other": "nosuch@2",
    "alias": "production",
    "id": "0123456789ab",
    "caller": "alice",
    "dataset": "nosuch@1",
    "action": "stop",
}


class Refusing(Authorizer):
    """Allows nothing, and remembers what it was asked."""

    asked: list[tuple[str, str]] = []  # noqa: RUF012 - read by the test after the server made its own instance

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        if resource == "modeldeploy":
            self.asked.append((action, resource))
        return False


def path_of(operation: Operation) -> str:
    return "modeldeploy/api/" + operation.path.format(**EXAMPLES)


def assert_error(response: HTTPResponse) -> dict[str, str]:
    body = json.loads(response.body)
    assert list(body) == ["error"]
    assert list(body["error"]) == ["code", "message", "hint"]
    assert body["error"]["message"]
    return dict(body["error"])


Bare = Callable[..., Awaitable[HTTPResponse]]


@pytest.fixture
def bare(jp_serverapp: Any, http_server_client: Any, jp_base_url: str) -> Bare:
    """Calls an operation with these headers and no others: `jp_fetch` would add the token."""

    def call(operation: Operation, **headers: str) -> Awaitable[HTTPResponse]:
        body = "{}" if operation.method == "POST" else None
        url = url_path_join(jp_base_url, path_of(operation))
        answer: Awaitable[HTTPResponse] = http_server_client.fetch(
            url, method=operation.method, headers=headers, body=body, raise_error=False
        )
        return answer

    return call


async def test_every_route_refuses_an_unauthenticated_call(bare: Bare) -> None:
    for operation in OPERATIONS:
        response = await bare(operation)
        assert response.code in (401, 403), operation.name
        assert_error(response)


async def test_every_route_refuses_a_wrong_token(bare: Bare) -> None:
    for operation in OPERATIONS:
        response = await bare(operation, Authorization="token nonsense")
        assert response.code in (401, 403), operation.name
        assert_error(response)


class TestForbidden:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        Refusing.asked.clear()
        jp_server_config["ServerApp"]["authorizer_class"] = Refusing
        return jp_server_config

    async def test_every_route_refuses_a_forbidden_action(self, bare: Bare, jp_auth_header: dict[str, str]) -> None:
        for operation in OPERATIONS:
            response = await bare(operation, **jp_auth_header)
            assert response.code == 403, operation.name
            assert assert_error(response)["code"] == "forbidden"
            assert Refusing.asked.pop() == (operation.action, "modeldeploy")


ASKED_WITH_A_BODY = {"check_conditions", "plan_experiment", "preview_routing"}
"""What they are asked about is too long for an address; they change nothing."""


def test_reading_never_asks_for_more_and_acting_never_for_less() -> None:
    for operation in OPERATIONS:
        reads = operation.method == "GET" or operation.name in ASKED_WITH_A_BODY
        assert (operation.action == "read") == reads, operation.name


class Known(IdentityProvider):
    """Knows people, as a hub's does."""

    async def get_user(self, handler: Any) -> User:
        return User(username=handler.request.headers["X-Person"])

    def is_token_authenticated(self, handler: Any) -> bool:
        return True


class TestPeople:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        jp_server_config["ServerApp"]["identity_provider_class"] = Known
        return jp_server_config

    async def test_who_does_something_is_whom_the_server_knows(self, jp_fetch: Any, store: Store, folder: Path) -> None:
        new = NewVersion(model="m", format=Format.onnx, task="tensor", lineage=Lineage(step=Step.imported))
        store.versions.add(new, folder)
        body = json.dumps({"version": "m@1", "reason": "the first"})
        headers = {"X-Person": "ben"}
        await jp_fetch("modeldeploy", "api", "models", "promote", method="POST", body=body, headers=headers)
        [move] = store.aliases.moves("m", "production")
        assert (move.by, move.reason) == ("ben", "the first")

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "files").mkdir()
        (tmp_path / "files" / "model.onnx").write_bytes(b"weights")
        return tmp_path / "files"


@pytest.fixture
def cookie(jp_serverapp: Any, http_server_client: Any, jp_base_url: str, jp_asyncio_loop: Any) -> str:
    """What a browser holds after its login."""
    url = url_path_join(jp_base_url, "api/status") + f"?token={jp_serverapp.identity_provider.token}"
    response = jp_asyncio_loop.run_until_complete(http_server_client.fetch(url))
    cookies = [value.split(";")[0] for value in response.headers.get_list("Set-Cookie")]
    assert any(value.startswith("username-") for value in cookies)
    return "; ".join(value for value in cookies if not value.startswith("_xsrf"))


async def test_every_write_of_a_browser_needs_its_xsrf_token(bare: Bare, cookie: str) -> None:
    for operation in (one for one in OPERATIONS if one.method != "GET"):
        response = await bare(operation, Cookie=cookie)
        assert response.code == 403, operation.name
        assert "_xsrf" in assert_error(response)["message"]


async def test_with_the_xsrf_token_a_write_passes(bare: Bare, cookie: str) -> None:
    operation = next(one for one in OPERATIONS if one.name == "cancel_job")
    response = await bare(operation, Cookie=f"{cookie}; _xsrf=abc", **{"X-XSRFToken": "abc"})
    assert response.code == 404
    assert assert_error(response)["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "models/nosuch", None, 404, "not_found"),
        ("GET", "models/..%2f..", None, 400, "invalid_input"),
        ("GET", "jobs/xyz", None, 400, "invalid_input"),
        ("GET", "changes?since=-1", None, 400, "invalid_input"),
        ("GET", "changes?wait=1e9", None, 400, "invalid_input"),
        ("GET", "models?surprise=1", None, 400, "invalid_input"),
        ("GET", "changes?since=99999999999999999999", None, 400, "invalid_input"),
        ("GET", "jobs?limit=0", None, 400, "invalid_input"),
        ("GET", "jobs/0123456789ab/log?offset=99999999999999999999", None, 400, "invalid_input"),
        ("POST", "models/m/aliases", '{"alias": "a", "number": 99999999999999999999}', 400, "invalid_input"),
        ("POST", "models/convert", '{"version": "m@99999999999999999999"}', 404, "not_found"),
        ("POST", "services/s/predict", '{"body": NaN}', 400, "invalid_input"),
        ("POST", "services/s/predict", '{"body": ' + "[" * 200_000 + "]" * 200_000 + "}", 400, "invalid_input"),
        ("GET", "nosuch", None, 404, "not_found"),
        ("DELETE", "models", None, 405, "invalid_input"),
        ("POST", "models/fetch", "{", 400, "invalid_input"),
        ("POST", "models/fetch", "[1]", 400, "invalid_input"),
        ("POST", "models/fetch", '{"source": "file:/x", "name": "../evil"}', 400, "invalid_input"),
        ("POST", "models/fetch", '{"source": "ftp:/x", "name": "m"}', 400, "invalid_input"),
        ("POST", "models/fetch", '{"source": "file:/x", "name": "m", "surprise": 1}', 400, "invalid_input"),
        ("POST", "models/convert", '{"version": "nosuch@1"}', 404, "not_found"),
        ("POST", "services/nosuch/stop", "{}", 404, "not_found"),
    ],
)
async def test_bad_input_gets_a_clear_error(
    jp_fetch: Any, method: str, path: str, body: str | None, status: int, code: str
) -> None:
    parts, _, query = path.partition("?")
    params = dict([query.split("=")]) if query else {}
    response = await jp_fetch("modeldeploy", "api", parts, method=method, body=body, params=params, raise_error=False)
    assert response.code == status, response.body
    assert assert_error(response)["code"] == code


async def test_what_jupyter_itself_puts_into_a_query_is_no_parameter(jp_fetch: Any, jp_serverapp: Any) -> None:
    for query in ({"1732185600000": ""}, {"token": jp_serverapp.identity_provider.token}):
        response = await jp_fetch("modeldeploy", "api", "models", params=query, raise_error=False)
        assert response.code == 200, response.body
