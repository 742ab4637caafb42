"""Every route refuses who is not known, who may not, and who was tricked; every error has the one shape."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse

from jupyter_modeldeploy.api.operation import Operation
from jupyter_modeldeploy.api.operations import OPERATIONS

EXAMPLES = {"name": "nosuch", "id": "0123456789ab"}


class Refusing(Authorizer):
    """Allows nothing, and remembers what it was asked."""

    asked: list[tuple[str, str]] = []  # noqa: RUF012 - read by the test after the server made its own instance

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        if resource == "modeldeploy":
            self.asked.append((action, resource))
        return False


def url_of(operation: Operation) -> tuple[str, ...]:
    return ("modeldeploy", "api", *operation.path.format(**EXAMPLES).split("/"))


def body_of(operation: Operation) -> str | None:
    return "{}" if operation.method == "POST" else None


async def bare(jp_serverapp: Any, operation: Operation, **headers: str) -> HTTPResponse:
    """A call with these headers only."""
    url = jp_serverapp.connection_url + "/".join(url_of(operation))
    request = HTTPRequest(url, operation.method, headers=headers, body=body_of(operation), follow_redirects=False)
    return await AsyncHTTPClient().fetch(request, raise_error=False)


def assert_error(response: HTTPResponse) -> dict[str, str]:
    body = json.loads(response.body)
    assert list(body) == ["error"]
    assert list(body["error"]) == ["code", "message", "hint"]
    assert body["error"]["message"]
    return body["error"]


by_name = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


@by_name
async def test_an_unauthenticated_call_is_refused(jp_serverapp: Any, operation: Operation) -> None:
    response = await bare(jp_serverapp, operation)
    assert response.code in (401, 403)
    assert_error(response)


@by_name
async def test_a_wrong_token_is_refused(jp_serverapp: Any, operation: Operation) -> None:
    response = await bare(jp_serverapp, operation, Authorization="token nonsense")
    assert response.code in (401, 403)
    assert_error(response)


class TestForbidden:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        Refusing.asked.clear()
        jp_server_config["ServerApp"]["authorizer_class"] = Refusing
        return jp_server_config

    @by_name
    async def test_a_forbidden_action_is_refused(self, jp_serverapp: Any, jp_fetch: Any, operation: Operation) -> None:
        response = await jp_fetch(
            *url_of(operation), method=operation.method, body=body_of(operation), raise_error=False
        )
        assert response.code == 403
        assert assert_error(response)["code"] == "forbidden"
        assert Refusing.asked == [(operation.action, "modeldeploy")]


def test_reading_never_asks_for_more_and_acting_never_for_less() -> None:
    for operation in OPERATIONS:
        assert (operation.action == "read") == (operation.method == "GET"), operation.name


class TestBrowser:
    """A browser carries a cookie and no token: then a write needs the XSRF token too."""

    @pytest.fixture
    async def cookie(self, jp_serverapp: Any) -> str:
        login = jp_serverapp.connection_url + "lab?token=" + jp_serverapp.identity_provider.token
        response = await AsyncHTTPClient().fetch(login, follow_redirects=False, raise_error=False)
        cookies = [value.split(";")[0] for value in response.headers.get_list("Set-Cookie")]
        assert any(value.startswith("username-") for value in cookies), response.headers
        return "; ".join(value for value in cookies if not value.startswith("_xsrf"))

    @pytest.mark.parametrize(
        "operation", [one for one in OPERATIONS if one.method != "GET"], ids=lambda operation: operation.name
    )
    async def test_a_missing_xsrf_token_is_refused(self, jp_serverapp: Any, cookie: str, operation: Operation) -> None:
        response = await bare(jp_serverapp, operation, Cookie=cookie)
        assert response.code == 403
        assert "_xsrf" in assert_error(response)["message"]

    async def test_with_the_xsrf_token_a_write_passes(self, jp_serverapp: Any, cookie: str) -> None:
        operation = next(one for one in OPERATIONS if one.name == "cancel_job")
        response = await bare(jp_serverapp, operation, Cookie=f"{cookie}; _xsrf=abc", **{"X-XSRFToken": "abc"})
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
