"""What axe-core finds wrong in what JupyterLab shows of the product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
THEMES = ("JupyterLab Dark", "JupyterLab Dark High Contrast", "JupyterLab Light")
VIEWS, PAGES = ".jp-ModelDeploy", ".jp-ModelDeploy-pageWidget"
DIALOGS, MENUS, NOTIFICATIONS = ".jp-Dialog-content", ".lm-Menu", ".jp-Notification-List"
RUN = """
async within => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];
  const {violations} = await axe.run(within, {runOnly: tags, elementRef: true, resultTypes: ['violations']});
  // A row is called by its name and described by the facts beside it: the two together say all that is read.
  const words = text => text.toLowerCase().match(/[^\\s,·]+/g) ?? [];
  const named = (element, attribute) => (element.getAttribute(attribute) ?? '').split(' ')
    .map(id => document.getElementById(id)?.textContent ?? '');
  const said = element => [element.ariaLabel ?? '',
    ...named(element, 'aria-labelledby'), ...named(element, 'aria-describedby')].join(' ').toLowerCase();
  // The lines of a drawing are parted, too.
  const lines = element => [...element.querySelectorAll('text')].map(one => one.textContent);
  const seen = element => element.innerText ?? lines(element).join(' ');
  const whole = ({element}) => words(seen(element)).every(word => said(element).includes(word));
  return violations.map(({id, nodes}) => ({id, nodes: nodes
    .filter(node => id !== 'label-content-name-mismatch' || !whole(node))
    .map(({html, failureSummary}) => [html.slice(0, 300), failureSummary])})).filter(({nodes}) => nodes.length > 0);
}
"""


def violations_in(page: Page, within: str = VIEWS) -> list[dict[str, Any]]:
    """What axe-core finds wrong in what is shown `within` a selector."""
    expect(page.locator(within).locator("visible=true").first).to_be_visible()
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE.read_text("utf-8"))
        # JupyterLab's body has no height of its own: axe-core would take all in it for clipped, and read no colours.
        page.add_style_tag(content="body { min-height: 100vh }")
    return page.evaluate(RUN, within)  # type: ignore[no-any-return]


def choose_theme(page: Page, theme: str) -> None:
    execute(page, "apputils:change-theme", {"theme": theme})
    expect(page.locator(f"body[data-jp-theme-name='{theme}']")).to_have_count(1)


def show_page(page: Page, address: dict[str, str]) -> None:
    """Show a page of the main area in the JupyterLab that is open."""
    execute(page, "modeldeploy:open-page", address)
    shown = page.locator(f"{PAGES}:visible .jp-ModelDeploy")
    expect(shown).to_be_visible()
    expect(shown.locator(".jp-ModelDeploy-connection")).to_have_count(0)
    expect(shown).not_to_contain_text("Loading")


def execute(page: Page, command: str, given: dict[str, str]) -> None:
    """Once the layout that JupyterLab had before is there again, which else undoes it."""
    page.evaluate("() => jupyterapp.restored")
    page.evaluate("([command, given]) => void jupyterapp.commands.execute(command, given)", [command, given])
