"""Fine-tuning from the sidebar: one form for every task, curves while it trains, and how good what came out is."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import tiny_bert
from labelled_data import image_folder
from playwright.sync_api import Locator, Page, expect
from ui.notebooks import COMPUTED_MS

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import Job, JobState
from jupyter_modeldeploy.records.sweeps import SweepResult, Trial, TrialState

TITLE = "Fine-tune encoder@1 on reviews@1 as tuned"


@pytest.fixture(scope="module")
def encoder(workspace: Workspace, folder: Path) -> str:
    """The reference of a base for texts."""
    files = tiny_bert.make_encoder(folder / "encoder")
    return workspace.models.fetch(f"file:{files}", "encoder").version(timeout_s=60).ref


@pytest.fixture(scope="module")
def reviews(workspace: Workspace, folder: Path) -> str:
    """The reference of sentences of two classes, some of them for validation."""
    sides = ["train"] * 80 + ["validation"] * 20 + ["test"] * 40
    rows = [f"{text},{tiny_bert.CLASSES[label]},{sides[row]}" for row, (text, label) in enumerate(tiny_bert.rows(140))]
    table = folder / "reviews.csv"
    table.write_text("\n".join(["text,label,split", *rows]))
    workspace.datasets.add(f"file:{table}", "reviews", "text", "label").wait(timeout_s=60)
    return "reviews@1"


def open_form(page: Page, base: str) -> Locator:
    page.get_by_role("button", name=base.partition("@")[0], exact=True).click()
    page.get_by_role("button", name=f"Fine-tune {base}", exact=True).click()
    return page.get_by_role("form", name=f"Fine-tune {base}")


def test_a_version_is_fine_tuned_from_its_form_with_curves_and_shows_how_good_it_is(
    page: Page, workspace: Workspace, encoder: str, reviews: str
) -> None:
    form = open_form(page, encoder)
    form.get_by_label("Dataset").select_option(reviews)
    expect(form.get_by_label("learning rate", exact=True)).to_have_attribute("placeholder", "0.0001")
    form.get_by_label("Name").fill("tuned")
    form.get_by_label("batch size", exact=True).fill("8")
    form.get_by_text("More").click()
    form.get_by_label("max steps", exact=True).fill("40")
    form.get_by_label("evaluate every", exact=True).fill("20")
    form.get_by_label("sample predictions", exact=True).fill("3")
    form.get_by_label("precision", exact=True).select_option("fp32")
    form.get_by_label("tensorboard").check()
    form.get_by_role("button", name="Fine-tune").click()
    expect(form).to_have_count(0)

    job = page.get_by_role("list", name="Jobs", exact=True).get_by_role("listitem", name=TITLE)
    job.get_by_role("button", name=f"Show the curves of {TITLE}").click()
    loss = job.get_by_role("slider", name="Loss")
    at_its_end = re.compile(r"^step 40, training \S+, validation \S+$")
    expect(loss).to_have_attribute("aria-valuetext", at_its_end, timeout=COMPUTED_MS)
    loss.press("ArrowLeft")
    expect(loss).to_have_attribute("aria-valuetext", re.compile("^step 30, "))
    for measured in ("Accuracy", "Learning rate", "Rows per second", "Memory", "Device use"):
        expect(job.get_by_role("slider", name=measured)).to_be_visible()
    expect(job).to_contain_text("Estimated memory before the start")
    expect(job.get_by_role("row")).to_have_count(1 + 3)
    job.get_by_label("At evaluation").fill("0")
    expect(job).to_contain_text("Answers to held-out rows at step 20")
    expect(job).to_contain_text("succeeded")

    page.reload()
    job.get_by_role("button", name=f"Show the curves of {TITLE}").click()
    expect(loss).to_have_attribute("aria-valuetext", re.compile("^step 40, "))

    page.get_by_role("button", name="tuned", exact=True).click()
    page.get_by_role("button", name="Show what is known of tuned@1").click()
    expect(page.get_by_role("table", name="held-out rows of reviews@1")).to_contain_text("accuracy")
    expect(page.get_by_role("table", name="Each class")).to_contain_text("positive")
    expect(page.get_by_role("table", name="Confusion")).to_contain_text("positive")
    expect(page.get_by_role("img", name="Calibration")).to_be_visible()
    expect(page.get_by_role("region", name="Model card of tuned@1")).to_contain_text("encoder@1 fine-tuned")
    options = workspace.jobs.list()[0].parameters["options"]
    assert (options["max_steps"], options["batch_size"], options["log_to"]) == (40, 8, ["tensorboard"])

    page.get_by_role("button", name="Insert training of tuned@1 into notebook").click()
    expect(page.get_by_role("alert").filter(has_text="No notebook is in front")).to_be_visible()


def test_curves_that_were_cut_off_catch_up_and_long_ones_are_thinned(page: Page, workspace: Workspace) -> None:
    now = datetime.now(UTC)
    known: dict[str, Any] = {"title": "A long training", "kind": "finetune", "parameters": {}, "owner": "me"}
    times = {"created_at": now, "queued_at": now, "ended_at": now}
    workspace.store.jobs.add(Job(id="0123456789ab", state=JobState.cancelled, **known, **times))
    workspace.store.jobs.add_metrics("0123456789ab", [("loss", step, 1 / step) for step in range(1, 2001)])
    page.get_by_role("button", name="Show the curves of A long training").click()
    loss = page.get_by_role("slider", name="Loss")
    expect(loss).to_have_attribute("aria-valuetext", "step 2,000, training 5.0e-4")
    loss.press("ArrowLeft")
    expect(loss).to_have_attribute("aria-valuetext", re.compile("^step 1,995, "))

    page.route("**/modeldeploy/api/**", lambda route: route.abort())
    workspace.store.jobs.add_metrics("0123456789ab", [("loss", 2001, 0.25)])
    expect(page.get_by_role("status").filter(has_text="Disconnected")).to_be_visible()
    page.unroute("**/modeldeploy/api/**")
    loss.press("End")
    expect(loss).to_have_attribute("aria-valuetext", "step 2,001, training 0.25")


def test_what_cannot_be_taken_is_said_beside_its_field(page: Page, encoder: str, reviews: str) -> None:
    form = open_form(page, encoder)
    form.get_by_role("button", name="Fine-tune").click()
    expect(form.get_by_label("Dataset")).to_be_focused()
    form.get_by_label("Dataset").select_option(reviews)
    form.get_by_label("Name").fill("tuned")
    form.get_by_label("batch size", exact=True).fill("5000")
    expect(form.get_by_role("alert").filter(has_text="at most 4,096")).to_be_visible()
    form.get_by_role("button", name="Fine-tune").click()
    expect(form.get_by_label("batch size", exact=True)).to_be_focused()
    form.get_by_label("batch size", exact=True).fill("10")
    form.get_by_text("More").click()
    form.get_by_label("gradient accumulation", exact=True).fill("3")
    form.get_by_role("button", name="Fine-tune").click()
    expect(form.get_by_role("alert").filter(has_text="cannot be computed in 3 equal parts")).to_be_visible()
    expect(form.get_by_label("gradient accumulation", exact=True)).to_have_attribute("aria-invalid", "true")


def test_the_form_asks_for_what_matters_to_the_datasets_task(
    page: Page, workspace: Workspace, encoder: str, folder: Path
) -> None:
    stories = folder / "stories.jsonl"
    stories.write_text("\n".join(f'{{"text": "a story of number {number}"}}' for number in range(12)))
    added = [
        workspace.datasets.add(f"file:{stories}", "stories", task="text-generation"),
        workspace.datasets.add(f"file:{image_folder(folder / 'leaves')}", "leaves", task="image-classification"),
    ]
    for job in added:
        job.wait(timeout_s=60)
    form = open_form(page, encoder)
    form.get_by_text("More").click()
    shown = {
        "stories@1": (["context length", "lora rank"], ["max length", "image size", "class weights"]),
        "leaves@1": (["image size", "augmentation", "class weights"], ["max length", "context length", "lora rank"]),
    }
    for dataset, (there, missing) in shown.items():
        form.get_by_label("Dataset").select_option(dataset)
        for option in there:
            expect(form.get_by_label(option, exact=True)).to_be_visible()
        for option in missing:
            expect(form.get_by_label(option, exact=True)).to_have_count(0)
    expect(form.get_by_label("augmentation", exact=True)).to_contain_text("light")
    form.get_by_label("method", exact=True).select_option("lora")
    expect(form.get_by_label("lora rank", exact=True)).to_have_attribute("placeholder", "8")
    expect(form.get_by_label("learning rate", exact=True)).to_have_attribute("placeholder", "0.001")

    page.get_by_role("list", name="Datasets", exact=True).get_by_role("button", name="stories", exact=True).click()
    page.get_by_role("button", name="Fine-tune a model on it").click()
    on_stories = page.get_by_role("form", name="Fine-tune on stories@1")
    others = on_stories.get_by_label("Base", exact=True).locator("optgroup")
    expect(others).to_have_attribute("label", "made for other tasks")
    expect(others).to_contain_text(encoder)


def test_a_sweep_is_one_job_with_its_trials(page: Page, workspace: Workspace) -> None:
    at = datetime.now(UTC)  # the newest, since of those that have ended the last few are shown
    ended: dict[str, Any] = {"state": "succeeded", "owner": "me", "created_at": at, "queued_at": at, "ended_at": at}
    trials = [
        Trial(number=1, job=f"{1:012x}", options={"batch_size": 8}, state=TrialState.done, value=0.75, seconds=12),
        Trial(number=2, job=f"{2:012x}", options={"batch_size": 16}, state=TrialState.pruned, value=0.5, seconds=4),
        Trial(number=3, job=f"{3:012x}", options={"batch_size": 32}, state=TrialState.done, value=0.875, seconds=9),
    ]
    found = SweepResult(
        search="grid", metric="accuracy", direction="maximize", planned=3, trials=trials, best=3, version="swept@1"
    )
    result = found.model_dump(mode="json")
    workspace.store.jobs.add(Job(id="0" * 12, kind="sweep", title="A sweep", parameters={}, result=result, **ended))
    for trial in trials:
        title = f"Trial {trial.number}: batch_size {trial.options['batch_size']}"
        workspace.store.jobs.add(Job(id=trial.job, parent="0" * 12, kind="trial", title=title, parameters={}, **ended))

    jobs = page.get_by_role("list", name="Jobs", exact=True)
    sweep = jobs.get_by_role("listitem", name="A sweep")
    expect(sweep).to_be_visible()
    expect(jobs.get_by_role("listitem", name="Trial 1: batch_size 8")).to_have_count(0)
    sweep.get_by_role("button", name="Show the trials of A sweep").click()

    table = sweep.get_by_role("table", name="3 of 3 trials, by accuracy on validation rows")
    expect(table.get_by_role("row")).to_have_count(1 + 3)
    shown = [row.inner_text().split("\t") for row in table.get_by_role("row").all()[1:]]
    assert shown == [
        ["3 (best)", "32", "0.875", "done", "9"],
        ["1", "8", "0.75", "done", "12"],
        ["2", "16", "0.5", "pruned", "4"],
    ]
    expect(sweep).to_contain_text("swept@1 was made from trial 3.")
    parts = sweep.get_by_role("list", name="Jobs of A sweep").get_by_role("listitem")
    expect(parts).to_have_count(3)
    expect(parts.first).to_contain_text("Trial 1: batch_size 8")
