"""A hub is searched through every door: the API, the command line, Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub import Hub, serving
from tornado.httpclient import HTTPClientError

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import InvalidInput, Unavailable


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", "")
        for name in ("films/film-judge", "films/film-critic", "cars/car-judge"):
            running.repositories[name].commit({"config.json": b"{}"})
        yield running


@pytest.fixture
def workspace(root: Path) -> Iterator[Workspace]:
    opened = Workspace(root)
    yield opened
    opened.close()


async def test_the_api_answers_what_the_hub_found(jp_fetch: Any) -> None:
    answer = await jp_fetch("modeldeploy", "api", "models", "search", params={"query": "film", "limit": "1"})
    [found] = json.loads(answer.body)["models"]
    assert found["source"] in ("hf:films/film-judge", "hf:films/film-critic")


@pytest.mark.parametrize("wrong", [{"source": "pypi"}, {"sort": "size"}, {"limit": "0"}], ids=str)
async def test_the_api_says_what_is_wrong_with_a_search(jp_fetch: Any, wrong: dict[str, str]) -> None:
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("modeldeploy", "api", "models", "search", params={"query": "film", **wrong})
    assert refused.value.response is not None
    assert json.loads(refused.value.response.body)["error"]["code"] == "invalid_input"


def test_the_command_line_lists_what_fits_and_how_to_fetch_it(root: Path) -> None:
    command = [sys.executable, "-m", "jupyter_modeldeploy.cli", "search", "judge", "--source", "huggingface"]
    environment = {**os.environ, "COLUMNS": "120"}
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "hf:films/film-judge" in ended.stdout
    assert "film-critic" not in ended.stdout
    assert "modeldeploy fetch hf:" in ended.stdout
    found = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True, env=environment)
    assert len(json.loads(found.stdout)["models"]) == 2


def test_what_is_found_can_be_fetched(workspace: Workspace) -> None:
    found = workspace.models.search("critic")
    assert [model.source for model in found] == ["hf:films/film-critic"]
    assert workspace.models.fetch(found[0].source, include_weights=False).job.title.endswith("as film-critic")


def test_a_source_that_cannot_search_says_which_can(workspace: Workspace) -> None:
    with pytest.raises(InvalidInput, match="hf"):
        workspace.models.search("film", source="pypi")


def test_offline_nothing_is_asked(workspace: Workspace, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_OFFLINE", "1")
    with pytest.raises(Unavailable, match="offline"):
        workspace.models.search("film")
    assert hub.requests == []
