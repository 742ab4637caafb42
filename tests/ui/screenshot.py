"""Draws the pictures of the documentation, light and dark: `python tests/ui/screenshot.py ROOT FOLDER [--only NAME …]`.

ROOT is a workspace that `make demo` filled (build/demo/workspace). Its two ONNX versions are served and a training is
started for the pictures; both are ended again. What nobody has optimised, put under load or tried on traffic yet is so
first: some minutes. Its alias `production` gets a rule, and somebody asks to move it."""

from __future__ import annotations

import argparse
import contextvars
import io
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import nbformat
from PIL import Image
from playwright.sync_api import Locator, Page, expect

sys.path.insert(0, str(Path(__file__).parents[1]))
from ui.axe import PAGES, choose_theme, execute, show_page
from ui.lab import PANEL, Lab, running_browser, running_lab

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.settings import ACTING

SERVICE = "reviews"
SENTENCE = "A quiet, lovely film that stays with you."
NOTEBOOK = ("from jupyter_modeldeploy.widgets import ServicePanel\n\nServicePanel('reviews')",)
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
STEPS = "20,40,60"
USUAL_ROOT = "~/.local/share/jupyter/modeldeploy"
SIZE = {"width": 1000, "height": 1000}
SCALE = 1.5
SIDEBAR_WIDTH = 340
WIDE = {"width": 1280, "height": 860}
BELOW = 32
"""Pixels that the status bar and an edge take."""
TALLEST = 900
BETWEEN_REQUESTS_S = 0.03
TRAINED_STEPS = 4000
"""Far more than are made until all is drawn."""
WARM_UP_MS, SETTLE_MS = 12_000, 1000
COLOURS = 200

expect.set_options(timeout=60_000)
Draw = Callable[[Page, Path], None]


