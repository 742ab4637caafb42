"""What stands around the lists and pages: devices, filters, menus, the status bar, notifications, settings."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from ui.lab import PANEL
from ui.notebooks import COMPUTED_MS

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.workspace import JobHandle

DEVICE_REFRESH_MS = 2000
"""As the settings have it by default."""


def test_the_devices_show_their_use_and_who_works_on_them(page: Page, training: JobHandle) -> None:
    cpu = page.get_by_role("list", name="Devices").get_by_role("listitem", name="cpu", exact=True)
    expect(cpu).to_contain_text(re.compile(r"\d+ % in use"))
    expect(cpu.get_by_role("meter", name="Memory of cpu")).to_be_visible()
    expect(cpu).to_contain_text(f"Held by {training.job.title}")
    expect(cpu.get_by_role("img", name=re.compile("Use of cpu of late"))).to_be_visible()
    cpu.get_by_role("button", name=re.compile(r"\d+ process")).click()
    expect(cpu.get_by_role("table", name="Processes on cpu").get_by_role("rowheader").first).to_contain_text(
        training.job.title
    )


def test_a_hidden_panel_reads_no_devices(page: Page) -> None:
    expect(page.get_by_role("list", name="Devices")).to_contain_text("in use")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/devices" in request.url else None)
    page.wait_for_event("request", lambda request: "/api/devices" in request.url)
    page.get_by_role("tab", name="File Browser").click()
    before = len(asked)
    page.wait_for_timeout(2 * DEVICE_REFRESH_MS)
    assert len(asked) <= before + 1  # which was on its way
    with page.expect_request(lambda request: "/api/devices" in request.url):
        page.get_by_role("tab", name="Models, jobs and services").click()


def test_a_filter_keeps_what_has_all_words(page: Page, workspace: Workspace, classifier: Path, sentiment: str) -> None:
    workspace.models.fetch(f"file:{classifier}", "other").wait(timeout_s=60)
    models = page.get_by_role("region", name="Models", exact=True)
    expect(models.get_by_role("button", name="other", exact=True)).to_be_visible()
    models.get_by_role("button", name="Filter: Models").press("Enter")
    words = models.get_by_role("searchbox")
    expect(words).to_be_focused()
    words.fill("class SENT")
    expect(models.get_by_role("button", name="other", exact=True)).to_have_count(0)
    expect(models.get_by_role("button", name="sentiment", exact=True)).to_be_visible()
    expect(models.get_by_role("heading")).to_contain_text(re.compile(r"1 of \d"))
    words.fill("nothing has this")
    expect(models.get_by_role("status")).to_have_text("Nothing of that kind.")
    words.press("Escape")
    expect(models.get_by_role("button", name="other", exact=True)).to_be_visible()


def menu_item(page: Page, name: str) -> Locator:
    return page.locator(".lm-Menu-item:visible", has_text=name)


def in_menu(page: Page, menu: str, name: str) -> None:
    """Choose an entry of a menu of the menu bar."""
    page.get_by_role("menuitem", name=menu, exact=True).first.click()
    menu_item(page, name).click()


def test_a_version_is_dragged_onto_a_notebook_and_served_from_its_menu(page: Page, sentiment: str) -> None:
    page.get_by_role("button", name="sentiment", exact=True).click()
    version = page.get_by_role("list", name="Versions of sentiment").get_by_role("listitem")
    page.locator(".jp-LauncherCard", has_text="Python 3").first.click()
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    expect(cells).to_have_count(1)

    version.get_by_text(sentiment, exact=True).hover()
    page.mouse.down()
    target = page.locator(".jp-NotebookPanel-notebook").first
    box = target.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 200, steps=3)
    expect(page.locator(".jp-ModelDeploy-dragged")).to_be_visible()
    page.mouse.move(box["x"] + 110, box["y"] + 210, steps=3)
    page.mouse.up()
    expect(cells).to_have_count(2)
    expect(cells.filter(has_text=f'# Loads "{sentiment}"')).to_have_count(1)

    version.get_by_text(sentiment, exact=True).click(button="right")
    expect(menu_item(page, "Open Model")).to_be_visible()
    expect(menu_item(page, "Insert Training")).to_have_count(0)
    menu_item(page, "Serve").click()
    expect(page.get_by_role("button", name=re.compile("1 service"))).to_be_visible()

    row = page.get_by_role("list", name="Services").get_by_role("listitem", name="sentiment")
    row.click(button="right")
    menu_item(page, "Stop Service").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop the service").click()
    expect(row).to_contain_text("stopped")
    row.click(button="right")
    menu_item(page, "Forget Service").click()
    expect(row).to_have_count(0)


def test_a_notebooks_toolbar_deploys_a_model_which_runs_among_the_sessions(
    page: Page, workspace: Workspace, sentiment: str
) -> None:
    page.locator(".jp-LauncherCard", has_text="Python 3").first.click()
    page.locator(".jp-NotebookPanel-toolbar").get_by_title("Serve a version").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Version").select_option(sentiment)
    expect(dialog.get_by_label("Name of the service")).to_have_value("sentiment")
    dialog.get_by_label("Name of the service").fill("from-toolbar")
    dialog.get_by_role("button", name="Deploy").click()
    show_what_is_told(page, "from-toolbar is ready")
    expect(page.get_by_role("tab", name="from-toolbar")).to_be_visible()

    page.get_by_role("tab", name="Running Terminals and Kernels").click()
    sessions = page.get_by_role("region", name="Model Services Section")
    entry = sessions.get_by_role("treeitem", name=re.compile("from-toolbar"))
    entry.hover()
    entry.get_by_title("Stop the service").click()
    expect(entry).to_have_count(0)
    assert workspace.services.stop("from-toolbar").state.ended
    workspace.services.remove("from-toolbar")


def show_what_is_told(page: Page, message: str) -> None:
    """Among the notifications that are kept: those that pass by are gone after seconds, few on a loaded machine."""
    page.locator(".jp-Notification-Status").click()
    kept = page.locator(".jp-Notification-List").get_by_role("listitem").filter(has_text=message)
    kept.get_by_role("button", name="Show it").click()


def test_a_long_job_tells_its_progress_and_its_end_wherever_the_user_looks(page: Page, training: JobHandle) -> None:
    page.get_by_role("tab", name="File Browser").click()
    told = page.locator(".Toastify__toast", has_text=training.job.title)
    bar = told.locator(".Toastify__progress-bar")
    expect(bar).to_have_attribute("style", re.compile("scaleX"), timeout=COMPUTED_MS)
    expect(page.get_by_role("button", name=re.compile("1 job"))).to_be_visible()
    tab = page.get_by_role("tab", name=PANEL)
    expect(tab).to_have_attribute("data-modeldeploy-badge", "1")
    expect(tab).to_have_attribute("title", f"{PANEL} (1 at work)")
    training.cancel()
    show_what_is_told(page, f"{training.job.title}: cancelled")
    expect(page.get_by_role("tab", name=training.job.title)).to_be_visible()
    expect(tab).to_have_attribute("title", PANEL)


def test_menus_palette_and_launcher_begin_what_there_is_to_do(page: Page) -> None:
    for name in ("Fetch a Model", "Fine-Tune a Model", "Optimise a Model", "Deploy a Model"):
        expect(page.locator(".jp-LauncherCard", has_text=name)).to_be_visible()
    in_menu(page, "Run", "Fine-Tune a Model")
    expect(page.get_by_role("tab", name="Fine-tune")).to_be_visible()
    in_menu(page, "File", "Fetch a Model")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("nowhere:at-all")
    dialog.get_by_role("button", name="Fetch").click()
    expect(page.get_by_text("nowhere").last).to_be_visible()


def test_settings_are_used_at_once(page: Page, workspace: Workspace, sentiment: str) -> None:
    jobs = page.get_by_role("list", name="Jobs", exact=True).get_by_role("listitem")
    expect(jobs.first).to_be_visible()
    in_menu(page, "Settings", "Settings Editor")
    page.get_by_role("tab", name="Model Deployment").click()
    page.locator("input[label='Recent jobs']").fill("0")
    expect(page.get_by_role("button", name=re.compile("earlier job"))).to_be_visible()
    expect(jobs).to_have_count(0)
