"""What is open in a browser goes on without a reload when its network, its laptop or its server comes back, and two
browsers stay in step. JupyterLab lies behind a base URL, as behind a hub, and the browser reaches it by a wire that the
tests cut."""

from __future__ import annotations

import os
import re
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect
from ui.lab import BASE_URL, Lab, running_lab, show_panel
from wire import Wire, wired

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import JobState
from jupyter_modeldeploy.workspace import JobHandle

LAPTOP_CLOSED_S = 60
UNREACHABLE = re.compile(r"The server cannot be reached\.\s*It may not have heard this\.")
OpenBrowser = Callable[..., Page]


@pytest.fixture
def wire(lab: Lab) -> Iterator[Wire]:
    with wired(lab.port) as made:
        yield made


@pytest.fixture
def open_browser(lab: Lab, browser: Browser, wire: Wire) -> Iterator[OpenBrowser]:
    """Opens JupyterLab over the wire in a browser of its own, with the panel and the page of an address, where one is
    given. Nobody reloads it, and no script of ours may fail in it, as some of JupyterLab's do without their server."""
    errors: list[str] = []
    pages: list[Page] = []

    def opened(address: str = "") -> Page:
        context = browser.new_context(viewport={"width": 1200, "height": 1000})
        context.on("weberror", lambda failed: errors.append(str(failed.error.stack or failed.error)))
        page = context.new_page()
        far = lab.at(wire.port)
        layout, link = secrets.token_hex(4), quote(address, safe="")
        page.goto(f"{far.url}lab/workspaces/{layout}?token={far.token}&modeldeploy={link}", wait_until="commit")
        show_panel(page)
        expect(models(page)).to_be_visible()
        expect(page.get_by_role("article")).to_have_count(1 if address else 0)
        # JupyterLab tells of a lost server by itself, in a dialog over everything.
        lost = page.get_by_role("dialog").filter(has_text="Server Connection Error")
        page.add_locator_handler(lost, lambda dialog: dialog.get_by_role("button").last.click())
        page.evaluate("window.neverReloaded = true")
        pages.append(page)
        return page

    yield opened
    for page in pages:
        assert page.evaluate("window.neverReloaded")
        page.context.close()
    assert not [error for error in errors if "jupyter-modeldeploy" in error]


def models(page: Page) -> Locator:
    return page.get_by_role("region", name="Models", exact=True)


def disconnected(page: Page) -> Locator:
    """What the panel and the page each say."""
    return page.get_by_role("status").filter(has_text="Disconnected, retrying")


def fetch_form(page: Page, source: Path, name: str) -> Locator:
    """The form with what a person types into it."""
    page.get_by_role("button", name="Fetch a model", exact=True).click()
    form = page.get_by_role("form", name="Fetch a model")
    form.get_by_label("Source").fill(f"file:{source}")
    form.get_by_label("Name").fill(name)
    return form


def goes_on(training: JobHandle) -> None:
    """Waits until more is done of it than now."""
    done, deadline = training.job.progress.done, time.monotonic() + 120
    while training.job.progress.done <= done:
        assert time.monotonic() < deadline, "it did not go on"
        time.sleep(0.1)


def test_while_the_network_is_away_nothing_typed_is_lost_and_then_it_goes_on(
    open_browser: OpenBrowser, wire: Wire, workspace: Workspace, sentiment: str, classifier: Path
) -> None:
    page = open_browser()
    form = fetch_form(page, classifier, "typed-before")
    wire.refuse()
    expect(disconnected(page)).to_have_count(1)
    form.get_by_role("button", name="Fetch").click()
    expect(form.get_by_role("alert")).to_contain_text(UNREACHABLE)
    expect(form.get_by_label("Name")).to_have_value("typed-before")
    expect(form.get_by_label("Source")).to_have_value(f"file:{classifier}")
    models(page).get_by_role("button", name="sentiment", exact=True).click()
    page.get_by_role("button", name="Open the page of sentiment", exact=True).click()
    workspace.models.set_alias("sentiment", "set-meanwhile", 1)

    wire.connect()
    expect(disconnected(page)).to_have_count(0)
    expect(page.get_by_role("list", name="Versions of sentiment")).to_contain_text("set-meanwhile")
    article = page.get_by_role("article", name="sentiment")
    expect(article.get_by_role("heading", name="sentiment").first).to_be_visible()
    expect(article).not_to_contain_text("Loading")
    expect(page.get_by_role("alert").filter(has_text="cannot be reached")).to_have_count(
        1
    )  # what was typed is as it was
    form.get_by_role("button", name="Fetch").click()
    expect(models(page).get_by_role("button", name="typed-before", exact=True)).to_be_visible()
    assert len([model for model in workspace.models.list() if model.name == "typed-before"]) == 1


