"""The pages of JupyterLab's main area, in a real browser: what a person sees and does on them."""

from __future__ import annotations

import contextvars
import json
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
import tiny_bert
import tiny_onnx
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, Response, expect
from ui import axe
from ui.desktop import dragged
from ui.lab import Lab
from ui.notebooks import COMPUTED_MS

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Service, Step
from jupyter_modeldeploy.settings import ACTING

OpenPage = Callable[[str], Locator]


@pytest.fixture
def open_page(lab: Lab, person: BrowserContext) -> OpenPage:
    """Opens JupyterLab by a link to a page, and gives what that shows."""

    def opened(address: str) -> Locator:
        page = person.new_page()
        place = f"{lab.url}lab/workspaces/{secrets.token_hex(4)}"
        page.goto(f"{place}?token={lab.token}&modeldeploy={quote(address, safe='')}")
        return page.get_by_role("article")

    return opened


def is_layout_saved(answer: Response) -> bool:
    kept = answer.request.post_data or ""
    return "/api/workspaces/" in answer.url and answer.request.method == "PUT" and "model/sentiment" in kept


def test_a_page_is_opened_by_a_link_once_and_is_there_after_a_reload(page: Page, sentiment: str) -> None:
    shown = page.get_by_role("article", name="sentiment")
    with page.expect_response(is_layout_saved, timeout=30_000):
        page.goto(f"{page.url}?modeldeploy=model%2Fsentiment")
        expect(shown.get_by_role("heading", name="sentiment", exact=True)).to_be_visible()
    expect(page).not_to_have_url(re.compile("modeldeploy="))
    tabs = page.locator(".lm-DockPanel-tabBar").get_by_role("tab", name="sentiment")
    expect(tabs).to_have_count(1)
    page.reload()
    expect(shown).to_be_visible()
    expect(tabs).to_have_count(1)


@pytest.fixture(scope="module")
def tuned(workspace: Workspace, sentiment: str, folder: Path) -> str:
    """A larger and better version of the classifier, of which a model of another name was made."""
    ref = sentiment
    for model, step, accuracy in (("sentiment", Step.finetuned, 0.9), ("small", Step.distilled, 0.8)):
        files = tiny_onnx.classifier(folder / f"{model}-{step}")
        (files / "notes.txt").write_text("larger")
        lineage = Lineage(step=step, parent=ref, dataset="reviews@1")
        new = NewVersion(
            model=model,
            format=Format.onnx,
            task="text-classification",
            lineage=lineage,
            metrics={"accuracy": accuracy},
        )
        ref = workspace.store.versions.add(new, files).ref
    return "sentiment@2"


def test_a_models_versions_are_compared_and_chosen(open_page: OpenPage, tuned: str) -> None:
    shown = open_page("model/sentiment")
    page = shown.page
    table = shown.get_by_role("group", name="Versions").get_by_role("table")
    rows = table.locator("tbody tr")
    expect(rows.first).to_contain_text("sentiment@2fine-tunedonnx")
    table.get_by_role("button", name="Size").click()
    expect(table.get_by_role("columnheader", name="Size")).to_have_attribute("aria-sort", "ascending")
    expect(rows.first).to_contain_text("sentiment@1")
    table.get_by_role("button", name="Size").press("Enter")
    expect(rows.first).to_contain_text("sentiment@2")

    part = shown.get_by_role("region", name=re.compile("^sentiment@"))
    expect(part.get_by_role("table", name=f"Files of {tuned}")).to_contain_text("notes.txt")
    expect(part.get_by_role("button", name=f"Insert training of {tuned} into notebook")).to_be_enabled()
    lineage = shown.get_by_role("group", name="Lineage of sentiment")
    lineage.get_by_role("button", name="sentiment@1, fetched").click()
    expect(shown.get_by_role("region", name="sentiment@1")).to_contain_text("Nothing was found.")
    shown.get_by_role("button", name="sentiment@2, Size").click()
    expect(shown.get_by_role("region", name=tuned)).to_be_visible()
    lineage.get_by_role("button", name="small@1, distilled from sentiment@2").click()
    expect(page.get_by_role("article", name="small").get_by_role("heading", name="small", exact=True)).to_be_visible()


