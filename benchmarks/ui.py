"""What the extension costs JupyterLab, how quickly its sidebar answers, and what axe-core finds wrong in it,
in a real JupyterLab and Chromium.

    python benchmarks/ui.py [--only start paint size open scroll idle step axe] [--rounds 7]

JupyterLab with the extension and without it start in turns, in each round another one first, each with settings of its
own and a browser whose cache is empty. Prints tables and writes `benchmarks/results/ui.json`; a part that was not asked
for keeps the figures that it had. docs/benchmarks.md says how to read them."""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import Browser, Page

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests" / "ui"), str(HERE.parent / "tests")]

import tiny_onnx  # noqa: E402
from lab import PANEL, Lab, running_browser, running_lab  # noqa: E402

import jupyter_modeldeploy  # noqa: E402
from jupyter_modeldeploy import Workspace, devices, torchvision_ops  # noqa: E402
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Step  # noqa: E402

OUT = HERE / "results" / "ui.json"
PACKAGE = Path(jupyter_modeldeploy.__file__).parent
EXTENSION, WIDGETS = PACKAGE / "labextension" / "static", PACKAGE / "widgets" / "static"
MANY, VERY_MANY = 1_000, 10_000
IDLE_S, SCROLL_S, SETTLE_S = 60.0, 3.0, 2.0
IDLE = ((f"{MANY:,} models", MANY, "Models"), ("the devices", 3, "Devices"))
CHANGES = 30
PAINTS = 80
Found = dict[str, Any]


def start(browser: Browser, rounds: int) -> Found:
    """Seconds until JupyterLab answers, with the extension and without."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number in range(rounds):
        for extended in _turns(number):
            with tempfile.TemporaryDirectory() as scratch:
                begun = time.perf_counter()
                with running_lab(Path(scratch) / "root", Path(scratch) / "lab", extended=extended):
                    seconds[extended].append(time.perf_counter() - begun)
    ratio = statistics.median(with_it / without for with_it, without in zip(*seconds.values(), strict=True))
    print(f"\nJupyterLab starts in {_middle(seconds[False]):.2f} s, with the extension in {ratio:.3f} times that")
    return {"lab_start_ratio": ratio, "start_s": _named(seconds)}


def paint(browser: Browser, rounds: int) -> Found:
    """Milliseconds to the first paint in a browser whose cache is empty, with the extension and without, one right
    after the other: a machine that is slower for a while slows both. Such differences differ by more than what is
    looked for, so it takes many; what they say together is Hodges and Lehmann's estimate, "Estimates of Location Based
    on Rank Tests", Annals of Mathematical Statistics 34 (1963), with its interval by resampling."""
    paints: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as scratch, _both_labs(Path(scratch)) as labs:
        for number in range(PAINTS):
            for extended in _turns(number):
                paints[extended].append(_first_paint(browser, labs[extended]))
    differences = np.subtract(paints[True], paints[False])
    rows = np.random.default_rng(0).integers(PAINTS, size=(1000, PAINTS))
    added, (low, high) = (
        _middle_of_pairs(differences),
        np.quantile([_middle_of_pairs(differences[each]) for each in rows], [0.025, 0.975]),
    )
    told = f"with the extension {added:+.0f} ms ({low:+.0f} to {high:+.0f})"
    print(f"\nJupyterLab paints after {_middle(paints[False]):.0f} ms, {told}")
    return {
        "first_paint_added_ms": added,
        "first_paint_added_interval_ms": [float(low), float(high)],
        "first_paint_ms": _named(paints),
    }


def size(browser: Browser, rounds: int) -> Found:
    """kB of what a browser loads of the extension in all, and of the notebook panels, compressed as servers do."""
    sizes = {"labextension": _gzipped_kb(EXTENSION), "widget": _gzipped_kb(WIDGETS)}
    print("\n" + ", ".join(f"{name} {kb:.0f} kB gzipped" for name, kb in sizes.items()))
    return {f"{name}_gzip_kb": kb for name, kb in sizes.items()}


def open_sidebar(browser: Browser, rounds: int) -> Found:
    """Milliseconds from the click on the sidebar's tab until its models can be seen, of 1,000."""
    with _lab_with(MANY) as lab:
        times = [_time_to_open(browser, lab) for _ in range(rounds)]
    print(f"\nThe sidebar with {MANY:,} models opens in {_middle(times):.0f} ms ({min(times):.0f} to {max(times):.0f})")
    return {f"sidebar_open_ms_{MANY}_models": _middle(times), "sidebar_open_ms": times}


