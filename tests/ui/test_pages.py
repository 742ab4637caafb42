"""The pages of JupyterLab's main area, in a real browser: what a person sees and does on them."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Response, expect


def command(page: Page, name: str, arguments: dict[str, str]) -> None:
    """Run one of JupyterLab's commands, as its palette and menus do."""
    page.evaluate("([name, given]) => window.jupyterapp.commands.execute(name, given)", [name, arguments])


def is_layout_saved(answer: Response) -> bool:
    kept = answer.request.post_data or ""
    return "/api/workspaces/" in answer.url and answer.request.method == "PUT" and "model/sentiment" in kept


def test_a_page_is_opened_by_a_link_once_and_is_there_after_a_reload(page: Page, sentiment: str) -> None:
    shown = page.get_by_role("article", name="sentiment")
    with page.expect_response(is_layout_saved, timeout=30_000):
        page.goto(f"{page.url}?modeldeploy=model%2Fsentiment")
        expect(shown.get_by_role("heading", name="sentiment")).to_be_visible()
    expect(page).not_to_have_url(re.compile("modeldeploy="))
    tabs = page.locator(".lm-DockPanel-tabBar").get_by_role("tab", name="sentiment")
    expect(tabs).to_have_count(1)
    page.reload()
    expect(shown).to_be_visible()
    expect(tabs).to_have_count(1)
