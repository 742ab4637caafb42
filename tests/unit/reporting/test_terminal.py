from __future__ import annotations

import io

from rich.console import Console

from jupyter_modeldeploy.records import OperatorTime
from jupyter_modeldeploy.reporting import Report, terminal


def printed(report: Report) -> str:
    console = Console(file=io.StringIO(), width=130)
    console.print(terminal(report))
    return console.file.getvalue().replace("\u00a0", " ")  # type: ignore[attr-defined]


def test_the_tables_tell_every_figure(report: Report) -> None:
    text = printed(report)
    for told in (
        "84.2 %",
        "before fine-tuning 50.3 %",
        "3.8× smaller",
        "1.70 ms",
        "640/s",
        "117 MB",
        "node_09",
        "−1.20 ms",
    ):
        assert told in text
    assert "node_10" not in text
    assert "sentiment@3 answers 40 % faster. Split check: p = 0.448." in text


def test_names_are_printed_as_they_are(report: Report) -> None:
    odd = OperatorTime(name="[red]node[/red]", type="[bold]", share=1.0, time_ms=1, calls=1)
    assert "[red]node[/red]" in printed(report.model_copy(update={"operators": [odd]}))
