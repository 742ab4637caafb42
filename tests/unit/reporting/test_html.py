from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from pydantic import ValidationError

from jupyter_modeldeploy.records import OperatorTime
from jupyter_modeldeploy.reporting import Report, render

VOID = {"meta", "br", "img", "input", "link", "hr"}


class Page(HTMLParser):
    """The page's text, its tags, and that each tag is closed by its own."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.attributes: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data.replace("\u00a0", " ")


def test_the_page_tells_every_figure(report: Report) -> None:
    text = Page(render(report)).text
    for told in (
        "84.0 %",
        "84.2 %",
        "before fine-tuning 50.3 %",
        "24.3 MB",
        "3.8× smaller than 92.4 MB",
        "1.70 ms",
        "2.0× as fast as FP32",
        "640/s",
        "117 MB",
        "minilm@1",
        "node_09",
        "sentiment@3 answers 40 % faster.",
        "−1.20 ms",
        "p = 0.448",
        "One fifth of the sentences was held out.",
        "Some processor",
        "6e-07",
    ):
        assert told in text


def test_only_the_ten_costliest_operators_are_listed(report: Report) -> None:
    text = Page(render(report)).text
    assert "The 10 costliest of 12 operators" in text
    assert "node_10" not in text


def test_the_page_needs_nothing_beside_it(report: Report) -> None:
    page = Page(render(report))
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not {"src", "href", "onclick", "onload"} & page.attributes.keys()
    assert "url(" not in render(report)
    assert "@import" not in render(report)
    assert any("default-src 'none'" in content for content in page.attributes["content"])


def test_charts_have_a_name_for_those_who_do_not_see_them(report: Report) -> None:
    page = Page(render(report))
    assert len(page.attributes["aria-label"]) == page.attributes["role"].count("img") >= 4


def test_names_are_text_and_never_markup(report: Report) -> None:
    evil = OperatorTime(name="<script>alert(1)</script>", type='"><b>', share=1.0, time_ms=1, calls=1)
    hostile = report.model_copy(update={"operators": [evil], "title": "</title><script>", "notes": ["<img src=x>"]})
    page = Page(render(hostile))
    assert not {"script", "img"} & set(page.tags)
    assert page.tags.count("b") == len(report.lineage)
    assert "<script>alert(1)</script>" in page.text


def test_types_are_summed_only_where_all_operators_are_known(report: Report) -> None:
    assert "by the type of operator" in Page(render(report)).text
    some = report.model_copy(update={"operators": report.operators[:3]})
    text = Page(render(some)).text
    assert "by the type of operator" not in text
    assert "The 3 costliest operators" in text


def test_an_accuracy_without_an_interval_is_shown_beside_those_with_one(report: Report) -> None:
    text = Page(render(report)).text
    assert "84.2 % (82.0 % – 86.0 %)" in text
    assert text.count("50.3 %") == 2


def test_a_split_that_is_off_is_said_aloud(report: Report) -> None:
    comparison = report.comparison.model_copy(update={"split_p_value": 1.8e-6})
    html = render(report.model_copy(update={"comparison": comparison}))
    assert "The split is not as asked (p = 1.8e-06): do not trust the comparison." in Page(html).text
    assert "verdict alarm" in html


def test_a_slower_int8_is_called_slower(report: Report) -> None:
    latency = report.latency_ms.model_copy(update={"int8": report.latency_ms.fp32, "fp32": report.latency_ms.int8})
    text = Page(render(report.model_copy(update={"latency_ms": latency}))).text
    assert "but answers 2.0× slower" in text


def test_what_was_not_measured_is_left_out(report: Report) -> None:
    bare = report.model_copy(
        update={
            "accuracy_intervals": {},
            "lineage": [],
            "parity": [],
            "machine": {},
            "versions": {},
            "notes": [],
            "peak_memory_fp32_bytes": None,
            "operators": [],
        }
    )
    text = Page(render(bare)).text
    assert "How it came to be" not in text
    assert "not measured" in text


def test_the_json_form_renders_to_the_same_page(report: Report) -> None:
    assert render(json.loads(report.model_dump_json())) == render(report)


def test_a_mapping_that_is_no_report_is_refused() -> None:
    with pytest.raises(ValidationError):
        render({"accuracy_before": 0.5})
