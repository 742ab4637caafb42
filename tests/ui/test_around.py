"""What stands around the lists and pages: devices, filters, menus, the status bar, notifications, settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_bert
from playwright.sync_api import Page, expect

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.workspace import JobHandle


@pytest.fixture
def training(workspace: Workspace, folder: Path) -> Iterator[JobHandle]:
    """A fine-tuning that would take far longer than the test."""
    rows = [f"{text},{tiny_bert.CLASSES[label]}" for text, label in tiny_bert.rows(120)]
    table = folder / "reviews.csv"
    table.write_text("\n".join(["text,label", *rows]))
    workspace.datasets.add(f"file:{table}", "reviews", "text", "label").wait(timeout_s=60)
    encoder = tiny_bert.make_encoder(folder / "encoder")
    base = workspace.models.fetch(f"file:{encoder}", "encoder").version(timeout_s=60)
    job = workspace.models.finetune(base.ref, "reviews", "tuned", max_steps=1_000_000, batch_size=8)
    yield job
    if not job.job.state.ended:
        job.cancel()


def test_the_devices_show_their_use_and_who_works_on_them(page: Page, training: JobHandle) -> None:
    cpu = page.get_by_role("list", name="Devices").get_by_role("listitem", name="cpu", exact=True)
    expect(cpu).to_contain_text(re.compile(r"\d+ % in use"))
    expect(cpu.get_by_role("meter", name="Memory of cpu")).to_be_visible()
    expect(cpu).to_contain_text(f"Held by {training.job.title}")
    expect(cpu.get_by_role("img", name=re.compile("Use of cpu of late"))).to_be_visible()
    cpu.get_by_role("button", name=re.compile(r"\d+ process")).click()
    expect(cpu.get_by_role("table", name="Processes on cpu").get_by_role("rowheader").first).to_contain_text(
        training.job.title
    )


def test_a_hidden_panel_reads_no_devices(page: Page) -> None:
    expect(page.get_by_role("list", name="Devices")).to_contain_text("in use")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/devices" in request.url else None)
    page.get_by_role("tab", name="File Browser").click()
    before = len(asked)
    page.get_by_role("tab", name="Models, jobs and services").click()
    page.wait_for_event("request", lambda request: "/api/devices" in request.url)
    assert len(asked) <= before + 1


def test_a_filter_keeps_what_has_all_words(page: Page, workspace: Workspace, classifier: Path, sentiment: str) -> None:
    workspace.models.fetch(f"file:{classifier}", "other").wait(timeout_s=60)
    models = page.get_by_role("region", name="Models", exact=True)
    expect(models.get_by_role("button", name="other", exact=True)).to_be_visible()
    models.get_by_role("button", name="Filter: Models").press("Enter")
    words = models.get_by_role("searchbox")
    expect(words).to_be_focused()
    words.fill("class SENT")
    expect(models.get_by_role("button", name="other", exact=True)).to_have_count(0)
    expect(models.get_by_role("button", name="sentiment", exact=True)).to_be_visible()
    expect(models.get_by_role("heading")).to_contain_text(re.compile(r"1 of \d"))
    words.fill("nothing has this")
    expect(models.get_by_role("status")).to_have_text("Nothing of that kind.")
    words.press("Escape")
    expect(models.get_by_role("button", name="other", exact=True)).to_be_visible()
