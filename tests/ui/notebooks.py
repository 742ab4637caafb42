"""Notebooks as a person works in them: written, opened and run cell by cell."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import nbformat
from playwright.sync_api import Locator, Page, TimeoutError, expect

COMPUTED_MS = 120_000
"""Of a cell, which may wait for a job."""
HEARD_MS, TRIES = 3_000, 15
RUNS, RAN = re.compile(r"\[[*\d]+\]"), re.compile(r"\[\d+\]")
"""What stands beside a cell."""


def write(files: Path, *cells: str) -> str:
    """A notebook with these cells; its name."""
    name = f"{secrets.token_hex(4)}.ipynb"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, files / name)
    return name


def run_all(page: Page) -> None:
    """Run the notebook's cells, the first of them to its end."""
    prompt = page.locator(".jp-InputPrompt").first

    def ask() -> None:
        page.get_by_role("menuitem", name="Run", exact=True).click(timeout=HEARD_MS)
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click(timeout=HEARD_MS)

    _asked_until_heard(page, prompt, ask)
    expect(prompt).to_have_text(RAN, timeout=COMPUTED_MS)


def run_cell(page: Page, number: int, shown: str = ".jp-ModelDeploy-panel") -> Locator:
    """Run the cell at this place, counted from 0, to its end; what it shows, by default its panel."""
    cell = page.locator(".jp-CodeCell").nth(number)
    prompt = cell.locator(".jp-InputPrompt")

    def ask() -> None:
        cell.locator(".jp-InputArea-editor").click(timeout=HEARD_MS)
        page.keyboard.press("Control+Enter")

    _asked_until_heard(page, prompt, ask)
    expect(prompt).to_have_text(RAN, timeout=COMPUTED_MS)
    return cell.locator(shown)


def _asked_until_heard(page: Page, prompt: Locator, ask: Callable[[], None]) -> None:
    """What is asked before the kernel's connection stands is lost, so it is asked again. Where the kernel has not even
    begun, JupyterLab may ask in turn which one to start, and goes on by itself when it is told."""
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=COMPUTED_MS)
    prompt.evaluate("it => { it.textContent = '' }")  # what it said of an earlier run
    dialog = page.locator(".jp-Dialog")
    for _ in range(TRIES):
        if dialog.filter(has_text="Select Kernel").is_visible():
            dialog.locator("button.jp-mod-accept").click()
        elif dialog.is_visible():
            raise AssertionError(f"A dialog is in the way: {dialog.inner_text()}")
        else:
            with suppress(TimeoutError):  # it came just now
                ask()
        with suppress(AssertionError):
            expect(prompt).to_have_text(RUNS, timeout=HEARD_MS)
            return
    raise AssertionError("No cell was run.")
