"""Panels in JupyterLab's notebooks, in Notebook 7 and in Voila, over the kernel's own connection."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from ui.axe import violations_in
from ui.lab import PANEL, Lab
from ui.notebooks import COMPUTED_MS, run_all, run_cell, write

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import Service

COMPUTE = "import pathlib, time\nwhile not pathlib.Path('{done}').exists():\n    time.sleep(0.05)\nprint('computed')"
DASHBOARD = Path(__file__).parents[2] / "notebooks" / "dashboard.ipynb"
BUSY = "The kernel is busy. What is asked here waits until its cell is done."


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window in which scripts of others may fail, as some of Notebook 7's do."""
    with closing(browser.contexts[0].new_page()) as opened:
        yield opened


def predict(panel: Locator, service: str) -> None:
    """Type a sentence into the try-it box and read its label."""
    form = panel.get_by_role("form", name=f"Try {service}")
    form.get_by_label("Text").fill("good film")
    form.get_by_role("button", name="Predict").click()
    expect(form.get_by_role("status")).to_contain_text("positive")


def test_a_panel_shows_and_tells_while_a_cell_computes_and_says_when_its_kernel_ended(
    lab: Lab, page: Page, files: Path, workspace: Workspace, classifier: Path, sentiment: str
) -> None:
    name = write(
        files,
        "from jupyter_modeldeploy.widgets import ModelsPanel\nmodels = ModelsPanel()\nmodels",
        "import time\nwhile not models.model:\n    time.sleep(0.05)\nprint('selected', models.model)",
    )
    page.goto(f"{lab.url}lab/workspaces/{secrets.token_hex(4)}/tree/{name}?token={lab.token}")
    run_all(page)
    panel = page.locator(".jp-ModelDeploy-panel")
    expect(panel).to_contain_text("sentiment")
    workspace.models.fetch(f"file:{classifier}", "later").version(timeout_s=60)
    expect(panel).to_contain_text("later")
    expect(page.locator(".jp-InputPrompt").nth(1)).to_have_text("[*]:")

    panel.get_by_role("button", name="Open the page of sentiment").click()
    expect(panel.get_by_role("article", name="sentiment")).to_be_visible()
    expect(page.get_by_text("selected sentiment")).to_be_visible()
    panel.get_by_role("button", name="Back").click()
    expect(panel).to_contain_text("later")

    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Restart Kernel…")).click()
    page.get_by_role("dialog").get_by_role("button", name="Confirm Kernel Restart").click()
    expect(panel).to_contain_text("The kernel of this panel has ended. Run its cell again.")
    run_cell(page, 0)
    expect(panel.get_by_role("button", name="Open the page of later")).to_be_visible()
    expect(panel).not_to_contain_text("has ended")


def test_panels_are_composed_and_axe_finds_nothing_wrong_in_any(
    lab: Lab, page: Page, files: Path, workspace: Workspace, sentiment: str
) -> None:
    (job,) = [job for job in workspace.jobs.list() if (job.result or {}).get("version") == sentiment]
    panels = (
        f"ModelsPanel('sentiment'), FineTunePanel(), OptimizePanel('{sentiment}'), JobPanel('{job.id}'), "
        f"ServicePanel(), DevicesPanel(), ReportPanel(version='{sentiment}')"
    )
    name = write(files, f"import ipywidgets\nfrom jupyter_modeldeploy.widgets import *\nipywidgets.VBox([{panels}])")
    page.goto(f"{lab.url}lab/workspaces/{secrets.token_hex(4)}/tree/{name}?token={lab.token}")
    run_all(page)
    pages = page.locator(".jp-ModelDeploy-panel")
    expect(pages).to_have_count(7)
    titles = ("sentiment", "Fine-tune a model", "Optimise a model", job.title, "Services", "Devices", sentiment)
    for number, title in enumerate(titles):
        panel = pages.nth(number)
        panel.scroll_into_view_if_needed()
        expect(panel.get_by_role("heading", name=title).first).to_be_visible()
        expect(panel).not_to_contain_text("Loading")
    assert violations_in(page) == []


