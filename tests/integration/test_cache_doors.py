"""The cache of downloads is shown, verified and pruned through every door."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub import Hub, serving
from typer.testing import CliRunner

from jupyter_modeldeploy import ModelFetcher, Workspace
from jupyter_modeldeploy.cli.app import app

CONTENT = bytes(range(256)) * 100


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", "")
        running.repositories["org/model"].commit({"config.json": b"{}", "tokenizer.json": CONTENT})
        yield running


@pytest.fixture
def downloaded(root: Path) -> Path:
    """The folder of a model that was downloaded into the workspace's cache."""
    return ModelFetcher("huggingface").download("org/model", include_weights=False)


def modeldeploy(*arguments: str, status: int = 0) -> str:
    ended = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert ended.exit_code == status, ended.output
    return ended.output


def test_the_command_line_shows_what_the_cache_holds(downloaded: Path) -> None:
    assert "2 files" in modeldeploy("cache")
    held = json.loads(modeldeploy("cache", "--json"))
    assert held == json.loads(modeldeploy("cache", "usage", "--json"))
    assert (held["files"], held["bytes"]) == (2, len(CONTENT) + 2)


def test_a_damaged_download_is_found_removed_and_brought_anew(downloaded: Path, root: Path, hub: Hub) -> None:
    [content] = (root / "cache" / "files").rglob(hashlib.sha256(CONTENT).hexdigest())
    content.chmod(0o600)
    content.write_bytes(CONTENT[::-1])
    assert "1 were damaged" in modeldeploy("cache", "verify")
    assert json.loads(modeldeploy("cache", "usage", "--json"))["files"] == 1
    again = ModelFetcher("huggingface").download("org/model", include=["tokenizer.json"])
    assert (again / "tokenizer.json").read_bytes() == CONTENT


def test_what_was_used_lately_stays_and_all_goes_on_request(downloaded: Path) -> None:
    assert json.loads(modeldeploy("cache", "prune", "--older-than", "1d", "--json"))["files"] == 0
    assert downloaded.exists()
    assert "2 files were removed" in modeldeploy("cache", "prune", "--all")
    assert not downloaded.exists()


@pytest.mark.parametrize("age", ["30", "d", "-1d", "a month"])
def test_an_age_that_is_none_is_refused(age: str) -> None:
    assert "30d" in modeldeploy("cache", "prune", f"--older-than={age}", status=2)


async def test_the_api_does_the_same(downloaded: Path, jp_fetch: Any) -> None:
    async def call(*path: str, method: str = "POST", body: str | None = "{}") -> Any:
        answer = await jp_fetch("modeldeploy", "api", "cache", *path, method=method, body=body)
        return json.loads(answer.body)

    assert (await call(method="GET", body=None))["files"] == 2
    assert await call("verify") == {"checked": 2, "damaged": []}
    assert (await call("prune", body='{"older_than_s": 0}'))["files"] == 2
    assert (await call(method="GET", body=None))["files"] == 0


def test_a_version_loses_nothing_when_the_cache_goes(root: Path, tmp_path: Path) -> None:
    workspace = Workspace(root)
    version = workspace.models.fetch("hf:org/model", "model", include_weights=False).version(timeout_s=240)
    assert workspace.downloads.prune(0).files == 2
    assert {path.name for path in workspace.models.path(version.ref).iterdir()} == {"config.json", "tokenizer.json"}
    workspace.close()
