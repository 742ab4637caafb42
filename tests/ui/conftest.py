"""One JupyterLab and one browser for a file of tests, since Playwright holds the event loop while it runs;
a page and a layout of its own for each test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_onnx
from playwright.sync_api import Browser, BrowserContext, Page, WebError, expect
from slow_motion import in_slow_motion
from ui.lab import Lab, OpenPanel, running_browser, running_lab
from ui.one_of_each import start_training

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import Service
from jupyter_modeldeploy.workspace import JobHandle

expect.set_options(timeout=30_000)


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """Instead of pytest-jupyter's, which would close the event loop that Playwright runs."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Instead of pytest-jupyter's, which would wait for a server in this process on that loop."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ui")


@pytest.fixture(scope="module")
def workspace(folder: Path) -> Iterator[Workspace]:
    """The workspace that the panel shows. Nothing is left running in it."""
    opened = Workspace(folder / "root")
    yield opened
    for job in opened.jobs.list():
        if not job.state.ended:
            opened.jobs.get(job.id).cancel()
    for service in opened.services.list():
        opened.services.stop(service.name)
    opened.close()


@pytest.fixture(scope="module")
def lab(workspace: Workspace, folder: Path) -> Iterator[Lab]:
    with running_lab(workspace.store.root, folder / "lab") as started:
        yield started


@pytest.fixture
def files(lab: Lab, folder: Path) -> Path:
    """The folder that the kernels work in."""
    return folder / "lab" / "files"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as started:
        yield started


@pytest.fixture(scope="module")
def classifier(folder: Path) -> Path:
    """The files of a tiny text classifier."""
    return tiny_onnx.classifier(folder / "classifier")


@pytest.fixture(scope="module")
def sentiment(workspace: Workspace, classifier: Path) -> str:
    """The reference of a fetched text classifier."""
    return workspace.models.fetch(f"file:{classifier}", "sentiment").version(timeout_s=60).ref


@pytest.fixture
def training(workspace: Workspace, folder: Path) -> Iterator[JobHandle]:
    """A fine-tuning that would take far longer than the test."""
    job = start_training(workspace, folder, max_steps=1_000_000)
    with in_slow_motion(job):
        yield job
    if not job.job.state.ended:
        job.cancel()


@pytest.fixture
def service(workspace: Workspace, sentiment: str) -> Iterator[Service]:
    """A running service of the classifier."""
    name = f"reviews-{secrets.token_hex(2)}"
    yield workspace.services.start(workspace.services.spec(name, [sentiment]))
    if any(one.name == name for one in workspace.services.list()):  # else the test forgot it
        workspace.services.stop(name)
        workspace.services.remove(name)


@pytest.fixture
def person(browser: Browser) -> Iterator[BrowserContext]:
    """The browser of somebody who was here before. No script may fail in the pages that they open now."""
    errors: list[str] = []
    context = browser.contexts[0]
    before = set(context.pages)

    def note(failed: WebError) -> None:
        errors.append(str(failed.error))

    context.on("weberror", note)
    yield context
    for page in set(context.pages) - before:
        page.close()
    context.remove_listener("weberror", note)
    assert not errors


@pytest.fixture
def open_panel(lab: Lab, person: BrowserContext) -> OpenPanel:
    """Opens JupyterLab in a new window, in a layout of its own, with the panel shown."""
    return lambda: lab.open(person.new_page(), secrets.token_hex(4))


@pytest.fixture
def page(open_panel: OpenPanel) -> Page:
    return open_panel()
