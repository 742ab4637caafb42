"""The page of an experiment: the verdict, the picture of its sequences, then what was done; and its summary."""

from __future__ import annotations

import re
from typing import Any

import recorded_experiment

from jupyter_modeldeploy.reporting.experiment import PLOT_HEIGHT, ExperimentPage, sequence_of


def page(**changed: Any) -> ExperimentPage:
    return ExperimentPage(**recorded_experiment.experiment(**changed).model_dump())


def test_the_verdict_comes_first_then_the_picture_then_what_was_done_and_why() -> None:
    html = page().html()
    parts = [
        "31 % faster",
        "<polygon",
        "3,400",
        "breached",
        "error_rate is worse by 5 pp.",
        "region: north",
        "p = 0.410",
    ]
    places = [html.index(each) for each in parts]
    assert places == sorted(places)
    assert "+5.00\u00a0pp (+4.00 to +6.00)" in html


def test_the_band_narrows_and_what_is_far_off_does_not_press_it_flat() -> None:
    metric = page().metrics[0]
    drawn = sequence_of(metric)
    assert drawn is not None
    heights = [float(y) for y in re.findall(r",([\d.]+)", drawn.band)]
    half = len(heights) // 2
    widths = [low - high for high, low in zip(heights[:half], heights[half:][::-1], strict=True)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] > PLOT_HEIGHT / 20
    assert all(0 <= height <= PLOT_HEIGHT for height in heights)


def test_a_wrong_split_is_an_alarm_and_what_is_young_has_a_page_too() -> None:
    assert "no verdict may be trusted" in page(split_p_value=1e-6).html()
    young = page(metrics=[], decisions=[], guardrails=[], suspicions=[], units=[0, 0], service=None)
    assert "labelled rows" in young.html()
    assert "<svg" not in young.html()


def test_the_page_needs_nothing_beside_it_and_names_are_text() -> None:
    html = page(candidate="<script>alert(1)</script>").html()
    assert "<script" not in html
    assert "src=" not in html
    assert "href=" not in html


def test_the_markdown_tells_the_figures_the_guardrails_and_the_decisions() -> None:
    told = page().markdown()
    assert "| bought | 8.10\u00a0% | 7.90\u00a0% | −0.20\u00a0pp (−0.90 to +0.50) | undecided |" in told
    assert "- Error rate worse by at most 2.00\u00a0%, else roll back: breached, worse by +5.00\u00a0pp" in told
    assert "- 2026-11-22 12:11 UTC, roll back: 0\u00a0% of the traffic, by modeldeploy." in told
