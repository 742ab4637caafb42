"""Samples in Prometheus' text format (0.0.4) or in OpenMetrics' (1.0.0)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from jupyter_modeldeploy.serving.metrics.samples import FAMILIES, Labels, Samples, Value

TEXT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE = b"application/openmetrics-text; version=1.0.0; charset=utf-8"


def exposition(samples: Samples, openmetrics: bool = False) -> bytes:
    """All families, those without a sample too."""
    lines: dict[str, list[str]] = defaultdict(list)
    for (name, labels), value in sorted(samples.items()):
        if name in FAMILIES:
            lines[name] += _series(name, labels, value)
    text = "".join(_family(name, lines[name], openmetrics) for name in FAMILIES)
    return (text + ("# EOF\n" if openmetrics else "")).encode()


def _family(name: str, lines: list[str], openmetrics: bool) -> str:
    family = FAMILIES[name]
    named = name.removesuffix("_total") if openmetrics else name
    head = f"# HELP {named} {family.help}\n# TYPE {named} {family.kind}\n"
    return head + "".join(f"{line}\n" for line in lines)


def _series(name: str, labels: Labels, value: Value) -> Iterable[str]:
    if not isinstance(value, list):
        yield _sample(name, labels, value)
        return
    count = 0
    *counts, total = value
    for bound, inside in zip((*FAMILIES[name].bounds, "+Inf"), counts, strict=True):
        count += int(inside)
        yield _sample(f"{name}_bucket", (*labels, ("le", str(bound))), count)
    yield _sample(f"{name}_sum", labels, round(total, 9))
    yield _sample(f"{name}_count", labels, count)


def _sample(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{label}="{text}"' for label, text in labels)
    return f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"