def test_an_alias_is_promoted_by_its_rule_rolled_back_and_tells_its_history(
    open_page: OpenPage, workspace: Workspace, tuned: str
) -> None:
    shown = open_page("model/sentiment")
    for version, reason in (("sentiment@1", "the first"), (tuned, "it is better")):
        shown.get_by_role("table").get_by_role("button", name=version, exact=True).first.click()
        part = shown.get_by_role("region", name=re.compile(f"^{version}"))
        part.get_by_role("button", name=f"Promote {version}").click()
        form = part.get_by_role("form", name=f"Promote {version}")
        form.get_by_role("textbox", name="Why").fill(reason)
        form.get_by_role("button", name="Promote", exact=True).click()
        expect(form.get_by_role("status")).to_contain_text(f"sentiment@production is @{version[-1]}.")
    alias = shown.get_by_role("list", name="Aliases").get_by_role("listitem").first
    alias.get_by_text("History of production").click()
    expect(alias.get_by_role("table", name="Moves of production").locator("tbody tr")).to_have_count(2)
    expect(alias.get_by_role("row").nth(1)).to_contain_text("@1 → @2it is better")
    alias.get_by_role("button", name="Roll production back to @1").click()
    alias.get_by_role("button", name="Roll back", exact=True).click()
    expect(alias).to_contain_text("@2 → @1, rolled back")
    expect(alias.locator(".jp-ModelDeploy-tag")).to_have_text("@1")

    alias.get_by_role("button", name="Rule of production").click()
    rule = alias.get_by_role("form", name="What must hold before production moves")
    rule.get_by_label("What must hold of the version").fill("accuracy is good")
    rule.get_by_label("A second person must approve").check()
    expect(rule.get_by_role("status")).to_contain_text("'accuracy is good' is no condition.")
    rule.get_by_label("What must hold of the version").fill("accuracy >= 0.5")
    expect(rule.get_by_role("status")).to_contain_text("accuracy of sentiment@2 is 0.9")
    rule.get_by_role("button", name="Set the rule").click()
    expect(alias.get_by_role("list", name="Rule").first).to_contain_text("is approved by a second person")
    expect(form).to_contain_text("accuracy of sentiment@2 is 0.9")
    form.get_by_role("button", name="Promote", exact=True).click()
    take_back = alias.get_by_role("button", name="Take back what you ask for")
    expect(take_back).to_be_visible()
    expect(alias.get_by_role("button", name="Approve")).to_have_count(0)
    take_back.click()
    expect(alias.get_by_role("button", name="Take back")).to_have_count(0)
    asking = contextvars.copy_context()
    asking.run(ACTING.set, "ben")
    asking.run(workspace.models.promote, tuned, reason="it is better still")
    alias.get_by_label("Why you decide so on what ben asks for").fill("so it is")
    alias.get_by_role("button", name=re.compile("^Approve as .* what ben asks for")).click()
    expect(alias.locator(".jp-ModelDeploy-tag")).to_have_text("@2")

    shown.get_by_role("button", name="Rule of an alias").click()
    shown.get_by_role("group", name="Rule of an alias").get_by_label("Alias").fill("staging")
    rule = shown.get_by_role("form", name="What must hold before staging moves")
    rule.get_by_label("What must have compared it").select_option("experiment")
    rule.get_by_label("How much worse it may be").fill("1.5")
    rule.get_by_role("button", name="Set the rule").click()
    staging = shown.locator("li[data-alias=staging]")
    expect(staging).to_contain_text(
        "no versionasks an experiment for 100 units of each version, and to find it better, or worse by less than 1.5 %"
    )
    expect(form.locator("datalist option[value=staging]")).to_have_count(1)


def test_a_version_is_deprecated_and_compared_with_another(open_page: OpenPage, tuned: str) -> None:
    shown = open_page("model/sentiment")
    shown.get_by_text(f"What changes with {tuned}").click()
    expect(shown).to_contain_text("sentiment@2 was made from sentiment@1 in 1 step.")
    expect(shown.get_by_role("table", name="Files that differ")).to_contain_text("notes.txt")
    shown.get_by_role("table").get_by_role("button", name="sentiment@1", exact=True).first.click()
    shown.get_by_role("button", name="Deprecate sentiment@1").click()
    form = shown.get_by_role("form", name="Deprecate sentiment@1")
    form.get_by_role("textbox").fill("it is worse on long texts")
    form.get_by_role("combobox").select_option(tuned)
    form.get_by_role("button", name="Deprecate", exact=True).click()
    expect(shown.get_by_text("deprecated", exact=True)).to_be_visible()
    shown.get_by_role("button", name="It may be used again").click()
    expect(shown.get_by_text("deprecated", exact=True)).to_be_hidden()


