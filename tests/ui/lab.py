"""A real JupyterLab on loopback, with settings and a base URL of its own, and a browser to look at it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from ui.unsteady import unsettle

BASE_URL = "/user/ann/"
START_S = 120
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WINDOW: ViewportSize = {"width": 1100, "height": 900}
OpenPanel = Callable[[], Page]
PANEL = "Models, jobs and services"


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab; its pages are opened with its token."""

    url: str
    token: str
    pid: int

    @property
    def port(self) -> int:
        return int(urlsplit(self.url).port or 0)

    def at(self, port: int) -> Lab:
        """The same JupyterLab for who gets to it by another port."""
        return replace(self, url=self.url.replace(f":{self.port}/", f":{port}/"))

    def open(self, page: Page, workspace: str) -> Page:
        """Load the layout `workspace`, which is new, in `page` and show the panel."""
        page.goto(f"{self.url}lab/workspaces/{workspace}?token={self.token}", wait_until="commit")
        show_panel(page)
        return page


def show_panel(page: Page) -> None:
    """Show the panel in a layout that is new. JupyterLab shows its file browser there in the place of what was shown
    meanwhile, and last of all gives the focus to what is in the main area: its launcher, or the page of a link."""
    files, panel = (page.get_by_role("tab", name=name) for name in ("File Browser", PANEL))
    expect(files).to_have_attribute("aria-selected", "true", timeout=START_S * 1000)
    page.locator("#jp-main-dock-panel:focus-within").wait_for(timeout=START_S * 1000)
    panel.click()
    expect(panel).to_have_attribute("aria-selected", "true")


@contextmanager
def running_lab(
    root: Path, folder: Path, theme: str = "JupyterLab Light", extended: bool = True, token: str | None = None
) -> Iterator[Lab]:
    """JupyterLab over the workspace `root`; everything else it writes goes below `folder`, where it finds what a killed
    one has left, whose `token` it may take too. It has neither half of the extension where it is not `extended`."""
    token = token or secrets.token_hex(16)
    if not extended:
        _switch_off(folder / "config")
    _write_settings(folder / "settings", "notification", {"fetchNews": "false", "checkForUpdates": False})
    _write_settings(folder / "settings", "themes", {"theme": theme})
    for name in ("files", "runtime"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for left in (folder / "runtime").glob("jpserver-*"):
        left.unlink()
    environment = {
        **os.environ,
        "JUPYTER_MODELDEPLOY_ROOT": str(root),
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
    }
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", f"--ServerApp.base_url={BASE_URL}"]
    options.append("--LabApp.expose_app_in_browser=True")  # for what a test does by command
    with (folder / "lab.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            cwd=folder / "files",
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        yield Lab(_url(process, folder), token, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running_browser() -> Iterator[Browser]:
    """The system's Chromium. Its first context has a profile on disk, as a person's has, in which what was compiled of
    JupyterLab is kept: each further page opens with two thirds of the work. Contexts added to it know nothing."""
    executable = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if executable is None:
        raise RuntimeError(f"None of {', '.join(BROWSERS)} was found. Install one: apt-get install chromium.")
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile, sync_playwright() as playwright:
        person = playwright.chromium.launch_persistent_context(
            profile, executable_path=executable, args=FLAGS, viewport=WINDOW
        )
        assert person.browser is not None, "which a context on a device has not"
        if seed := os.environ.get("UNSTEADY"):
            unsettle(person.browser, int(seed))
        yield person.browser
        person.close()


def _url(process: subprocess.Popen[bytes], folder: Path) -> str:
    """Where the server listens, from the file that it writes for its kernels."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        found = next((folder / "runtime").glob("jpserver-*.json"), None)
        if found is not None and (written := found.read_text()).rstrip().endswith("}"):  # else it is being written
            return str(json.loads(written)["url"])
        time.sleep(0.05)
    raise RuntimeError(f"JupyterLab did not start:\n{(folder / 'lab.log').read_text()[-2000:]}")


def _switch_off(config: Path) -> None:
    for path, content in (
        (
            "jupyter_server_config.d/jupyter_modeldeploy.json",
            {"ServerApp": {"jpserver_extensions": {"jupyter_modeldeploy": False}}},
        ),
        ("labconfig/page_config.json", {"disabledExtensions": {"jupyter-modeldeploy": True}}),
    ):
        (config / path).parent.mkdir(parents=True, exist_ok=True)
        (config / path).write_text(json.dumps(content))


def _write_settings(folder: Path, plugin: str, settings: dict[str, object]) -> None:
    path = folder / "@jupyterlab" / "apputils-extension" / f"{plugin}.jupyterlab-settings"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings))
