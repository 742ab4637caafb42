"""The same four fine-tunings from the command line, from Python and from the form in JupyterLab, in one workspace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digit_images import digit_folder, digit_photos, untrained_resnet, untrained_yolo
from playwright.sync_api import Page
from tiny_causal import make_causal, passages
from ui.lab import running_browser, running_lab

from jupyter_modeldeploy import Workspace, demo
from training_bench.images import HELD_OUT, PHOTOS, SIDE, YOLO

HOUR_S = 3600.0
POLL_S = 2.0


@dataclass(frozen=True)
class Task:
    """`reached(metrics, baseline)` says whether the fine-tuning came to what it has to."""

    base: str
    dataset: str
    metric: str
    wanted: str
    reached: Callable[[float, float], bool]
    options: dict[str, Any] = field(default_factory=dict)


TASKS = {
    "minilm": Task("minilm", "sentences", "accuracy", ">= 0.845", lambda after, before: after >= 0.845),
    "digits": Task("resnet", "digits", "accuracy", ">= 0.97", lambda after, before: after >= 0.97),
    "yolo": Task("yolo", "photos", "map50", "+0.2", lambda after, before: after - before >= 0.2, YOLO),
    "lora": Task(
        "llama",
        "passages",
        "perplexity",
        "-20 %",
        lambda after, before: after <= 0.8 * before,
        {"epochs": 6, "context_length": 32, "learning_rate": 0.005},
    ),
}


def doors(names: list[str], ways: list[str]) -> dict[str, dict[str, float]]:
    """The metric of each task by each door: `{"minilm": {"cli": 0.86, …}, …}`."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch, closing(Workspace(Path(scratch) / "root")) as workspace:
        _prepare(workspace, Path(scratch), names)
        for way in ways:
            with DOORS[way](workspace, Path(scratch)) as finetune:
                for name in names:
                    task = TASKS[name]
                    finetune(task, f"{name}-{way}")
                    metrics = workspace.store.versions.get(f"{name}-{way}").metrics
                    after, before = metrics[task.metric], metrics[f"{task.metric}_before"]
                    verdict = "met" if task.reached(after, before) else "NOT MET"
                    print(f"{name:8}{way:8}{task.metric:12}{before:10.3f}{after:10.3f}  {task.wanted} {verdict}")
                    found.setdefault(name, {})[way] = after
    return found


def _prepare(workspace: Workspace, folder: Path, names: list[str]) -> None:
    stories = folder / "passages.jsonl"
    sides = {"train": passages(120), "test": passages(30, seed=1)}
    rows = [{"text": text, "split": side} for side, texts in sides.items() for text in texts]
    stories.write_text("\n".join(map(json.dumps, rows)))
    made: dict[str, Callable[[], tuple[str, Path, dict[str, str]]]] = {
        "minilm": lambda: (
            demo.MODEL,
            demo.write_sentences(workspace, folder / "sentences.csv"),
            {"text_column": "text", "label_column": "label"},
        ),
        "digits": lambda: (f"file:{untrained_resnet(folder / 'resnet')}", digit_folder(folder / "digits"), {}),
        "yolo": lambda: (
            f"file:{untrained_yolo(folder / 'yolo')}",
            digit_photos(folder / "photos", PHOTOS, HELD_OUT, SIDE),
            {},
        ),
        "lora": lambda: (f"file:{make_causal(folder / 'llama')}", stories, {"task": "text-generation"}),
    }
    for name in names:
        base, data, columns = made[name]()
        workspace.models.fetch(base, name=TASKS[name].base).wait()
        workspace.datasets.add(f"file:{data.resolve()}", TASKS[name].dataset, **columns).wait()


Finetune = Callable[[Task, str], None]


@contextmanager
def _by_command(workspace: Workspace, folder: Path) -> Iterator[Finetune]:
    def finetune(task: Task, name: str) -> None:
        told = [
            word for option, value in task.options.items() for word in (f"--{option.replace('_', '-')}", f"{value}")
        ]
        command = ["finetune", f"{task.base}@1", "--dataset", f"{task.dataset}@1", "--name", name, *told]
        environment = {**os.environ, "JUPYTER_MODELDEPLOY_ROOT": str(workspace.store.root)}
        ended = subprocess.run(
            [sys.executable, "-m", "jupyter_modeldeploy.cli", *command], env=environment, capture_output=True, text=True
        )
        if ended.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}")

    yield finetune


@contextmanager
def _by_python(workspace: Workspace, folder: Path) -> Iterator[Finetune]:
    def finetune(task: Task, name: str) -> None:
        workspace.models.finetune(f"{task.base}@1", f"{task.dataset}@1", name, **task.options).wait(timeout_s=HOUR_S)

    yield finetune


@contextmanager
def _by_form(workspace: Workspace, folder: Path) -> Iterator[Finetune]:
    with running_lab(workspace.store.root, folder / "lab") as lab, running_browser() as browser:

        def finetune(task: Task, name: str) -> None:
            before = {job.id for job in workspace.jobs.list()}
            context = browser.new_context(viewport={"width": 1100, "height": 900})
            _fill(lab.open(context.new_page(), name), task, name)
            while not (started := [job for job in workspace.jobs.list() if job.id not in before]):
                time.sleep(POLL_S)
            context.close()  # the job goes on
            workspace.jobs.get(started[0].id).wait(timeout_s=HOUR_S)

        yield finetune


def _fill(page: Page, task: Task, name: str) -> None:
    page.get_by_role("button", name=task.base, exact=True).click()
    page.get_by_role("button", name=f"Fine-tune {task.base}@1", exact=True).click()
    form = page.get_by_role("form", name=f"Fine-tune {task.base}@1")
    form.get_by_label("Dataset").select_option(f"{task.dataset}@1")
    form.get_by_label("Name").fill(name)
    form.get_by_text("More").click()
    for option, value in task.options.items():
        box = form.get_by_label(option.replace("_", " "), exact=True)
        if box.evaluate("element => element.tagName") == "SELECT":
            box.select_option(str(value))
        else:
            box.fill(str(value))
    form.get_by_role("button", name="Fine-tune", exact=True).click()
    form.wait_for(state="detached")


DOORS = {"cli": _by_command, "python": _by_python, "form": _by_form}
