"""A machine and a hub that are slower than this one, so that a race which they would lay open once in a hundred runs
shows here: `make unsteady`. The environment variable UNSTEADY says with which seed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

SLOWER = int(os.environ.get("UNSTEADY_SLOWER", "4"))
"""So many times as long takes a page for all it does."""
LATE_ANSWERS = Path(__file__).with_suffix(".js")


def unsettle(browser: Browser, seed: int) -> None:
    """Slow down each page of each context of `browser`, and hold back what it is answered."""
    answers_late = f"{{ {LATE_ANSWERS.read_text()} unsettle({seed}); }}"

    def slow_down(page: Page) -> None:
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})

    def unsettled(context: BrowserContext) -> BrowserContext:
        context.add_init_script(answers_late)
        context.on("page", slow_down)
        return context

    opened: Callable[..., BrowserContext] = browser.new_context
    browser.new_context = lambda **options: unsettled(opened(**options))  # type: ignore[method-assign]
    for context in browser.contexts:
        unsettled(context)
