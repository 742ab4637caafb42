"""A search for a better form of a version from the sidebar: a small form, and what was found as a table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import Format, Interval, Job
from jupyter_modeldeploy.records.optimizations import Accuracy, Candidate, Optimization


@pytest.fixture
def searched(workspace: Workspace, sentiment: str) -> str:
    """The title of a search that has ended, with a point of the front that is no version yet."""
    lost = Interval(value=-0.005, low=-0.02, high=0.01)
    judged = Accuracy(
        rows=100,
        batch=1,
        metric="accuracy",
        value=Interval(value=0.9, low=0.8, high=0.95),
        difference=lost,
        method="paired",
        agreement=0.99,
        metrics={},
    )
    known: dict[str, Any] = {"format": Format.onnx, "validation": judged, "test": judged}
    at = datetime.now(UTC)
    found = Optimization(
        base=sentiment,
        dataset="reviews@1",
        target="latency",
        max_loss=0.01,
        sure=False,
        minutes=10,
        device="cpu",
        metric="accuracy",
        candidates=[
            Candidate(name="original", format=Format.onnx, verdict="original", size_bytes=4_000_000),
            Candidate(name="dynamic-int8", verdict="recommended", size_bytes=1_000_000, version=sentiment, **known),
            Candidate(name="fp16", verdict="front", size_bytes=2_000_000, **known),
            Candidate(name="weight-int4", format=Format.onnx, verdict="too-much-loss", reason="It answers at random."),
        ],
        front=["original", "dynamic-int8", "fp16"],
        recommended="dynamic-int8",
        why="dynamic-int8 is 2.00 times as fast as the original.",
        version=sentiment,
        created_at=at,
    )
    times = {"created_at": at, "queued_at": at, "ended_at": at}
    job = Job(
        id="abcdefabcdef",
        kind="optimize",
        title="A search",
        parameters={"version": sentiment},
        state="succeeded",
        owner="me",
        result=found.model_dump(mode="json"),
        **times,
    )
    workspace.store.jobs.add(job)
    return job.title


def test_what_a_search_found_can_be_deployed_or_registered(page: Page, searched: str) -> None:
    job = page.get_by_role("list", name="Jobs", exact=True).get_by_role("listitem", name=searched)
    job.get_by_role("button", name=f"Show what {searched} found").click()
    expect(job).to_contain_text("2.00 times as fast as the original")
    table = job.get_by_role("table")
    expect(table.get_by_role("row", name="weight-int4")).to_contain_text("loses too much")
    expect(table.get_by_role("row", name="weight-int4").get_by_role("button")).to_have_count(0)
    expect(table.get_by_role("row", name="fp16")).to_contain_text("-0.50")
    table.get_by_role("button", name="Register fp16").click()
    expect(table.get_by_role("alert")).to_contain_text("The files of fp16 are gone")
    expect(table.get_by_role("button", name="Deploy sentiment@1")).to_be_enabled()


def test_a_search_is_started_from_a_version(page: Page, sentiment: str) -> None:
    page.get_by_role("button", name="sentiment", exact=True).click()
    page.get_by_role("button", name=f"Optimise {sentiment}", exact=True).click()
    form = page.get_by_role("form", name=f"Optimise {sentiment}")
    form.get_by_label("Improve").select_option("size")
    form.get_by_label("Lose at most").fill("a little")
    form.get_by_role("button", name="Optimise").click()
    expect(form.get_by_role("alert")).to_contain_text("is no share: write 1% or 0.01")
    form.get_by_label("Lose at most").fill("2%")
    form.get_by_role("button", name="Optimise").click()
    expect(form.get_by_role("alert")).to_contain_text("was made without a dataset")