def test_a_laptop_that_was_closed_for_a_minute_shows_all_that_happened_meanwhile(
    open_browser: OpenBrowser, wire: Wire, workspace: Workspace, training: JobHandle, sentiment: str, classifier: Path
) -> None:
    page = open_browser(f"job/{training.job.id}")
    job = page.get_by_role("article", name=training.job.title)
    expect(job.get_by_role("progressbar").first).to_be_visible()
    form = fetch_form(page, classifier, "typed-before-the-nap")

    closed_at = time.monotonic()
    wire.fall_silent()
    workspace.models.fetch(f"file:{classifier}", "added-meanwhile").version(timeout_s=60)
    service = workspace.services.start(workspace.services.spec("started-meanwhile", [sentiment]))
    expect(disconnected(page)).to_have_count(2, timeout=LAPTOP_CLOSED_S * 1000)
    goes_on(training)
    training.cancel()
    time.sleep(max(0.0, closed_at + LAPTOP_CLOSED_S - time.monotonic()))
    wire.cut()
    wire.connect()

    expect(disconnected(page)).to_have_count(0)
    expect(job).to_contain_text("cancelled")
    expect(models(page).get_by_role("button", name="added-meanwhile", exact=True)).to_be_visible()
    row = page.get_by_role("list", name="Services", exact=True).get_by_role("listitem", name=service.name)
    expect(row).to_contain_text("ready")
    expect(form.get_by_label("Name")).to_have_value("typed-before-the-nap")
    form.get_by_role("button", name="Fetch").click()
    expect(models(page).get_by_role("button", name="typed-before-the-nap", exact=True)).to_be_visible()
    row.get_by_role("button", name=f"Try {service.name}").click()
    row.get_by_label("Text").fill("good film")
    row.get_by_role("button", name="Predict").click()
    expect(row.get_by_role("status")).to_contain_text("positive")


def test_two_browsers_show_what_the_other_does(
    open_browser: OpenBrowser, workspace: Workspace, sentiment: str, classifier: Path
) -> None:
    one, other = open_browser("model/sentiment"), open_browser("model/sentiment")
    posts: list[Request] = []
    one.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
    fetch_form(one, classifier, "by-the-one").get_by_role("button", name="Fetch").click()
    expect(models(other).get_by_role("button", name="by-the-one", exact=True)).to_be_visible()
    fetch_form(other, classifier, "by-the-other").get_by_role("button", name="Fetch").click()
    expect(models(one).get_by_role("button", name="by-the-other", exact=True)).to_be_visible()
    workspace.models.set_alias("sentiment", "by-python", 1)
    for page in (one, other):
        expect(page.get_by_role("article", name="sentiment")).to_contain_text("by-python")

    (post,) = [post for post in posts if "/modeldeploy/api/" in post.url]
    assert f"{BASE_URL}modeldeploy/api/models/fetch" in post.url
    assert post.all_headers()["x-xsrftoken"]
    forged = one.evaluate("url => fetch(url, {method: 'POST', body: '{}'}).then(answer => answer.status)", post.url)
    assert forged == 403


def test_a_training_and_its_page_go_on_when_the_server_is_killed_and_started_again(
    open_browser: OpenBrowser, lab: Lab, wire: Wire, workspace: Workspace, training: JobHandle, folder: Path
) -> None:
    page = open_browser(f"job/{training.job.id}")
    job = page.get_by_role("article", name=training.job.title)
    expect(job.get_by_role("progressbar").first).to_be_visible()
    os.kill(lab.pid, signal.SIGKILL)
    expect(disconnected(page)).to_have_count(2)
    with running_lab(workspace.store.root, folder / "lab", token=lab.token) as again:
        wire.leads_to = again.port
        expect(disconnected(page)).to_have_count(0, timeout=60_000)
        assert training.job.state is JobState.running
        goes_on(training)
        job.get_by_role("button", name=re.compile("^Cancel")).click()
        job.get_by_role("button", name="Cancel the job").click()
        expect(job).to_contain_text("cancelled")
