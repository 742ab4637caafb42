"""Two ways to drive a JupyterLab: a hand at the mouse, and a hand at the keyboard that never touches one.

Neither calls anything of the page: what they do comes in as a browser gets it from its user. There are two exceptions
to that, both at the mouse: a file from the desktop is dropped by its events, and an entry of a native list is chosen by
Playwright, since both of them begin outside of what a page can show."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from playwright.sync_api import Locator, Page, expect
from ui.desktop import dragged
from ui.lab import PANEL

MOST_TABS = 40
"""A way that takes more presses of Tab than this is a defect of the page, not of the hand."""
MOST_PAGES = 12

HAS_FOCUS = "it => it === document.activeElement"
IS_IN_FRONT = "it => it.closest('.jp-ModelDeploy-widget').contains(document.activeElement)"
"""The panel or page that was opened has taken the focus, and keeps it when what had it goes away."""
IS_BEFORE_FOCUS = "it => Boolean(document.activeElement.compareDocumentPosition(it) & Node.DOCUMENT_POSITION_PRECEDING)"
FOCUSED = "document.activeElement.outerHTML.slice(0, 200)"
CHOICES = "it => [...it.options].map(({label}) => label)"


class Hand(Protocol):
    """What a person does with what they see."""

    page: Page

    def open_section(self, name: str) -> Locator:
        """Go to a section of the panel, which is opened where it is not shown."""

    def press(self, button: Locator) -> None:
        """Press a button, or whatever unfolds by being pressed."""

    def write(self, field: Locator, text: str) -> None:
        """Write into a field in place of what is there."""

    def choose(self, field: Locator, choice: str) -> None:
        """Choose from a list by what can be read in it."""

    def raise_to_the_end(self, slider: Locator) -> None:
        """Set a slider to its largest value."""

    def give(self, form: Locator, file: Path) -> None:
        """Give a file to a form that takes one."""

    def turn_to(self, page: str) -> None:
        """Turn to an open page of the main area by the name on its tab."""


class Mouse:
    def __init__(self, page: Page) -> None:
        self.page = page

    def open_section(self, name: str) -> Locator:
        tab = self.page.get_by_role("tab", name=PANEL)
        if tab.get_attribute("aria-selected") != "true":
            tab.click()
        return _section(self.page, name)

    def press(self, button: Locator) -> None:
        button.click()

    def write(self, field: Locator, text: str) -> None:
        field.click(click_count=3)
        self.page.keyboard.type(text)

    def choose(self, field: Locator, choice: str) -> None:
        field.select_option(label=choice)

    def raise_to_the_end(self, slider: Locator) -> None:
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        assert box is not None
        height = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + 8, height)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + box["width"] / 2, height, steps=4)
        self.page.mouse.move(box["x"] + box["width"] + 8, height, steps=4)
        self.page.mouse.up()

    def give(self, form: Locator, file: Path) -> None:
        place = form.get_by_text("drop a file here")
        given = {"dataTransfer": dragged(self.page, file)}
        place.dispatch_event("dragover", given)
        place.dispatch_event("drop", given)

    def turn_to(self, page: str) -> None:
        _tab(self.page, page).click()


class Keyboard:
    """Presses keys; what it wants to press, it goes to by Tab and Shift+Tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.on("filechooser", lambda chooser: None)  # from now on, since the browser has to be told to hand them over

    def open_section(self, name: str) -> Locator:
        section = _section(self.page, name)
        header = section.get_by_role("heading").first.get_by_role("button")
        self._type("Alt+Shift+M")
        expect(header).to_be_visible()
        self._type("Tab")
        for _ in range(5):
            if header.evaluate(HAS_FOCUS):
                return section
            self._type("ArrowDown")
        raise AssertionError(f"The arrow keys do not lead to {name}.")

    def press(self, button: Locator) -> None:
        self._reach(button)
        self._type("Enter")

    def write(self, field: Locator, text: str) -> None:
        self._reach(field)
        self._type("Control+A")
        self.page.keyboard.type(text)

    def choose(self, field: Locator, choice: str) -> None:
        self._reach(field)
        expect(field).to_contain_text(choice)
        choices: list[str] = field.evaluate(CHOICES)
        steps = choices.index(choice) - int(field.evaluate("it => it.selectedIndex"))
        self._type(*(["ArrowDown"] * steps), *(["ArrowUp"] * -steps))

    def raise_to_the_end(self, slider: Locator) -> None:
        self._reach(slider)
        self._type("End")

    def give(self, form: Locator, file: Path) -> None:
        self._reach(form.locator("input[type=file]"))
        with self.page.expect_file_chooser() as chooser:
            self._type("Enter")
        chooser.value.set_files(file)

    def turn_to(self, page: str) -> None:
        for _ in range(MOST_PAGES):
            if "lm-mod-current" in (_tab(self.page, page).get_attribute("class") or ""):
                return
            self._type("Control+Shift+]")
        raise AssertionError(f"No page {page} is open.")

    def _reach(self, target: Locator) -> None:
        """Go on or back by Tab, whichever the target is in the way of."""
        expect(target).to_be_enabled()
        self.page.wait_for_function(IS_IN_FRONT, arg=target.element_handle(), timeout=10_000)
        key = "Shift+Tab" if target.evaluate(IS_BEFORE_FOCUS) else "Tab"
        begun = self.page.evaluate(FOCUSED)
        for _ in range(MOST_TABS + 1):
            if target.evaluate(HAS_FOCUS):
                return
            self._type(key)
        raise AssertionError(f"{target} is not within {MOST_TABS} presses of {key} from {begun}.")

    def _type(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)


def _section(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=PANEL).get_by_role("region", name=name, exact=True)


def _tab(page: Page, name: str) -> Locator:
    return page.locator(".lm-DockPanel-tabBar").get_by_role("tab", name=name, exact=True)
