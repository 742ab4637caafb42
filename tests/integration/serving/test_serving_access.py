"""Callers have tokens of their own, and what is done to them takes effect in the running service."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import httpx
import pytest
from serving_service import Served
from typer.testing import CliRunner
from waiting import until

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.cli.app import app

BODY = {"inputs": {"x": [[1, 2, 3, 4]]}}


@pytest.fixture
def workspace(served: Served) -> Iterator[Workspace]:
    opened = Workspace(served.store.root)
    yield opened
    opened.close()


def status(served: Served, token: str, path: str = "/predict") -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{served.service.url}{path}", json=BODY, headers=headers, timeout=120).status_code


def test_a_callers_token_works_from_its_creation_to_its_revocation(served: Served, workspace: Workspace) -> None:
    tokens = workspace.services.tokens("shared")
    before = workspace.latest_change()
    token = tokens.create("alice").token
    assert status(served, token) == 200
    assert [change.key for change in workspace.changes(before)] == ["shared"]
    tokens.revoke("alice")
    until(lambda: status(served, token) == 401)


def test_a_rotated_token_replaces_the_old_one(served: Served, workspace: Workspace) -> None:
    tokens = workspace.services.tokens("shared")
    old = tokens.create("bob").token
    assert status(served, old) == 200
    new = tokens.rotate("bob", grace_s=3600).token
    assert (status(served, old), status(served, new)) == (200, 200)
    newest = tokens.rotate("bob").token
    until(lambda: status(served, old) == status(served, new) == 401)
    assert status(served, newest) == 200
    tokens.revoke("bob")


def test_an_expired_token_is_refused(served: Served, workspace: Workspace) -> None:
    token = workspace.services.tokens("shared").create("carol", expires_s=1).token
    until(lambda: status(served, token) == 401)


def test_the_owners_token_is_rotated_while_the_service_runs(served: Served, workspace: Workspace) -> None:
    old = str(workspace.services.token("shared"))
    new = workspace.services.tokens("shared").rotate("owner").token
    try:
        until(lambda: status(served, old) == 401)
        assert workspace.services.token("shared") == new
        assert workspace.services.predict("shared", BODY)["model"].startswith("adder@")
    finally:
        (served.store.service_folder("shared") / "token").write_text(old)
        until(lambda: status(served, old) == 200)


def test_a_browser_is_asked_for_the_token(served: Served) -> None:
    url = f"{served.service.url}/"
    asked = httpx.get(url, headers={"Accept": "text/html"}, timeout=120)
    assert asked.status_code == 401
    assert [one.split()[0] for one in asked.headers.get_list("www-authenticate")] == ["Bearer", "Basic"]
    login = ("anyone", served.token)
    assert httpx.get(url, auth=login, timeout=120).status_code == 200
    assert httpx.post(f"{served.service.url}/predict", json=BODY, auth=login, timeout=120).status_code == 200
    foreign = {"Origin": "https://evil.example"}
    assert (
        httpx.post(f"{served.service.url}/predict", json=BODY, auth=login, headers=foreign, timeout=120).status_code
        == 403
    )
    wrong = base64.b64encode(b"anyone:wrong").decode()
    assert httpx.get(url, headers={"Authorization": f"Basic {wrong}"}, timeout=120).status_code == 401


def test_tokens_are_managed_from_the_command_line(served: Served) -> None:
    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["--root", str(served.store.root), "services", "tokens", "shared", *words])
        assert result.exit_code == 0, result.output
        return result.stdout

    token = run("create", "dave").strip()
    assert status(served, token) == 200
    assert "dave" in run()
    assert token not in run("--json")
    assert status(served, run("rotate", "dave").strip()) == 200
    run("revoke", "dave")
    assert "dave" not in run()
