"""What axe-core finds wrong in all that the product shows: the sidebar, every page and every panel of a notebook, in
every theme, and the pages again in the colours of the system."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from axe import PAGES, THEMES, VIEWS, choose_theme, show_page, violations_in
from lab import Lab, running_lab
from one_of_each import OneOfEach, one_of_each
from playwright.sync_api import Browser, Page

from jupyter_modeldeploy import Workspace
from notebooks import run_all, write

Found = dict[str, list[dict[str, Any]]]
PANELS = "import ipywidgets\nfrom jupyter_modeldeploy.widgets import *\nipywidgets.VBox([{}])"


def look_everywhere(browser: Browser) -> Found:
    """What is wrong by where it was looked at, as `JupyterLab Dark, service`; nothing where nothing is."""
    found: Found = {}
    with (
        tempfile.TemporaryDirectory() as scratch,
        closing(Workspace(Path(scratch) / "root")) as workspace,
        one_of_each(workspace, Path(scratch)) as there,
        running_lab(workspace.store.root, Path(scratch) / "lab") as lab,
    ):
        notebook = write(Path(scratch) / "lab" / "files", PANELS.format(", ".join(panels(there))))
        with window(browser) as page:
            lab.open(page, "axe")
            for theme in THEMES:
                choose_theme(page, theme)
                found[f"{theme}, sidebar"] = violations_in(page)
                found |= look_at_pages(page, there, theme)
            show_panels(page, lab, notebook)
            for theme in THEMES:
                choose_theme(page, theme)
                found[f"{theme}, panels"] = violations_in(page, VIEWS)
        with window(browser, forced_colors="active") as page:
            found |= look_at_pages(lab.open(page, "forced"), there, "the system's colours")
    return found


def look_at_pages(page: Page, there: OneOfEach, theme: str) -> Found:
    found = {}
    for name, address in there.pages.items():
        show_page(page, address)
        found[f"{theme}, {name}"] = violations_in(page, PAGES)
    return found


def panels(there: OneOfEach) -> list[str]:
    """Every panel: as lists, and as the pages and reports that have the most to show."""
    training, tuned = there.training.id, "tuned@1"
    return [
        *("ModelsPanel()", "JobPanel()", "ServicePanel()", "DevicesPanel()"),
        *("ModelsPanel('tuned')", f"JobPanel('{training}')", f"ServicePanel('{there.service}')"),
        *(f"FineTunePanel('{tuned}')", f"OptimizePanel('{tuned}')", f"ReportPanel(version='{tuned}')"),
        *(f"ReportPanel(job='{there.pages[name]['id']}')" for name in ("profile", "load", "comparison", "search")),
        "ReportPanel(dataset='reviews')",
    ]


def show_panels(page: Page, lab: Lab, notebook: str) -> None:
    """Run the notebook; what is far down is drawn once it was in sight."""
    page.goto(f"{lab.url}lab/workspaces/panels/tree/{notebook}?token={lab.token}")
    run_all(page)
    shown = page.locator(".jp-ModelDeploy-panel")
    shown.first.wait_for()
    for panel in shown.all():
        panel.scroll_into_view_if_needed()
        panel.get_by_role("heading").first.wait_for()


@contextmanager
def window(browser: Browser, **options: Any) -> Iterator[Page]:
    with closing(browser.new_context(viewport={"width": 1100, "height": 900}, **options)) as context:
        yield context.new_page()
