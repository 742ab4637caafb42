"""The graph of a profile in a real browser, in the sandbox that the views put it into."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Frame, Page, expect
from ui.axe import AXE, RUN

from jupyter_modeldeploy.records.graphs import GraphNode, ModelGraph
from jupyter_modeldeploy.records.profiles import Operator
from jupyter_modeldeploy.reporting.graph import GraphPage
from jupyter_modeldeploy.reporting.graph_groups import MOST

HOSTILE = "<img src=x onerror='window.stolen = 1'>"
HOT = "encoder.1/hot"
PAGE_COLOUR = "getComputedStyle(document.body).backgroundColor"


def chain(count: int) -> GraphPage:
    """As many nodes in a row, half of them in each of two layers; the last one takes half of the time."""
    names = [f"node{place}" for place in range(count - 2)]
    layers = [f"encoder.{2 * place // count}" for place in range(count)]
    nodes = [
        GraphNode(name=name, type="MatMul", layer=layer)
        for name, layer in zip([HOSTILE, *names, HOT], layers, strict=True)
    ]
    edges = [(place, place + 1, "float32[1, 8]") for place in range(count - 1)]
    shares = [*[0.5 / (count - 1)] * (count - 1), 0.5]
    operators = [
        Operator(name=node.name, type="MatMul", share=share, time_ms=10 * share, calls=1)
        for node, share in zip(nodes, shares, strict=True)
    ]
    return GraphPage(version="text@1", graph=ModelGraph(nodes=nodes, edges=edges), operators=operators)


def branching() -> GraphPage:
    """One node that gives to two, which give to the last one."""
    nodes = [GraphNode(name=name, type="Add") for name in ("in", "hot", "cold", "out")]
    edges = [(0, 1, ""), (0, 2, ""), (1, 3, ""), (2, 3, "")]
    operators = [Operator(name="hot", type="Add", share=1, time_ms=1, calls=1)]
    return GraphPage(version="text@1", graph=ModelGraph(nodes=nodes, edges=edges), operators=operators)


@pytest.fixture
def shown(browser: Browser) -> Page:
    return browser.new_context(viewport={"width": 1000, "height": 700}).new_page()


def frame_of(page: Page, graph: GraphPage) -> Frame:
    page.set_content(f"<!doctype html><title>Graph</title>{graph._repr_html_()}")
    frame = page.frames[1]
    expect(frame.locator(".canvas > svg")).to_be_visible()
    return frame


def test_the_hottest_node_is_found_in_a_graph_too_large_for_one_picture_without_any_network(shown: Page) -> None:
    asked: list[str] = []
    failed: list[str] = []
    shown.context.on("request", lambda request: asked.append(request.url))
    shown.context.on("weberror", lambda error: failed.append(str(error.error)))
    frame = frame_of(shown, chain(MOST + 100))
    inner = frame.get_by_role("button", name="encoder.1, 350 nodes")
    frame.get_by_role("button", name="encoder.0, 350 nodes").press("ArrowDown")
    expect(inner).to_be_focused()
    inner.press("Enter")
    expect(frame.locator("g.node:focus")).to_have_attribute("aria-label", re.compile("^MatMul, .*, node349$"))
    shown.keyboard.press("Escape")
    expect(inner).to_be_focused()
    frame.get_by_role("list", name="Nodes, the hottest first").get_by_role("button").first.click()
    expect(frame.get_by_role("heading", name=HOT)).to_be_focused()
    expect(frame.locator("g.node.select .heat-5")).to_be_in_viewport()
    frame.get_by_role("button", name="Graph of text@1").click()
    expect(frame.get_by_role("application").get_by_role("button")).to_have_count(2)
    frame.get_by_label("Find a node").fill("onerror")
    frame.get_by_role("button", name="MatMul").first.click()
    expect(frame.get_by_role("heading", name=HOSTILE)).to_be_visible()
    assert frame.evaluate("[window.origin, window.stolen]") == ["null", None]
    assert frame.evaluate("fetch('http://127.0.0.1:9/').then(() => 'answered', () => 'refused')") == "refused"
    assert (asked, failed) == ([], [])


def test_it_is_walked_and_zoomed_by_keys_and_everybody_can_read_it(shown: Page) -> None:
    frame = frame_of(shown, branching())
    drawn, stop = frame.locator(".canvas > svg"), frame.locator("g.node[tabindex='0']")
    frame.get_by_role("button", name="All of it").press("Tab")
    for key, name in [
        ("Home", "in"),
        ("ArrowRight", "in"),
        ("ArrowDown", "hot"),
        ("ArrowLeft", "cold"),
        ("End", "out"),
        ("ArrowUp", ""),
    ]:
        shown.keyboard.press(key)
        expect(stop).to_be_focused()
        expect(stop).to_have_attribute("aria-label", re.compile(f"{name}$"))
    shown.keyboard.press("Enter")
    expect(frame.get_by_role("heading", name=re.compile("hot|cold"))).to_be_focused()
    shown.keyboard.press("Shift+Tab")
    expect(stop).to_be_focused()
    expect(stop).to_have_attribute("aria-current", "true")
    before, small = drawn.bounding_box(), drawn.get_attribute("style")
    assert small is not None
    shown.keyboard.press("+")
    expect(drawn).not_to_have_attribute("style", small)
    after = drawn.bounding_box()
    assert before is not None
    assert after is not None
    assert after["height"] == pytest.approx(1.25 * before["height"], rel=0.01)
    frame.evaluate(AXE.read_text("utf-8"))
    pages = set()
    for scheme in ("light", "dark"):
        shown.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert frame.evaluate(RUN, "body") == []
        pages.add(frame.evaluate(PAGE_COLOUR))
    assert len(pages) == 2
    for scheme, is_light in (("light", "false"), ("dark", "true")):  # JupyterLab's theme, whatever the system wishes
        shown.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        shown.evaluate("light => { document.body.dataset.jpThemeLight = light; }", is_light)
        themed = "light" if is_light == "true" else "dark"
        assert themed != scheme
        expect(shown.frame_locator("iframe").locator(f"meta[name=color-scheme][content={themed}]")).to_be_attached()
        expect(shown.frame_locator("iframe").locator(".canvas > svg")).to_be_visible()