def scroll(browser: Browser, rounds: int) -> Found:
    """Milliseconds between frames while a list of 10,000 models is scrolled through."""
    with _lab_with(VERY_MANY) as lab, _page(browser) as page:
        lab.open(page, "scroll")
        _models_shown(page, VERY_MANY)
        frames = page.evaluate(SCROLL, 1000 * SCROLL_S)
    worst = statistics.quantiles(frames, n=20)[-1]
    print(f"\n{VERY_MANY:,} models scroll at {_middle(frames):.0f} ms a frame, 95 % within {worst:.0f} ms")
    return {"scroll_frame_ms": _middle(frames), "scroll_frame_p95_ms": worst, "scrolled_models": VERY_MANY}


def idle(browser: Browser, rounds: int) -> Found:
    """The share of one core that the server takes while the sidebar is open and nothing happens: with many models, and
    with the devices in sight, which are read every other second. JupyterLab's own part is in it."""
    shares = {name: _idle_share(browser, models, region) for name, models, region in IDLE}
    told = ", ".join(f"{share:.2%} of a core with {name} in sight" for name, share in shares.items())
    print(f"\nAn open, idle sidebar costs the server {told}")
    return {"idle_server_cpu_share": max(shares.values()), "idle_shares": shares}


def step(browser: Browser, rounds: int) -> Found:
    """Milliseconds from a click in one browser until another one has drawn what it did."""
    with _lab_with_a_suspect() as lab, _page(browser) as one, _page(browser) as other:
        one.goto(f"{lab.url}lab/workspaces/one?token={lab.token}&modeldeploy=model%2Fsuspect")
        lab.open(other, "other").get_by_role("button", name="suspect", exact=True).click()
        delays = [_time_to_step(one, other, bool(number % 2)) for number in range(CHANGES)]
    worst = max(delays)
    print(f"\nAnother browser is in step after {_middle(delays):.0f} ms, at worst after {worst:.0f} ms")
    return {"in_step_ms": _middle(delays), "in_step_worst_ms": worst, "in_step_changes": len(delays)}


def violations(browser: Browser, rounds: int) -> Found:
    """How much axe-core finds wrong in the sidebar, on every page and in every panel, in every theme."""
    torchvision_ops.prepare()  # before transformers comes in
    from ui_bench.accessibility import look_everywhere

    found = look_everywhere(browser)
    wrong = {place: violations for place, violations in found.items() if violations}
    count = sum(_places(violations) for violations in wrong.values())
    print(f"\naxe-core finds {count} wrong in {len(found)} looks", *wrong.items(), sep="\n")
    return {"axe_violations": count, "axe": {place: _places(violations) for place, violations in wrong.items()}}


PARTS: dict[str, Callable[[Browser, int], Found]] = {
    "start": start,
    "paint": paint,
    "size": size,
    "open": open_sidebar,
    "scroll": scroll,
    "idle": idle,
    "step": step,
    "axe": violations,
}
OPENED = """count => new Promise(resolve => {
  let begun = null;
  document.addEventListener('pointerdown', () => { begun ??= performance.now(); }, { capture: true, once: true });
  const look = () => {
    const section = document.querySelector('.jp-ModelDeploy section');
    if (begun !== null && section?.textContent.includes(count) && section.querySelector('li')) {
      requestAnimationFrame(() => resolve(performance.now() - begun));
    } else {
      requestAnimationFrame(look);
    }
  };
  look();
})"""
IN_STEP = """state => new Promise(resolve => {
  const look = () => {
    if (document.querySelector(`.jp-ModelDeploy [data-safety=${state}]`)) {
      resolve(Date.now());
    } else {
      requestAnimationFrame(look);
    }
  };
  look();
})"""
SCROLL = """most => new Promise(resolve => {
  let box = document.querySelector('.jp-ModelDeploy section li');
  while (box && !(box.scrollHeight > box.clientHeight + 1 && getComputedStyle(box).overflowY !== 'visible')) {
    box = box.parentElement;
  }
  const frames = [];
  const begun = performance.now();
  let last = begun;
  const step = now => {
    frames.push(now - last);
    last = now;
    box.scrollTop += 120;
    if (now - begun < most) { requestAnimationFrame(step); } else { resolve(frames.slice(1)); }
  };
  requestAnimationFrame(step);
})"""


def _idle_share(browser: Browser, models: int, region: str) -> float:
    with _lab_with(models) as lab, _page(browser) as page:
        lab.open(page, "idle")
        page.get_by_role("region", name=region, exact=True).scroll_into_view_if_needed()
        _models_shown(page, models)
        time.sleep(SETTLE_S)
        server = psutil.Process(lab.pid)
        before, begun = server.cpu_times(), time.monotonic()
        time.sleep(IDLE_S)
        after, elapsed = server.cpu_times(), time.monotonic() - begun
    return (after.user + after.system - before.user - before.system) / elapsed


