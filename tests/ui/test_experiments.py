"""What people see of an experiment: its page, which follows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import recorded_experiment
from playwright.sync_api import Page, expect
from ui import axe

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import Experiment, Service


@pytest.fixture(scope="module")
def canary(workspace: Workspace) -> Experiment:
    return workspace.store.experiments.add(recorded_experiment.experiment())


def test_the_page_says_the_verdict_and_tells_each_look_and_each_decision(page: Page, canary: Experiment) -> None:
    axe.show_page(page, {"page": "experiment", "id": canary.id})
    report = page.get_by_role("article", name="sentiment@2 against sentiment@1")
    expect(report.get_by_role("status")).to_have_text(canary.verdict)
    expect(report.get_by_role("listitem").filter(has_text="Rolled back")).to_contain_text(
        "error_rate is worse by 5 pp."
    )
    expect(report.get_by_role("row", name="Rate of errors").filter(has_text="roll back")).to_contain_text("breached")

    report.get_by_label("Metric in the picture").select_option("bought")
    picture = report.get_by_role("slider", name="Difference in bought")
    expect(picture).to_have_attribute("aria-valuetext", re.compile(r"−0.2 pp \(−0.9 to \+0.5\), 12,000 units$"))
    picture.press("Home")
    expect(picture).to_have_attribute("aria-valuenow", "1")

    metrics = report.get_by_role("table", name="sentiment@2 against sentiment@1")
    metrics.get_by_role("button", name="Chance better").click()
    expect(metrics.get_by_role("row").nth(1)).to_contain_text("Rate of errors")
    expect(metrics.get_by_role("row", name="bought")).to_contain_text("3,400")


def test_an_experiment_is_set_up_on_its_services_page_and_steered_on_its_own(
    page: Page, workspace: Workspace, service: Service, classifier: Path
) -> None:
    (classifier / "notes.txt").write_text("the same, and a note")
    candidate = workspace.models.fetch(f"file:{classifier}", "sentiment").version(timeout_s=60).ref
    axe.show_page(page, {"page": "service", "name": service.name})
    page.get_by_text("Set up an experiment").click()
    form = page.get_by_role("form", name="Try a version of sentiment")
    form.get_by_label("Candidate", exact=True).select_option(candidate)
    form.get_by_label("It gets").select_option("steps")
    form.get_by_label("Shares of the candidate").fill("10,200")
    form.get_by_role("button", name="Start").click()
    expect(form.get_by_role("alert")).to_contain_text("200")
    form.get_by_label("Shares of the candidate").fill("10,50")
    form.get_by_label("Guardrails").fill("error_rate=2pp,pause")
    form.get_by_text("Show as code").click()
    expect(form.get_by_role("region", name="The form as Python")).to_contain_text("steps='10,50'")
    form.get_by_role("button", name="Start").click()

    report = page.get_by_role("article", name=f"{candidate} against sentiment@1")
    expect(report).to_contain_text("Started with 10 %")
    report.get_by_role("button", name="Pause").click()
    expect(report.get_by_role("button", name="Resume")).to_be_enabled()
    report.get_by_role("button", name="Promote").click()
    dialog = report.get_by_role("alertdialog")
    expect(dialog.get_by_label("Alias that moves with it")).to_have_value("")
    dialog.get_by_role("button", name="Keep it").click()
    report.get_by_role("button", name="Roll back").click()
    report.get_by_role("alertdialog").get_by_role("button", name="Roll back").click()
    expect(report).to_contain_text("rolled back")
    expect(report.get_by_role("button", name="Pause")).to_have_count(0)
    with page.expect_download() as saved:
        report.get_by_role("button", name="Save the report").click()
    assert f"{candidate} against sentiment@1" in saved.value.path().read_text("utf-8")

    report.get_by_role("button", name=f"Open the service {service.name}").click()
    page.get_by_text("Dry run in recorded traffic").click()
    page.get_by_role("button", name="Dry run of the form above in recorded traffic").click()
    expect(page.get_by_role("alert").filter(has_text="recorded")).to_be_visible()  # nobody sent anything


def test_nothing_measured_yet_says_what_to_send(page: Page, workspace: Workspace) -> None:
    young = recorded_experiment.experiment(
        id="ba9876543210",
        metrics=[],
        units=[0, 0],
        outcome="running",
        decisions=[],
        guardrails=[],
        verdict="No unit yet.",
    )
    workspace.store.experiments.add(young)
    axe.show_page(page, {"page": "experiment", "id": young.id})
    expect(page.get_by_role("article")).to_contain_text("X-Unit-Id")
