"""The model card of a fine-tuned version: what it was made of, how good it is and how it was trained.

It tells what Mitchell et al. ask for in "Model Cards for Model Reporting", FAT* 2019, as far as a training knows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import yaml

from jupyter_modeldeploy.records import Dataset, EvaluatedMetric, EvaluationReport, Interval, Step, Version
from jupyter_modeldeploy.training.record import TrainingRecord

FILE = "README.md"
LIBRARIES = {"object-detection": "ultralytics"}
SHOWN_CLASSES = 50
MADE = {
    Step.finetuned: "{} fine-tuned",
    Step.distilled: "A smaller model taught by {}",
    Step.pruned: "{} with a part of its weights taken out, then fine-tuned",
}


def card(name: str, base: Version, dataset: Dataset, record: TrainingRecord, step: Step = Step.finetuned) -> str:
    """Markdown with a front matter as model hubs read it."""
    licence = base.facts.license if base.facts else None
    parts = [
        _front_matter(base, dataset, licence),
        f"# {name}\n\n{MADE[step].format(base.ref)} for {dataset.task} on {dataset.ref} with jupyter_modeldeploy.",
        _origin(base, dataset, licence),
        _quality(record.result.evaluation),
        _training(record),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front_matter(base: Version, dataset: Dataset, licence: str | None) -> str:
    known = {
        "license": licence.lower() if licence else None,
        "library_name": LIBRARIES.get(dataset.task, "transformers"),
        "pipeline_tag": dataset.task,
        "base_model": _place(base.lineage.source) or base.ref,
        "datasets": [dataset.name],
    }
    told = yaml.safe_dump({key: value for key, value in known.items() if value}, sort_keys=False, allow_unicode=True)
    return f"---\n{told}---"


def _origin(base: Version, dataset: Dataset, licence: str | None) -> str:
    split = ", ".join(f"{count:,} {side}" for side, count in dataset.splits.items())
    rows = [
        ("Base", ", from ".join(part for part in (base.ref, _place(base.lineage.source)) if part)),
        ("Licence of the base", licence or "not stated: ask its makers before you pass this model on"),
        ("Data", ", from ".join(part for part in (dataset.ref, _place(dataset.source)) if part)),
        ("Rows", split or f"{dataset.rows:,}"),
        ("Classes", ", ".join(dataset.classes[:SHOWN_CLASSES]) if dataset.classes else ""),
    ]
    return "## What it was made of\n\n" + _table(("", ""), [row for row in rows if row[1]])


def _place(source: str | None) -> str | None:
    """A source that others have too. Where somebody keeps files is nobody else's business: a card is passed on."""
    return None if source is None or source.startswith("file:") else source


def _quality(report: EvaluationReport | None) -> str:
    if report is None:
        return ""
    before, difference = report.beside or "Before training", f"Difference to {report.beside or 'before'}"
    told = [
        f"## How good it is\n\nOn {report.rows:,} held-out rows of {report.dataset}, which it did not learn from. "
        "It says nothing about data of another kind.",
        _table(
            (
                "Metric",
                "Value",
                "95 % interval",
                before,
                "Most frequent class",
                difference,
            ),
            [_metric(metric) for metric in report.metrics],
        ),
    ]
    if report.calibration is not None:
        told.append(f"Expected calibration error: {report.calibration.ece:.3f}.")
    if report.per_class:
        told.append(_classes(report))
    return "\n\n".join(told)


def _metric(metric: EvaluatedMetric) -> Sequence[str]:
    return (
        metric.name,
        figure(metric.value),
        _ends(metric.interval),
        figure(metric.before),
        figure(metric.majority),
        f"{metric.difference.value:+.4g} ({_ends(metric.difference)})" if metric.difference else "",
    )


def _classes(report: EvaluationReport) -> str:
    shown = report.per_class[:SHOWN_CLASSES]
    if report.kind == "detection":
        rows = [(one.name, figure(one.ap50), figure(one.ap50_95), f"{one.support:,}") for one in shown]
        return _table(("Class", "AP at 0.5", "AP at 0.5 to 0.95", "Boxes"), rows)
    figures = [
        (one.name, figure(one.precision), figure(one.recall), figure(one.f1), f"{one.support:,}") for one in shown
    ]
    return _table(("Class", "Precision", "Recall", "F1", "Held out"), figures)


def _training(record: TrainingRecord) -> str:
    result = record.result
    options = [(name, str(value)) for name, value in result.options.model_dump(exclude_defaults=True).items()]
    told = f"{result.steps:,} steps in {result.precision} on {record.device}; other options are the defaults."
    environment = ", ".join(f"{name} {version}" for name, version in record.environment.items())
    return f"## How it was trained\n\n{told}\n\n{_table(('Option', 'Value'), options)}\n\nMade with {environment}."


def figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _ends(interval: Interval | None) -> str:
    return f"{interval.low:.4g} to {interval.high:.4g}" if interval else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    """Names that come out of data are text here, not Markdown or HTML."""
    plain = " ".join(text.split())
    for mark in ("\\", "|", "<", "[", "`"):
        plain = plain.replace(mark, f"\\{mark}")
    return plain