def stop(panel: Locator, service: str) -> None:
    panel.get_by_role("button", name=f"Stop {service}").click()
    panel.get_by_role("button", name="Stop the service").click()
    expect(panel.get_by_role("button", name=f"Start {service}")).to_be_visible()


def test_a_service_shows_itself_and_answers_in_notebook_7_while_a_cell_computes(
    lab: Lab, page: Page, files: Path, workspace: Workspace, service: Service
) -> None:
    failed: list[str] = []
    page.on("console", lambda said: failed.append(said.text) if "modeldeploy" in said.text.lower() else None)
    shown = (
        f"from jupyter_modeldeploy import Workspace\nworkspace = Workspace()\nworkspace.services.get('{service.name}')"
    )
    done = files / secrets.token_hex(4)
    name = write(files, shown, COMPUTE.format(done=done))
    page.goto(f"{lab.url}notebooks/{name}?token={lab.token}")
    run_all(page)
    panel = page.get_by_role("article", name=service.name)
    expect(panel).to_be_visible()
    predict(panel, service.name)
    expect(page.locator(".jp-InputPrompt").nth(1)).to_have_text("[*]:")
    done.touch()
    expect(page.get_by_text("computed", exact=True)).to_be_visible()
    stop(panel, service.name)
    assert workspace.services.get(service.name).state == "stopped"

    page.get_by_role("menuitem", name="View", exact=True).click()
    page.get_by_role("menuitem", name="Open Model Deployment").click()
    sidebar = page.get_by_role("region", name=PANEL)
    sidebar.get_by_role("button", name=f"Forget {service.name}").click()
    expect(page.get_by_text(f"There is no service {service.name}.")).to_be_visible()
    with page.expect_popup() as opened:
        sidebar.get_by_role("button", name="Open the page of sentiment", exact=True).click()
    expect(opened.value.get_by_role("article", name="sentiment")).to_be_visible()
    assert failed == []


def test_in_voila_a_panel_speaks_the_browsers_language(lab: Lab, browser: Browser, files: Path) -> None:
    name = write(files, "from jupyter_modeldeploy.widgets import *\nServicePanel()")
    with closing(browser.new_context(locale="zh-CN")) as context:
        page = context.new_page()
        page.goto(f"{lab.url}voila/render/{name}?token={lab.token}", timeout=COMPUTED_MS)  # in which it runs all cells
        expect(page.get_by_role("region", name="服务")).to_be_visible()


def test_in_voila_a_panel_answers_and_says_when_its_kernel_is_busy(
    lab: Lab, page: Page, files: Path, workspace: Workspace, service: Service
) -> None:
    (dashboard,) = [cell for cell in nbformat.read(DASHBOARD, as_version=4).cells if cell.cell_type == "code"]
    done = files / secrets.token_hex(4)
    compute = COMPUTE.format(done=done).replace("\n", "\n    ")
    name = write(
        files,
        dashboard.source,
        "button = ipywidgets.Button(description='Compute')\nbutton",
        f"def compute(_):\n    {compute}\nbutton.on_click(compute)",
    )
    page.goto(f"{lab.url}voila/render/{name}?token={lab.token}", timeout=COMPUTED_MS)
    panel = page.locator(".jp-ModelDeploy-panel").first
    panel.get_by_role("button", name=f"Open the page of {service.name}").click()
    expect(page.get_by_text("sentiment@1 was not evaluated on held-out rows.")).to_be_visible()
    predict(panel, service.name)
    page.get_by_role("button", name="Compute").click()
    form = panel.get_by_role("form", name=f"Try {service.name}")
    form.get_by_label("Text").fill("bad film")
    form.get_by_role("button", name="Predict").click()
    expect(panel).to_contain_text(BUSY)
    done.touch()
    expect(form.get_by_role("status")).to_contain_text("negative")
    expect(panel).not_to_contain_text(BUSY)
    stop(panel, service.name)
    assert workspace.services.get(service.name).state == "stopped"
