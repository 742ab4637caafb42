"""Fine-tuning from the sidebar: the form that the API describes, and what the version that comes of it shows."""

from __future__ import annotations

from pathlib import Path

import tiny_bert
from playwright.sync_api import Page, expect

from jupyter_modeldeploy import Workspace


def test_a_version_is_fine_tuned_from_its_form_and_shows_how_good_it_is(
    page: Page, workspace: Workspace, folder: Path
) -> None:
    rows = [f"{text},{tiny_bert.CLASSES[label]}" for text, label in tiny_bert.rows(120)]
    table = folder / "reviews.csv"
    table.write_text("\n".join(["text,label", *rows]))
    workspace.datasets.add(f"file:{table}", "reviews", "text", "label").wait(timeout_s=60)
    encoder = tiny_bert.make_encoder(folder / "encoder")
    workspace.models.fetch(f"file:{encoder}", "encoder").wait(timeout_s=60)

    page.get_by_role("button", name="encoder", exact=True).click()
    page.get_by_role("button", name="Fine-tune encoder@1").click()
    form = page.get_by_role("form", name="Fine-tune encoder@1")
    form.get_by_label("Dataset").select_option("reviews@1")
    form.get_by_label("Name").fill("tuned")
    expect(form.get_by_label("batch size", exact=True)).to_have_attribute("placeholder", "by task")
    expect(form.get_by_label("batch size", exact=True)).to_have_attribute("max", "4096")
    form.get_by_label("batch size", exact=True).fill("8")
    form.get_by_text("More").click()
    form.get_by_label("max steps", exact=True).fill("5")
    form.get_by_label("precision", exact=True).select_option("fp32")
    form.get_by_role("button", name="Fine-tune").click()
    expect(form).to_have_count(0)

    page.get_by_role("button", name="tuned", exact=True).click()
    page.get_by_role("button", name="Show what is known of tuned@1").click()
    expect(page.get_by_role("table", name="held-out rows of reviews@1")).to_contain_text("accuracy")
    expect(page.get_by_role("table", name="Each class")).to_contain_text("positive")
    expect(page.get_by_role("region", name="Model card of tuned@1")).to_contain_text("encoder@1 fine-tuned")
    options = workspace.jobs.list()[0].parameters["options"]
    assert (options["max_steps"], options["batch_size"], options["precision"]) == (5, 8, "fp32")

    page.get_by_role("button", name="Insert training of tuned@1 into notebook").click()
    expect(page.get_by_role("alert").filter(has_text="No notebook is in front")).to_be_visible()