def main(root: Path, folder: Path, only: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with closing(Workspace(root)) as workspace, tempfile.TemporaryDirectory() as scratch, busy(workspace):
        pages = pages_of(workspace)
        with running_lab(root, Path(scratch) / "lab") as lab, running_browser() as browser:
            write_notebook(Path(scratch) / "lab" / "files")
            context = browser.new_context(viewport=SIZE, device_scale_factor=SCALE)
            page = lab.open(context.new_page(), "pictures")
            for name, draw in [*sights(pages, root).items(), ("panel", notebook_of(lab))]:
                if only and name not in only:
                    continue
                for tone, theme in THEMES.items():
                    choose_theme(page, theme)
                    page.wait_for_timeout(SETTLE_MS)  # its colours come in a file
                    page.add_style_tag(content=".Toastify { display: none }")
                    draw(page, folder / f"{name}-{tone}.png")
                    print(f"{name}-{tone}", flush=True)


@contextmanager
def busy(workspace: Workspace) -> Iterator[None]:
    """A service of the two ONNX versions with clients, and a training at work."""
    done_before = {job.kind for job in workspace.jobs.list() if job.state == "succeeded"}
    if "optimize" not in done_before:
        workspace.models.optimize("sentiment@2", dataset="sentences", minutes=3).wait()
    servable = [version.ref for version in workspace.models.versions("sentiment") if version.format == "onnx"]
    workspace.services.start(workspace.services.spec(SERVICE, servable[:2]))
    if "load" not in done_before:
        workspace.services.profile(SERVICE, concurrency="1,2,4,8,16", duration="1m").wait()
    if "service-report" not in done_before:
        workspace.services.report(SERVICE).wait()
    if not workspace.models.aliases("sentiment"):
        ask_to_move(workspace, *servable[:2])
    training = workspace.models.finetune("minilm", "sentences", "sentiment", max_steps=TRAINED_STEPS)
    done = threading.Event()

    def ask() -> None:
        while not done.wait(BETWEEN_REQUESTS_S):
            workspace.services.predict(SERVICE, {"texts": [SENTENCE]})

    clients = threading.Thread(target=ask)
    clients.start()
    try:
        if "experiment" not in done_before:
            workspace.experiments.run(SERVICE, servable[1], servable[0], steps=STEPS, hold="15s", duration="2m").wait()
        yield
    finally:
        done.set()
        clients.join()
        workspace.services.stop(SERVICE)
        workspace.services.remove(SERVICE)
        training.cancel()


def ask_to_move(workspace: Workspace, served: str, better: str) -> None:
    """An alias at one version, a rule for it, and another person's request to move it to the other."""
    workspace.models.promote(served, reason="The first that is served")
    workspace.models.set_rule("sentiment", conditions=["accuracy >= 0.7"], proof="evaluation", second_person=True)
    asking = contextvars.copy_context()
    asking.run(ACTING.set, "ben")
    asking.run(workspace.models.promote, better, reason="As right, and a quarter of the size")


def pages_of(workspace: Workspace) -> dict[str, dict[str, str]]:
    """The address of each page that is drawn."""
    last = {job.kind: job.id for job in reversed(workspace.jobs.list()) if job.state == "succeeded"}
    return {
        "model": {"page": "model", "name": "sentiment"},
        "dataset": {"page": "dataset", "name": "sentences@1"},
        "finetune": {"page": "finetune", "base": "minilm@1", "dataset": "sentences@1"},
        "job": {"page": "job", "id": last["finetune"]},
        "optimize": {"page": "optimize", "version": "sentiment@2"},
        "optimisation": {"page": "job", "id": last["optimize"]},
        "profile": {"page": "job", "id": last["profile"]},
        "load": {"page": "job", "id": last["load"]},
        "report": {"page": "job", "id": last["service-report"]},
        "comparison": {"page": "job", "id": last["compare"]},
        "experiment": {"page": "experiment", "id": last["experiment"]},
        "service": {"page": "service", "name": SERVICE},
    }


def sights(pages: dict[str, dict[str, str]], root: Path) -> dict[str, Draw]:
    """What is drawn in the main area and beside it, by the name of the picture."""

    def drawer(name: str) -> Draw:
        return lambda page, picture: draw_page(page, name, pages[name], root, picture)

    def draw_sidebar(page: Page, picture: Path) -> None:
        show_sidebar(page)
        crop(page, page.get_by_role("region", name=PANEL), picture)

    def draw_devices(page: Page, picture: Path) -> None:
        show_sidebar(page)
        section = page.get_by_role("region", name="Devices", exact=True)
        section.scroll_into_view_if_needed()
        unfold(section.get_by_role("button", name=re.compile(r"^\d+ process")).first)
        expect(section.get_by_role("table").first).to_be_visible()
        section.scroll_into_view_if_needed()
        crop(page, section, picture)

    def draw_overview(page: Page, picture: Path) -> None:
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        show_page(page, pages["service"])
        show_sidebar(page)
        predict(page.locator(f"{PAGES}:visible"))
        page.wait_for_timeout(WARM_UP_MS)  # for charts with something in them
        save(page.screenshot(), picture)
        page.set_viewport_size(SIZE)  # type: ignore[arg-type]

    def draw_aliases(page: Page, picture: Path) -> None:
        shown = show_alone(page, pages["model"])
        crop_part(page, shown.get_by_role("region", name=re.compile("^Aliases")), picture)

    def draw_routing(page: Page, picture: Path) -> None:
        shown = show_alone(page, pages["service"])
        routing = shown.get_by_role("group", name="Routing of sentiment")
        if not routing.is_visible():
            shown.get_by_text("Routing: no rules").click()
            type_rules(routing)
        crop_part(page, routing, picture)

    def draw_graph(page: Page, picture: Path) -> None:
        shown = show_alone(page, pages["profile"])
        if shown.locator("iframe").count() == 0:
            shown.get_by_role("button", name="Show the graph").click()
        graph = shown.frame_locator("iframe")
        graph.get_by_role("list", name="Nodes, the hottest first").get_by_role("button").first.click()
        expect(graph.locator("g.node.select .heat-5")).to_be_in_viewport()
        crop_part(page, shown.locator("iframe"), picture)

    in_main = {name: drawer(name) for name in pages}
    parts = {"aliases": draw_aliases, "routing": draw_routing, "graph": draw_graph}
    return {"overview": draw_overview, "sidebar": draw_sidebar, "devices": draw_devices, **in_main, **parts}


def draw_page(page: Page, name: str, address: dict[str, str], root: Path, picture: Path) -> None:
    shown = show_alone(page, address)
    if name == "service":
        predict(shown)
    expect(shown.locator("button:disabled:not(details *)")).to_have_count(0)
    if name == "finetune":
        expect(shown.get_by_label("epochs", exact=True)).to_be_visible()
    if name == "service":
        page.wait_for_timeout(WARM_UP_MS)
    page.mouse.move(2, 2)
    name_root_as_usual(page, root)
    crop(page, shown.get_by_role("article"), picture)


def show_alone(page: Page, address: dict[str, str]) -> Locator:
    """A page, with nothing beside it."""
    if page.get_by_role("region", name=PANEL).is_visible():
        execute(page, "application:toggle-left-area", {})
        expect(page.get_by_role("region", name=PANEL)).to_be_hidden()
    show_page(page, address)
    return page.locator(f"{PAGES}:visible")


def type_rules(routing: Locator) -> None:
    """Short texts to the smaller version, a region to the other, with a preview of who gets what. Nothing is saved."""
    for name, looks_at, compares, value, version in (
        ("short texts", "characters", "<=", "40", "sentiment@3"),
        ("europe", "region", "=", "eu", "sentiment@2"),
    ):
        routing.get_by_role("button", name="Add a rule to sentiment").click()
        number = routing.get_by_role("listitem", name=re.compile("^Rule")).count()
        routing.get_by_label(f"Name of rule {number}").fill(name)
        routing.get_by_label(f"What condition {number}.1 looks at").fill(looks_at)
        if compares != "=":
            routing.get_by_label(f"How condition {number}.1 compares").select_option(compares)
        routing.get_by_label(f"What condition {number}.1 compares with").fill(value)
        routing.get_by_label(f"What rule {number} gives").select_option(version)
    routing.get_by_label("Units").fill("anna, ben, carol")
    routing.get_by_label("and hold the text").fill(SENTENCE)
    expect(routing.get_by_role("row", name="anna")).to_be_visible()


def show_sidebar(page: Page) -> None:
    panel = page.get_by_role("region", name=PANEL)
    if not panel.is_visible():
        execute(page, "modeldeploy:open", {})
        expect(panel).to_be_visible()
    widen(page, SIDEBAR_WIDTH)
    unfold(page.get_by_role("button", name="sentiment", exact=True))
    bar = page.get_by_role("progressbar", name=re.compile("Fine-tune"))
    expect(bar).to_have_attribute("aria-valuetext", re.compile(r"^[1-9]\d? %.* left"), timeout=300_000)
    panel.evaluate("panel => panel.scrollTo(0, 0)")


def notebook_of(lab: Lab) -> Draw:
    def draw(page: Page, picture: Path) -> None:
        page.goto(f"{lab.url}lab/workspaces/notebook/tree/panel.ipynb")
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
        if page.get_by_role("region", name="File Browser Section").is_visible():
            execute(page, "application:toggle-left-area", {})
        panel = page.locator(".jp-ModelDeploy-panel")
        for _ in range(10):  # what is asked before the kernel's connection stands is lost
            execute(page, "notebook:run-all-cells", {})
            with suppress(AssertionError):
                expect(panel.get_by_role("article")).to_be_visible(timeout=15_000)
                break
        predict(panel)
        page.wait_for_timeout(WARM_UP_MS)
        crop(page, page.locator(".jp-NotebookPanel-notebook"), picture)

    return draw


def write_notebook(folder: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in NOTEBOOK])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "panel.ipynb")


