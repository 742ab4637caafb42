"""axe-core finds nothing wrong in sidebar and pages, in light, dark and high contrast; all of it speaks Chinese."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import tiny_bert
from playwright.sync_api import Page, expect
from ui.lab import Lab

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import Service
from jupyter_modeldeploy.workspace import JobHandle

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
THEMES = ("JupyterLab Dark", "JupyterLab Dark High Contrast", "JupyterLab Light")
RUN = """
async () => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];
  const {violations} = await axe.run('.jp-ModelDeploy', {runOnly: tags, elementRef: true});
  // A row is called by its name and described by the facts beside it: the two together say all that is read.
  const words = text => text.toLowerCase().match(/[^\\s,·]+/g) ?? [];
  const named = (element, attribute) => (element.getAttribute(attribute) ?? '').split(' ')
    .map(id => document.getElementById(id)?.textContent ?? '');
  const said = element => [element.ariaLabel ?? '',
    ...named(element, 'aria-labelledby'), ...named(element, 'aria-describedby')].join(' ').toLowerCase();
  const whole = ({element}) => words(element.innerText).every(word => said(element).includes(word));
  return violations.map(({id, nodes}) => ({id, nodes: nodes
    .filter(node => id !== 'label-content-name-mismatch' || !whole(node))
    .map(({html, failureSummary}) => [html.slice(0, 300), failureSummary])})).filter(({nodes}) => nodes.length > 0);
}
"""


@pytest.fixture(scope="module")
def training(workspace: Workspace, folder: Path) -> JobHandle:
    """A fine-tuning that has ended, with curves."""
    rows = [f"{text},{tiny_bert.CLASSES[label]}" for text, label in tiny_bert.rows(120)]
    table = folder / "reviews.csv"
    table.write_text("\n".join(["text,label", *rows]))
    workspace.datasets.add(f"file:{table}", "reviews", "text", "label").wait(timeout_s=60)
    encoder = tiny_bert.make_encoder(folder / "encoder")
    base = workspace.models.fetch(f"file:{encoder}", "encoder").version(timeout_s=60)
    job = workspace.models.finetune(base.ref, "reviews", "tuned", max_steps=20, batch_size=8)
    job.wait(timeout_s=120)
    return job


def violations_in(page: Page, theme: str) -> list[dict[str, Any]]:
    """What axe-core finds wrong in what is shown of the product."""
    choose_theme(page, theme)
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE.read_text("utf-8"))
        # JupyterLab's body has no height of its own: axe-core would take all in it for clipped, and read no colours.
        page.add_style_tag(content="body { min-height: 100vh }")
    return page.evaluate(RUN)  # type: ignore[no-any-return]


def choose_theme(page: Page, theme: str) -> None:
    page.get_by_role("menuitem", name="Settings", exact=True).first.click()
    page.locator(".lm-Menu-item:visible", has_text=re.compile("^Theme")).hover()
    page.locator(".lm-Menu-item:visible", has_text=re.compile(f"^{theme}$")).click()
    expect(page.locator(f"body[data-jp-theme-name='{theme}']")).to_have_count(1)


def open_everything(page: Page, training: JobHandle) -> None:
    """Unfold what the sidebar can unfold."""
    for name in ("tuned", "reviews"):
        page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("button", name="Show what is known of tuned@1").click()
    page.get_by_role("button", name="Filter: Jobs").click()
    page.get_by_role("searchbox").fill("fine")
    page.get_by_role("button", name=re.compile("^Show the curves of")).click()
    page.get_by_role("button", name=re.compile("^Show the log of")).click()
    page.get_by_role("region", name="Devices").scroll_into_view_if_needed()
    page.get_by_role("button", name=re.compile(r"^\d+ process")).click()
    page.get_by_role("button", name="Fetch a model", exact=True).click()


def test_nothing_is_wrong_for_assistive_tools_in_any_theme(
    page: Page, lab: Lab, training: JobHandle, service: Service
) -> None:
    open_everything(page, training)
    page.get_by_role("button", name=f"Try {service.name}").click()
    paths = ["model/tuned", f"job/{training.id}", f"service/{service.name}", "finetune?base=tuned%401", "optimize"]
    found = {(theme, "sidebar"): violations_in(page, theme) for theme in THEMES}
    for path in paths:
        page.goto(f"{lab.url}lab?modeldeploy={path.replace('?', '%3F').replace('=', '%3D').replace('%40', '%2540')}")
        expect(page.locator(".jp-ModelDeploy-pageWidget:visible .jp-ModelDeploy")).to_be_visible()
        expect(page.locator(".jp-ModelDeploy-connection")).to_have_count(0)
        found |= {(theme, path): violations_in(page, theme) for theme in THEMES}
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def test_all_of_it_speaks_chinese_where_jupyterlab_does(page: Page, lab: Lab, sentiment: str) -> None:
    answer = page.request.put(
        f"{lab.url}lab/api/settings/@jupyterlab/translation-extension:plugin",
        data={"raw": json.dumps({"locale": "zh_CN"})},
        headers={"Authorization": f"token {lab.token}"},
    )
    assert answer.ok, answer.text()
    page.reload()
    page.get_by_role("tab", name="模型、作业和服务").click()
    panel = page.get_by_role("region", name="模型、作业和服务")
    for section in ("模型", "作业", "服务", "设备"):
        expect(panel.get_by_role("region", name=section, exact=True)).to_be_visible()
    page.get_by_role("button", name="sentiment", exact=True).click()
    expect(page.get_by_role("button", name=f"为 {sentiment} 提供服务")).to_be_visible()
    expect(page.locator(".jp-LauncherCard", has_text="部署模型…")).to_be_visible()
