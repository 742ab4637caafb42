"""A search for a better form of a version from the sidebar: a small form, and what was found as a table."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from ui.one_of_each import add_search

from jupyter_modeldeploy import Workspace


@pytest.fixture
def searched(workspace: Workspace, sentiment: str) -> str:
    """The title of a search that has ended, with a point of the front that is no version yet."""
    return add_search(workspace, sentiment).title


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