def name_root_as_usual(page: Page, root: Path) -> None:
    """What the pictures show of paths is where a reader's own workspace is."""
    page.evaluate(
        """([root, usual]) => {
            const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (texts.nextNode()) {
                texts.currentNode.data = texts.currentNode.data.replaceAll(root, usual);
            }
        }""",
        [str(root), USUAL_ROOT],
    )


def predict(place: Locator) -> None:
    form = place.get_by_role("form", name=f"Try {SERVICE}")
    form.get_by_label("Text", exact=True).fill(SENTENCE)
    form.get_by_role("button", name="Predict").click()
    expect(form.get_by_role("status")).to_contain_text("answered by")


def unfold(button: Locator) -> None:
    if button.get_attribute("aria-expanded") == "false":
        button.click()


def widen(page: Page, x: int) -> None:
    """Drag the right edge of the panel to `x` pixels from the left."""
    handle = page.locator("#jp-main-split-panel > .lm-SplitPanel-handle:visible").first.bounding_box()
    assert handle is not None
    page.mouse.move(handle["x"] + 1, handle["y"] + 200)
    page.mouse.down()
    page.mouse.move(x, handle["y"] + 200, steps=4)
    page.mouse.up()


def crop(page: Page, what: Locator, picture: Path) -> None:
    """The part of the window that `what` takes, from its top on."""
    box = what.bounding_box()
    assert box is not None
    height = min(box["height"], TALLEST, page.viewport_size["height"] - box["y"] - BELOW)  # type: ignore[index]
    save(page.screenshot(clip={**box, "height": height}), picture)


def crop_part(page: Page, part: Locator, picture: Path) -> None:
    """A part of a page that is longer than the window."""
    part.evaluate("part => part.scrollIntoView({block: 'start'})")
    page.mouse.move(2, 2)
    crop(page, part, picture)


def save(png: bytes, picture: Path) -> None:
    """As few colours as text and lines need."""
    drawn = Image.open(io.BytesIO(png)).convert("RGB")
    few = drawn.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)  # a small dot keeps its colour
    few.save(picture, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=[], help="pictures to draw, as service")
    given = parser.parse_args()
    main(given.root.resolve(), given.folder, given.only)  # JupyterLab works in a folder of its own
