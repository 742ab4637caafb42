"""axe-core finds nothing wrong in what is shown, in light, dark and high contrast; with the system's own colours all is
told apart; all of it speaks Chinese."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from ui import axe
from ui.lab import WINDOW, Lab
from ui.one_of_each import OneOfEach, one_of_each

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.workspace import JobHandle

COLOURFUL = ("training", "service", "fine-tuned")


@pytest.fixture(scope="module")
def there(workspace: Workspace, folder: Path) -> Iterator[OneOfEach]:
    with one_of_each(workspace, folder) as filled:
        yield filled


def open_everything(page: Page, there: OneOfEach) -> None:
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
    page.get_by_role("button", name=f"Try {there.service}").click()
    page.get_by_role("button", name=f"Stop {there.service}").click()
    expect(page.get_by_role("alertdialog")).to_be_visible()


def test_nothing_is_wrong_for_assistive_tools_in_any_theme(page: Page, there: OneOfEach) -> None:
    open_everything(page, there)
    found = {}
    for theme in axe.THEMES:
        axe.choose_theme(page, theme)
        found[theme, "sidebar"] = axe.violations_in(page)
        # What has the most colours is looked at in all themes, the other pages in one each.
        others = [name for name in there.pages if name not in COLOURFUL]
        for name in (*COLOURFUL, *others[axe.THEMES.index(theme) :: len(axe.THEMES)]):
            axe.show_page(page, there.pages[name])
            found[theme, name] = axe.violations_in(page, axe.PAGES)
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def test_nothing_is_wrong_in_dialogs_menus_and_notifications(page: Page, there: OneOfEach, training: JobHandle) -> None:
    axe.choose_theme(page, "JupyterLab Dark")
    dialog, menu = page.locator(axe.DIALOGS), page.locator(".lm-Menu-item:visible")
    found = {}

    def look(name: str, within: str) -> None:
        found[name] = axe.violations_in(page, within)

    for command in ("Fetch a Model", "Deploy a Model"):
        page.locator(".jp-LauncherCard", has_text=command).click()
        look(command, axe.DIALOGS)
        dialog.get_by_role("button", name="Cancel").click()
    jobs = page.get_by_role("list", name="Jobs", exact=True)
    row = jobs.get_by_role("listitem", name=training.job.title).first
    row.click(button="right")
    look("menu of a job", axe.MENUS)
    menu.filter(has_text="Cancel Job").click()
    look("confirmation", axe.DIALOGS)
    dialog.get_by_role("button", name="Cancel the job").click()
    page.locator(".jp-Notification-Status").click()  # those that pass by may be gone before they are looked at
    expect(page.locator(axe.NOTIFICATIONS, has_text="cancelled")).to_be_visible()
    look("notification", axe.NOTIFICATIONS)
    page.get_by_role("button", name="sentiment", exact=True).click()
    for name, place in {
        "model": page.get_by_role("button", name="sentiment", exact=True),
        "version": page.get_by_role("list", name="Models").get_by_text("sentiment@2", exact=True),
        "service": page.get_by_role("list", name="Services").get_by_role("listitem", name=there.service),
    }.items():
        place.click(button="right")
        look(f"menu of a {name}", axe.MENUS)
        page.keyboard.press("Escape")
        expect(menu).to_have_count(0)
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def style(place: Locator, attribute: str, pseudo: str | None = None) -> str:
    return place.evaluate(  # type: ignore[no-any-return]
        "(element, [attribute, pseudo]) => getComputedStyle(element, pseudo)[attribute]", [attribute, pseudo]
    )


def test_with_the_systems_own_colours_all_is_told_apart(lab: Lab, browser: Browser, there: OneOfEach) -> None:
    context = browser.new_context(viewport=WINDOW, forced_colors="active")
    page = lab.open(context.new_page(), "forced")
    axe.choose_theme(page, "JupyterLab Light")  # axe-core reads the theme's colour of letters, not the one painted
    axe.show_page(page, there.pages["training"])
    shown = page.locator(axe.PAGES)
    loss = shown.get_by_role("slider", name="Loss")
    lines = [loss.locator(f"path[data-line={of}]").first for of in ("training", "validation")]
    assert len({style(line, "stroke") for line in lines}) == 2
    assert len({style(line, "strokeDasharray") for line in lines}) == 2
    loss.press("Home")
    assert style(loss, "outlineStyle") == "solid"
    assert style(loss, "outlineColor") != style(loss, "backgroundColor")

    dots = {}
    for name in ("training", "failed"):
        axe.show_page(page, there.pages[name])
        state = page.locator(f"{axe.PAGES}:visible .jp-ModelDeploy-state").first
        dots[name] = style(state, "borderRadius", "::before")
        assert style(state, "backgroundColor", "::before") != style(page.locator("body"), "backgroundColor")
    assert dots["training"] != dots["failed"]
    axe.show_page(page, there.pages["service"])
    found = axe.violations_in(page)
    context.close()
    assert found == []


def test_all_of_it_speaks_chinese_where_jupyterlab_does(page: Page, lab: Lab, there: OneOfEach) -> None:
    answer = page.request.put(
        f"{lab.url}lab/api/settings/@jupyterlab/translation-extension:plugin",
        data={"raw": json.dumps({"locale": "zh_CN"})},
        headers={"Authorization": f"token {lab.token}"},
    )
    assert answer.ok, answer.text()
    page.reload()
    expect(page.get_by_role("tab", name="模型、作业和服务")).to_be_visible()
    axe.execute(page, "modeldeploy:open", {})  # a layout that was saved before may have it open already
    panel = page.get_by_role("region", name="模型、作业和服务")
    for section in ("模型", "作业", "服务", "设备"):
        expect(panel.get_by_role("region", name=section, exact=True)).to_be_visible()
    page.get_by_role("button", name="sentiment", exact=True).click()
    expect(page.get_by_role("button", name="为 sentiment@1 提供服务")).to_be_visible()
    expect(page.locator(".jp-LauncherCard", has_text="部署模型…")).to_be_visible()

    # What the server says too: the options of a form with their help, what was found in data.
    axe.show_page(page, there.pages["finetune"])
    form = page.get_by_role("form")
    expect(form.get_by_label("批大小", exact=True)).to_have_attribute(
        "title", "每个优化步的行数；默认按任务选择：文本为 32"
    )
    form.get_by_text("更多", exact=True).click()
    for option in form.locator(".jp-ModelDeploy-fields > label").all():
        expect(option).to_have_text(re.compile("[一-鿿]|^LoRA (alpha|dropout)$"))
    axe.show_page(page, there.pages["dataset"])
    expect(page.get_by_role("article")).to_contain_text(re.compile(r"文本长度.*个字符.*训练"))
    axe.show_page(page, there.pages["failed"])
    failed = page.get_by_role("article").filter(has_text="nowhere")
    expect(failed).to_contain_text(
        re.compile(r"获取 file:\S+nowhere，命名为 nowhere.*没有文件或文件夹 \S+nowhere。请检查路径。")
    )