def test_a_version_in_quarantine_is_trusted_with_a_reason(
    open_page: OpenPage, workspace: Workspace, folder: Path
) -> None:
    pickled = folder / "shady"
    pickled.mkdir()
    (pickled / "shady.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    workspace.models.fetch(f"file:{pickled}", "shady").wait(timeout_s=60)
    shown = open_page("model/shady")
    expect(shown.get_by_role("button", name="Serve shady@1")).to_be_disabled()
    expect(shown.get_by_role("list", name="Found in shady@1")).to_contain_text("shady.pkl would run")
    form = shown.get_by_role("form", name="Trust shady@1")
    form.get_by_role("textbox").fill("I wrote it")
    form.get_by_role("button", name="Trust it").click()
    expect(shown).to_contain_text("trusts it: I wrote it")
    expect(shown.get_by_role("button", name="Serve shady@1")).to_be_enabled()


def test_a_page_of_what_is_not_there_says_so(open_page: OpenPage) -> None:
    expect(open_page("model/nowhere").page.get_by_text("There is no model nowhere.")).to_be_visible()
    expect(open_page("dataset/nowhere@1").page.get_by_text("There is no dataset nowhere@1.")).to_be_visible()


def test_a_jobs_log_is_searched_and_its_result_leads_to_its_version(
    open_page: OpenPage, workspace: Workspace, sentiment: str
) -> None:
    (job,) = [job for job in workspace.jobs.list() if (job.result or {}).get("version") == sentiment]
    shown = open_page(f"job/{job.id}")
    page = shown.page
    expect(shown.get_by_role("heading", name=job.title)).to_be_visible()
    expect(shown).to_contain_text("succeeded")
    search = shown.get_by_role("searchbox")
    expect(shown.get_by_role("log")).to_contain_text("classifier")
    search.fill("CLASSIFIER")
    found = shown.get_by_role("status").filter(has_text="of")
    expect(found).to_have_text(re.compile("^1 of "))
    expect(shown.locator("mark").first).to_have_text("classifier")
    search.fill("nothing like it")
    expect(shown.get_by_role("status").filter(has_text="not found")).to_be_visible()
    shown.get_by_role("button", name=sentiment).click()
    expect(page.get_by_role("article", name="sentiment")).to_be_visible()


def test_a_profiles_run_is_walked_by_keys_beside_its_operators_and_its_graph(
    open_page: OpenPage, workspace: Workspace, sentiment: str
) -> None:
    job = workspace.models.profile(sentiment, seconds=0.5).wait(timeout_s=120)
    slowest = max(workspace.models.profile_of(job.id).operators, key=lambda one: one.time_ms)
    shown = open_page(f"job/{job.id}")
    chart = shown.get_by_role("application", name="One run, from left to right")
    chart.focus()
    chart.press("ArrowRight")
    expect(shown.get_by_text(re.compile(r"ms after the start"))).to_be_visible()
    shown.get_by_role("combobox", name="Put together by").select_option("Operator")
    first = shown.get_by_role("table").get_by_role("row").nth(1)
    expect(first.get_by_role("rowheader")).to_have_text(re.compile(f"^{re.escape(slowest.name)}$|between operators"))
    shown.get_by_role("button", name="Show the graph").click()
    graph = shown.frame_locator("iframe[sandbox='allow-scripts']")
    expect(graph.locator("g.node .heat-5").first).to_be_visible()
    shown.page.emulate_media(color_scheme="dark")
    expect(graph.locator("body")).to_have_css("background-color", "rgb(246, 247, 249)")  # JupyterLab's theme is light
    expect(graph.locator(".node-argument-list > path").first).to_have_css("fill", "rgb(255, 255, 255)")


def test_a_services_page_answers_steers_traffic_and_rolls_back(
    page: Page, workspace: Workspace, service: Service, tuned: str
) -> None:
    page.get_by_role("button", name=f"Open the page of {service.name}").click()
    shown = page.get_by_role("article", name=service.name)
    form = shown.get_by_role("form", name=f"Try {service.name}")
    form.get_by_label("Text").fill("good film")
    form.get_by_label("Text").press("Control+Enter")
    expect(form.get_by_role("status")).to_contain_text(re.compile(r"positive.*88\.1 %.*answered by sentiment@1"))
    expect(shown.get_by_role("region", name=f"Code that calls {service.name}")).to_contain_text("curl")
    expect(shown.get_by_role("table", name="Versions").get_by_role("row", name="sentiment@1")).to_contain_text(
        "sentiment@11"
    )
    expect(shown.get_by_role("table", name="Server processes").locator("tbody tr")).to_have_count(1)

    traffic = shown.get_by_role("group", name="sentiment", exact=True)
    expect(traffic.get_by_label("Another version of sentiment")).to_have_value(tuned)
    traffic.get_by_role("button", name=f"Add {tuned} to the traffic").click()
    traffic.get_by_role("slider", name=tuned).fill("100")
    expect(traffic.get_by_role("slider", name=tuned)).to_have_attribute("aria-valuetext", "50 %")
    traffic.get_by_role("button", name="Apply the traffic of sentiment").click()
    expect(traffic.get_by_role("button", name="Apply")).to_have_count(0)
    assert [arm.weight for arm in workspace.services.get(service.name).spec.models[0].arms] == [1, 1]

    shown.get_by_text("Routing: no rules").click()
    routing = shown.get_by_role("group", name="Routing of sentiment")
    routing.get_by_role("button", name="Add a rule to sentiment").click()
    routing.get_by_label("What condition 1.1 looks at").fill("length of it")
    expect(routing.get_by_role("alert")).to_contain_text("attribute")
    routing.get_by_label("What condition 1.1 looks at").fill("characters")
    routing.get_by_label("How condition 1.1 compares").select_option("<=")
    routing.get_by_label("What condition 1.1 compares with").fill("9")
    routing.get_by_label("What rule 1 gives").select_option(tuned)
    routing.get_by_role("button", name="Add a rule to sentiment").click()
    routing.get_by_label("What condition 2.1 compares with").fill("eu")
    routing.get_by_label("Name of rule 2").fill("europe")
    routing.get_by_role("button", name="Move rule 2 up").press("Enter")
    expect(routing.get_by_label("Name of rule 1")).to_have_value("europe")
    expect(routing.get_by_label("Name of rule 1")).to_be_focused()
    routing.get_by_label("Units").fill("alice")
    routing.get_by_label("and hold the text").fill("so short")
    expect(routing.get_by_role("row", name="alice")).to_contain_text(f"{tuned}rule 2")
    routing.get_by_role("button", name="Save the routing of sentiment").click()
    expect(shown.get_by_text("Routing: 2 rules")).to_be_visible()
    assert [rule.version for rule in workspace.services.get(service.name).spec.models[0].rules] == [2, 2]
    assert axe.violations_in(page, axe.PAGES) == []
    routing.get_by_role("button", name="Undo the change").click()
    expect(shown.get_by_text("Routing: no rules")).to_be_visible()
    shown.get_by_role("button", name="Compare sentiment@2 with sentiment@1").click()
    compared = page.get_by_role("article", name=re.compile("^Compare"))
    table = compared.get_by_role("table", name="sentiment@2 against sentiment@1")
    expect(table).to_contain_text("Latency", timeout=COMPUTED_MS)
    page.locator(".lm-DockPanel-tabBar").get_by_role("tab", name=service.name, exact=True).click()
    shown.get_by_role("button", name=f"Go back to how {service.name} was").click()
    expect(traffic.get_by_role("slider")).to_have_count(1)

    shown.get_by_role("button", name=f"Stop {service.name}").click()
    shown.get_by_role("button", name="Stop the service").click()
    expect(shown.get_by_role("button", name=f"Start {service.name}")).to_be_visible()
    expect(form).to_have_count(0)


def test_an_image_is_dropped_on_its_service_and_its_label_is_read(
    open_page: OpenPage, workspace: Workspace, folder: Path
) -> None:
    colours = tiny_onnx.pictures(folder / "colours")
    (colours / "config.json").write_text(json.dumps({"id2label": {"0": "red", "1": "green", "2": "blue"}}))
    (colours / "preprocessor_config.json").write_text(
        json.dumps({"do_normalize": False, "size": {"height": 16, "width": 16}})
    )
    lineage = Lineage(step=Step.imported)
    new = NewVersion(model="colours", format=Format.onnx, task="image-classification", lineage=lineage)
    ref = workspace.store.versions.add(new, colours).ref
    Image.new("RGB", (64, 48), (0, 0, 250)).save(sea := folder / "sea.png")
    workspace.services.start(workspace.services.spec("colours", [ref]))
    try:
        shown = open_page("service/colours")
        page = shown.page
        form = shown.get_by_role("form", name="Try colours")
        expect(form.get_by_role("button", name="Predict")).to_be_disabled()
        form.get_by_text("drop a file here").dispatch_event("drop", {"dataTransfer": dragged(page, sea)})
        expect(form.get_by_role("img")).to_be_visible()
        form.get_by_role("button", name="Predict").click()
        expect(form.get_by_role("status").get_by_role("listitem").first).to_contain_text("blue")
    finally:
        workspace.services.stop("colours")
        workspace.services.remove("colours")


def test_a_version_is_converted_and_quantized_on_its_models_page(
    open_page: OpenPage, workspace: Workspace, sentiment: str
) -> None:
    shown = open_page("model/sentiment")
    page = shown.page
    shown.get_by_role("group", name="Versions").get_by_role("button", name=sentiment).click()
    shown.get_by_role("button", name=f"Convert {sentiment}", exact=True).click()
    form = shown.get_by_role("form", name=f"Convert {sentiment}")
    form.get_by_role("button", name="Convert", exact=True).press("Enter")
    expect(form.get_by_role("alert")).to_contain_text("is ONNX already")
    expect(form.get_by_role("button", name="Convert", exact=True)).to_be_focused()
    shown.get_by_role("button", name=f"Quantize {sentiment}", exact=True).click()
    form = shown.get_by_role("form", name=f"Quantize {sentiment}")
    expect(form.get_by_label("block size")).to_have_count(0)
    form.get_by_label("method").select_option("weight-int8")
    form.get_by_label("block size").select_option("64")
    form.get_by_text("Show as code").click()
    expect(form.get_by_role("region", name="The form as Python")).to_contain_text("block_size=64,")
    form.get_by_role("button", name="Quantize", exact=True).click()
    expect(page.get_by_role("article", name=f"Quantize {sentiment} (weight-int8)")).to_be_visible()
    assert workspace.jobs.list()[0].parameters["options"]["block_size"] == 64


def test_a_search_is_set_up_on_its_page_and_shown_as_code(open_page: OpenPage, tuned: str) -> None:
    shown = open_page("model/sentiment")
    page = shown.page
    shown.get_by_role("button", name=f"Optimise {tuned}").click()
    form = page.get_by_role("form", name=f"Optimise {tuned}")
    expect(page.get_by_role("article", name="Optimise a model").get_by_label("Version")).to_have_value(tuned)
    form.get_by_label("Improve").select_option("size")
    form.get_by_text("More", exact=True).click()
    form.get_by_label("length").fill("0.5")
    expect(form.get_by_role("alert")).to_have_text("a whole number is needed")
    expect(form.get_by_role("button", name="Optimise")).to_be_disabled()
    form.get_by_label("length").fill("32")
    form.get_by_text("Show as code").click()
    code = form.get_by_role("region", name="The form as Python")
    expect(code).to_contain_text(re.compile(r"workspace\.models\.optimize\(\s+'sentiment@2',"))
    expect(code).to_contain_text("target='size',")
    expect(code).to_contain_text("length=32,")
    form.get_by_label("Minutes").fill("0.5")
    expect(code).to_contain_text("minutes=0.5,")


def test_a_fine_tuning_that_starts_on_its_page_leads_to_its_job(
    open_page: OpenPage, workspace: Workspace, folder: Path
) -> None:
    table = folder / "reviews.csv"
    table.write_text("\n".join(["text,label", *(f"{text},{label}" for text, label in tiny_bert.rows(60))]))
    workspace.datasets.add(f"file:{table}", "reviews", "text", "label").wait(timeout_s=60)
    encoder = workspace.models.fetch(f"file:{tiny_bert.make_encoder(folder / 'encoder')}", "encoder")
    base = encoder.version(timeout_s=60).ref
    shown = open_page("finetune?dataset=reviews%401")
    page = shown.page
    form = shown.get_by_role("form", name="Fine-tune on reviews@1")
    form.get_by_label("Base", exact=True).select_option(base)
    form.get_by_label("Name").fill("tuned")
    form.get_by_text("More", exact=True).click()
    form.get_by_label("max steps").fill("1000000")
    form.get_by_role("button", name="Fine-tune").click()
    job = page.get_by_role("article", name=re.compile(f"Fine-tune {base}"))
    expect(job.get_by_role("progressbar")).to_be_visible()
    loss = job.get_by_role("group", name=re.compile("^Curves")).get_by_role("slider", name="Loss")
    expect(loss).to_be_visible(timeout=COMPUTED_MS)
    job.get_by_role("button", name=re.compile("^Cancel")).click()
    job.get_by_role("button", name="Cancel the job").click()
    expect(job.get_by_role("button", name=re.compile("^Resume"))).to_be_visible()
