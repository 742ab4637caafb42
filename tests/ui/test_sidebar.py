"""What a person sees and does in the sidebar, in a real browser, under a base URL as behind a hub."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import psutil
import tiny_bert
import tiny_onnx
from playwright.sync_api import Locator, Page, Response, expect
from ui.lab import PANEL
from ui.notebooks import COMPUTED_MS

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import Job, JobState, Service
from jupyter_modeldeploy.workspace import JobHandle


def item(page: Page, section: str, name: str | re.Pattern[str]) -> Locator:
    """The row of a job or a service."""
    return page.get_by_role("list", name=section, exact=True).get_by_role("listitem", name=name)


def group_of(job: Job) -> list[psutil.Process]:
    """The processes that work for a job."""
    assert job.process is not None
    return [psutil.Process(job.process.pid), *psutil.Process(job.process.pid).children(recursive=True)]


def test_lists_a_fetched_model_with_its_versions(page: Page, sentiment: str) -> None:
    row = page.get_by_role("button", name="sentiment", exact=True)
    expect(row).to_contain_text("text-classification · @1")
    row.press("Enter")
    expect(page.get_by_role("list", name="Versions of sentiment")).to_contain_text(sentiment)
    expect(page.get_by_role("list", name="Versions of sentiment")).to_contain_text("fetched · onnx")


def test_a_version_in_quarantine_says_so_and_is_served_only_when_trusted(
    page: Page, workspace: Workspace, tmp_path: Path
) -> None:
    classifier = tiny_onnx.classifier(tmp_path / "shady")
    (classifier / "shady.pkl").write_bytes(b"cposix\nsystem\n(Vtrue\ntR.")
    workspace.models.fetch(f"file:{classifier}", "shady").wait(timeout_s=60)
    page.get_by_role("button", name="shady", exact=True).press("Enter")
    row = page.get_by_role("list", name="Versions of shady").get_by_role("listitem")
    expect(row.get_by_text("quarantined")).to_have_attribute("title", re.compile(r"shady\.pkl would run posix\.system"))
    expect(row.get_by_role("button", name="Serve shady@1")).to_be_disabled()
    workspace.models.trust("shady@1", "I wrote it")
    expect(row.get_by_text("trusted")).to_have_attribute("title", re.compile("I wrote it"))
    expect(row.get_by_role("button", name="Serve shady@1")).to_be_enabled()


def test_shows_what_is_known_of_a_version_with_its_card_as_plain_text(
    page: Page, workspace: Workspace, folder: Path
) -> None:
    told = tiny_bert.make_classifier(folder / "told")
    (told / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Films\n<img src=x onerror=alert(1)>")
    workspace.models.fetch(f"file:{told}", "told").wait(timeout_s=60)
    page.get_by_role("button", name="told", exact=True).click()
    versions = page.get_by_role("list", name="Versions of told")
    versions.get_by_role("button", name="Show what is known of told@1").click()
    for fact in (
        "Made withtransformers, BertForSequenceClassification",
        re.compile(r"Parameters24.258"),
        "Memory97.0 kB",
        "LicenceApache-2.0",
        "SafetyNothing was found",
    ):
        expect(versions).to_contain_text(fact)
    card = versions.get_by_role("region", name="Model card of told@1")
    expect(card).to_have_text("# Films\n<img src=x onerror=alert(1)>")
    expect(card.locator("img")).to_have_count(0)
    versions.get_by_role("button", name="Hide what is known of told@1").click()
    expect(card).to_have_count(0)


def test_a_dataset_is_added_by_keyboard_and_shows_what_was_found_in_it(page: Page, folder: Path) -> None:
    table = folder / "films.csv"
    rows = [f"film {number},{'good' if number % 4 else 'bad'}" for number in range(40)]
    table.write_text("\n".join(["text,label", *rows, "FILM 1,bad"]))
    header = page.get_by_role("region", name="Datasets").get_by_role("heading").get_by_role("button")
    expect(header).to_be_visible()
    for key in ("Alt+Shift+M", "Tab", "ArrowDown"):
        page.keyboard.press(key)
    expect(header).to_be_focused()
    page.get_by_role("button", name="Add a dataset", exact=True).press("Enter")
    form = page.get_by_role("form", name="Add a dataset")
    form.get_by_label("Source").fill(f"file:{table}")
    form.get_by_text("More").click()
    form.get_by_label("text column").fill("review")
    form.get_by_role("button", name="Add").press("Enter")
    job = page.get_by_role("list", name="Jobs", exact=True).get_by_role("listitem", name=re.compile("dataset films"))
    expect(job).to_contain_text("There is no column 'review'.")
    page.get_by_role("button", name="Add a dataset", exact=True).press("Enter")
    form.get_by_label("Source").fill(f"file:{table}")
    form.get_by_label("Source").press("Enter")
    expect(form).to_have_count(0)
    expect(page.get_by_role("region", name="Datasets").locator(":focus")).to_be_visible()
    films = page.get_by_role("list", name="Datasets", exact=True)
    expect(films).to_contain_text("text-classification · @1")
    films.get_by_role("button", name="films", exact=True).click()
    expect(films.get_by_role("row", name="bad 8 3", exact=True)).to_be_visible()
    expect(films).to_contain_text("Equal examples with different labels: 1, first row 3.")
    films.get_by_role("button", name="Open the page of films@1", exact=True).click()
    expect(page.get_by_role("article", name="films@1").get_by_role("row", name="bad 8 3", exact=True)).to_be_visible()


def test_fetches_a_model_by_its_source(page: Page, classifier: Path, sentiment: str) -> None:
    page.get_by_role("button", name="Fetch a model", exact=True).click()
    form = page.get_by_role("form", name="Fetch a model")
    form.get_by_label("Name").fill("from-the-panel")
    form.get_by_label("Source").fill("nowhere:at-all")
    form.get_by_role("button", name="Fetch").click()
    expect(form.get_by_role("alert")).to_contain_text("nowhere")
    form.get_by_label("Source").fill(f"file:{classifier}")
    form.get_by_label("Source").press("Enter")
    expect(page.get_by_role("button", name="from-the-panel", exact=True)).to_contain_text("text-classification")
    expect(item(page, "Jobs", re.compile("from-the-panel"))).to_contain_text("succeeded")


def test_shows_a_jobs_progress_cancels_and_resumes_it(page: Page, workspace: Workspace, training: JobHandle) -> None:
    row = item(page, "Jobs", re.compile("as tuned"))
    bar = row.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuetext", re.compile(r"\d+ %, \d.* left"), timeout=COMPUTED_MS)
    workers = group_of(training.job)

    row.get_by_role("button", name=re.compile("^Show the log")).click()
    expect(row.get_by_role("log")).to_contain_text("Fine-tune encoder@1")
    row.get_by_role("button", name=re.compile("^Cancel")).click()
    row.get_by_role("button", name="Keep it").press("Escape")
    expect(row.get_by_role("alertdialog")).to_have_count(0)
    expect(row.get_by_role("button", name=re.compile("^Cancel"))).to_be_focused()
    row.get_by_role("button", name=re.compile("^Cancel")).click()
    row.get_by_role("button", name="Cancel the job").click()
    expect(row).to_contain_text("cancelled")
    _, living = psutil.wait_procs(workers, timeout=30)  # the last thing that a worker does is to say how it ended
    assert not living

    row.get_by_role("button", name=re.compile("^Resume")).click()
    expect(row.get_by_role("button", name=re.compile("^Cancel"))).to_be_visible()
    assert training.job.state in (JobState.queued, JobState.running)


def test_a_service_is_tried_stopped_and_started(page: Page, workspace: Workspace, service: Service) -> None:
    row = item(page, "Services", service.name)
    expect(row).to_contain_text(str(service.url))
    expect(row).to_contain_text("sentiment@1100 %")
    row.get_by_role("button", name=f"Try {service.name}").click()
    row.get_by_label("Text").fill("good film")
    row.get_by_role("button", name="Predict").click()
    expect(row.get_by_role("status")).to_contain_text(re.compile(r"positive.*88\.1 %.*answered by sentiment@1"))

    row.get_by_role("button", name=f"Stop {service.name}").click()
    row.get_by_role("button", name="Stop the service").click()
    expect(row).to_contain_text("stopped")
    assert workspace.services.get(service.name).state.ended
    port = int(str(service.url).rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        row.get_by_role("button", name=f"Start {service.name}").click()
        expect(row).to_contain_text("ready")
    expect(page.locator(".Toastify__toast", has_text=f"port {port}, where it was before")).to_be_visible()


def test_serves_a_version_and_forgets_the_service(page: Page, sentiment: str) -> None:
    page.get_by_role("button", name="sentiment", exact=True).click()
    page.get_by_role("button", name=f"Serve {sentiment}").click()
    row = item(page, "Services", "sentiment")
    expect(row).to_contain_text("ready")
    row.get_by_role("button", name="Stop sentiment").click()
    row.get_by_role("button", name="Stop the service").click()
    row.get_by_role("button", name="Forget sentiment").click()
    expect(row).to_have_count(0)


def test_a_loader_is_inserted_into_the_notebook_in_front(page: Page, sentiment: str) -> None:
    page.get_by_role("button", name="sentiment", exact=True).click()
    insert = page.get_by_role("button", name=f"Insert loader of {sentiment} into notebook")
    insert.click()
    expect(page.get_by_role("alert").filter(has_text="No notebook is in front")).to_be_visible()
    page.locator(".jp-LauncherCard", has_text="Python 3").first.click()
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    expect(cells).to_have_count(1)
    insert.click()
    expect(cells).to_have_count(2)
    expect(cells.nth(1)).to_contain_text(f'# Loads "{sentiment}"')


def is_kept_with(panel: str) -> Callable[[Response], bool]:
    """Whether an answer is to the keeping of a layout with this panel on the left."""

    def judge(answer: Response) -> bool:
        kept = re.search(f'"left":{{[^}}]*"current":"{panel}"', answer.request.post_data or "")
        return "/api/workspaces/" in answer.url and answer.request.method == "PUT" and kept is not None

    return judge


def test_the_panel_is_there_again_after_a_reload(page: Page, sentiment: str) -> None:
    expect(page.get_by_role("button", name="sentiment", exact=True)).to_be_visible()
    for tab, panel in (("File Browser", "filebrowser"), (PANEL, "jupyter-modeldeploy-panel")):
        with page.expect_response(is_kept_with(panel), timeout=30_000):
            page.get_by_role("tab", name=tab).click()
    page.reload()
    expect(page.get_by_role("button", name="sentiment", exact=True)).to_be_visible()