def _time_to_step(one: Page, other: Page, trusted: bool) -> float:
    """Lets the one trust the version, or no longer where it is `trusted`."""
    wanted = "quarantined" if trusted else "trusted"
    other.evaluate(f"void (window.inStep = ({IN_STEP})('{wanted}'))")
    if not trusted:
        one.get_by_role("textbox", name="say why you trust it").fill("It is ours.")
    name = "Put into quarantine again" if trusted else "Trust it"
    button = one.get_by_role("button", name=name, exact=True)
    begun = button.evaluate("button => { const now = Date.now(); button.click(); return now; }")
    return float(other.evaluate("window.inStep")) - float(begun)


def _time_to_open(browser: Browser, lab: Lab) -> float:
    with _page(browser) as page:
        page.goto(f"{lab.url}lab/workspaces/closed?token={lab.token}&reset")
        tab = page.get_by_role("tab", name=PANEL)
        tab.wait_for()
        page.wait_for_timeout(1000 * SETTLE_S)
        page.evaluate(f"void (window.opened = ({OPENED})('{MANY}'))")
        tab.click()
        return float(page.evaluate("window.opened"))


def _turns(number: int) -> tuple[bool, bool]:
    """Whether first without the extension, which changes from round to round."""
    return (True, False) if number % 2 else (False, True)


@contextmanager
def _both_labs(scratch: Path) -> Iterator[dict[bool, Lab]]:
    """JupyterLab with the extension and without."""
    with (
        running_lab(scratch / "root", scratch / "with") as extended,
        running_lab(scratch / "root", scratch / "without", extended=False) as bare,
    ):
        yield {True: extended, False: bare}


def _middle_of_pairs(values: np.ndarray) -> float:
    """The median of the means of all pairs."""
    one, other = np.triu_indices(len(values))
    return float(np.median((values[one] + values[other]) / 2))


def _first_paint(browser: Browser, lab: Lab) -> float:
    with _page(browser) as page:
        page.goto(f"{lab.url}lab?token={lab.token}")
        page.locator(".jp-Launcher").wait_for()
        return float(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))


def _models_shown(page: Page, count: int) -> None:
    page.get_by_role("region", name="Models").get_by_text(str(count)).first.wait_for()


@contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    """A window with a cache of its own, empty."""
    with closing(browser.new_context(viewport={"width": 1100, "height": 900})) as context:
        yield context.new_page()


@contextmanager
def _lab_with(models: int) -> Iterator[Lab]:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "root"
        with closing(Workspace(root)) as workspace:
            _fill(workspace, models, Path(scratch) / "files")
        with running_lab(root, Path(scratch) / "lab") as lab:
            yield lab


@contextmanager
def _lab_with_a_suspect() -> Iterator[Lab]:
    """JupyterLab with one model, in whose files something unsafe is found."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = tiny_onnx.classifier(Path(scratch) / "suspect")
        (folder / "suspect.pkl").write_bytes(b"cposix\nsystem\n(Vtrue\ntR.")
        with closing(Workspace(Path(scratch) / "root")) as workspace:
            workspace.models.fetch(f"file:{folder}", "suspect").wait(timeout_s=60)
        with running_lab(Path(scratch) / "root", Path(scratch) / "lab") as lab:
            yield lab


def _fill(workspace: Workspace, models: int, folder: Path) -> None:
    """As many models of one version, whose file is theirs alone."""
    print(f"making {models:,} models", flush=True)
    for number in range(models):
        folder.mkdir(exist_ok=True)
        (folder / "model.onnx").write_text(str(number))
        new = NewVersion(
            model=f"model-{number:05}",
            format=Format.onnx,
            task="tensor",
            lineage=Lineage(step=Step.fetched, source="file:models"),
        )
        workspace.store.versions.add(new, folder)


def _places(violations: list[Found]) -> int:
    """In how many elements something is wrong."""
    return sum(len(one["nodes"]) for one in violations)


def _gzipped_kb(folder: Path) -> float:
    files = [path for path in folder.rglob("*") if path.suffix in (".js", ".css")]
    return sum(len(gzip.compress(path.read_bytes(), 6)) for path in files) / 1000


def _middle(values: list[float]) -> float:
    return float(statistics.median(values))


def _named(found: dict[bool, list[float]]) -> dict[str, list[float]]:
    return {"with": found[True], "without": found[False]}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what the extension costs JupyterLab.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each")
    arguments = parser.parse_args()
    found: Found = json.loads(OUT.read_text()) if OUT.exists() else {}
    with running_browser() as browser:
        for part in arguments.only:
            found |= PARTS[part](browser, arguments.rounds)
            found["machine"] = devices.machine()
            OUT.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
