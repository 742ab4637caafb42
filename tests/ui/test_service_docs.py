"""A service's page is tried in a real browser: directly with its token, and through the Jupyter server."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiny_onnx
from playwright.sync_api import Browser, BrowserContext, Page, expect
from ui.lab import Lab

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import Service

SCREENSHOTS = os.environ.get("MODELDEPLOY_SCREENSHOTS")
Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def tried(workspace: Workspace, sentiment: str, folder: Path) -> Iterator[Service]:
    """A service of a text classifier and of a model of tensors."""
    adder = workspace.models.fetch(f"file:{tiny_onnx.add_one(folder / 'adder')}", "adder").version(timeout_s=60)
    yield workspace.services.start(workspace.services.spec("tried", [sentiment, adder.ref]))
    workspace.services.stop("tried")


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Opens pages; no script may fail and no policy may be broken in any of them."""
    errors: list[str] = []
    contexts: list[BrowserContext] = []

    def open(url: str, **named: object) -> Page:
        context = browser.new_context(viewport={"width": 900, "height": 1000}, **named)
        contexts.append(context)
        context.on("weberror", lambda failed: errors.append(str(failed.error)))
        page = context.new_page()
        page.on("console", lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(url)
        return page

    yield open
    for context in contexts:
        context.close()
    assert not errors


def logged_in(workspace: Workspace) -> dict[str, object]:
    return {"http_credentials": {"username": "me", "password": str(workspace.services.token("tried"))}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_text_is_tried_with_the_token_as_the_password(
    opened: Opened, workspace: Workspace, tried: Service, scheme: str
) -> None:
    page = opened(f"{tried.url}/docs", color_scheme=scheme, **logged_in(workspace))
    expect(page.get_by_role("heading", name="tried")).to_be_visible()
    page.get_by_label("Text", exact=True).fill("good film")
    page.get_by_label("Text", exact=True).press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text(re.compile(r"Status 200 · [\d.]+ ms · answered by sentiment@1"))
    expect(page.get_by_label("Answer", exact=True)).to_contain_text('"label": "positive"')
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"service-docs-{scheme}.png", full_page=True)


def test_tensors_are_tried_and_errors_are_shown(opened: Opened, workspace: Workspace, tried: Service) -> None:
    page = opened(f"{tried.url}/docs", **logged_in(workspace))
    page.get_by_label("Model").select_option("adder")
    expect(page.get_by_label("Inputs as JSON")).to_have_value(re.compile('"x"'))
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("status")).to_contain_text("answered by adder@1")
    page.get_by_label("Inputs as JSON").fill('{"inputs": {"x": [[1]]}}')
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("status")).to_contain_text("Status 400")
    page.get_by_label("Inputs as JSON").fill("{")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("status")).to_contain_text("JSON")


def test_the_snippets_name_the_address_that_the_page_has(opened: Opened, workspace: Workspace, tried: Service) -> None:
    page = opened(f"{tried.url}/docs", **logged_in(workspace))
    snippets = page.get_by_label("From your own code")
    for language in ("curl", "python", "javascript", "tritonclient"):
        expect(snippets.get_by_role("heading", name=language)).to_be_visible()
        snippets.get_by_role("button", name=f"Copy {language}").click()
    expect(snippets).to_contain_text(f"{tried.url}/predict/sentiment")
    expect(snippets).not_to_contain_text("ADDRESS.OF.THIS.SERVICE")


def test_the_page_works_through_the_jupyter_server(opened: Opened, lab: Lab, tried: Service) -> None:
    page = opened(f"{lab.url}modeldeploy/services/tried/docs?token={lab.token}")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("status")).to_contain_text("answered by sentiment@1")
    expect(page.get_by_label("From your own code")).to_contain_text("/modeldeploy/services/tried/predict/sentiment")
