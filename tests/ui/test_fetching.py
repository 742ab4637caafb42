"""Fetching in the sidebar: a model is found on a hub, chosen, selected from and fetched, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import Hub, serving
from playwright.sync_api import Page, expect
from ui.lab import Lab, running_lab

from jupyter_modeldeploy import Workspace

NAME = "films/film-judge"


@pytest.fixture(scope="module")
def hub(classifier: Path) -> Iterator[Hub]:
    """A hub with two models, which the server of these tests asks."""
    files = {path.name: path.read_bytes() for path in classifier.iterdir()}
    with serving() as running, pytest.MonkeyPatch.context() as environment:
        environment.setenv("HF_ENDPOINT", running.url)
        environment.setenv("HF_TOKEN", "")
        running.repositories[NAME].commit({**files, "README.md": b"---\nlicense: mit\n---\n"})
        running.repositories["films/other"].commit({"config.json": b"{}"})
        yield running


@pytest.fixture(scope="module")
def lab(hub: Hub, workspace: Workspace, folder: Path) -> Iterator[Lab]:
    with running_lab(workspace.store.root, folder / "lab") as started:
        yield started


def test_a_found_model_is_fetched_as_its_source_calls_it(page: Page, workspace: Workspace, sentiment: str) -> None:
    page.get_by_role("button", name="Fetch a model", exact=True).click()
    search = page.get_by_role("search", name="Search a hub")
    search.get_by_label("Words to search for").fill("judge")
    search.get_by_role("button", name="Search").click()
    found = page.get_by_role("list", name="Found models").get_by_role("button")
    expect(found).to_have_count(1)
    expect(found).to_contain_text(NAME)
    found.click()
    form = page.get_by_role("form", name="Fetch a model")
    expect(form.get_by_label("Source")).to_have_value(f"hf:{NAME}")
    form.get_by_text("More").click()
    form.get_by_label("No files").fill("*.md, *.txt")
    form.get_by_role("button", name="Fetch").click()
    expect(page.get_by_role("button", name="film-judge", exact=True)).to_contain_text("text-classification")
    version = workspace.models.version("film-judge")
    assert "README.md" not in [file.path for file in version.files]
    assert version.lineage.parameters == {"exclude": ["*.md", "*.txt"]}


def test_a_search_that_finds_nothing_says_so(page: Page, sentiment: str) -> None:
    page.get_by_role("button", name="Fetch a model", exact=True).click()
    search = page.get_by_role("search", name="Search a hub")
    search.get_by_label("Words to search for").fill("no such thing")
    search.get_by_label("Words to search for").press("Enter")
    expect(page.get_by_role("list", name="Found models")).to_contain_text("Nothing was found")
