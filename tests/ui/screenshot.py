"""Draws the picture of the panel for the documentation: `python tests/ui/screenshot.py ROOT PICTURE [--dark]`.

ROOT is a workspace that `make demo` filled (build/demo/workspace): its two ONNX versions are served and a training is
started for the picture; both are ended again."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

sys.path.insert(0, str(Path(__file__).parents[1]))
from ui.lab import PANEL, running_browser, running_lab

from jupyter_modeldeploy import Workspace

SERVICE = "reviews"
SIZE = {"width": 960, "height": 960}


def main(root: Path, picture: Path, dark: bool) -> None:
    workspace = Workspace(root)
    servable = [version.ref for version in workspace.models.versions("sentiment") if version.format == "onnx"]
    workspace.services.start(workspace.services.spec(SERVICE, servable[-2:]))
    training = workspace.models.finetune("minilm", "sentences", "sentiment", max_steps=60)
    theme = "JupyterLab Dark" if dark else "JupyterLab Light"
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            running_lab(root, Path(folder), theme) as lab,
            running_browser() as browser,
        ):
            page = lab.open(browser.new_page(viewport=SIZE), "picture")
            _widen(page, 330)
            page.get_by_role("button", name="sentiment", exact=True).click()
            page.get_by_role("button", name=f"Try {SERVICE}").click()
            page.get_by_label("Text", exact=True).fill("A quiet, lovely film that stays with you.")
            page.get_by_role("button", name="Predict").click()
            page.get_by_text("answered by").wait_for()
            bar = page.get_by_role("progressbar", name=re.compile("Fine-tune"))
            expect(bar).to_have_attribute("aria-valuetext", re.compile(r"^[1-9]\d %.* left"), timeout=300_000)
            page.get_by_role("region", name=PANEL).evaluate("panel => panel.scrollTo(0, 0)")
            page.screenshot(path=picture)
    finally:
        training.cancel()
        workspace.services.stop(SERVICE)
        workspace.services.remove(SERVICE)


def _widen(page: Page, x: int) -> None:
    """Drag the right edge of the panel to `x` pixels from the left."""
    handle = page.locator("#jp-main-split-panel > .lm-SplitPanel-handle:visible").first.bounding_box()
    assert handle is not None
    page.mouse.move(handle["x"] + 1, handle["y"] + 200)
    page.mouse.down()
    page.mouse.move(x, handle["y"] + 200, steps=4)
    page.mouse.up()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--dark", action="store_true")
    given = parser.parse_args()
    main(given.root, given.picture, given.dark)
