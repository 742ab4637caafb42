"""What a person writes of an experiment, in a line each: shares, metrics, guardrails."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.own_metrics import OWN
from jupyter_modeldeploy.records import Guardrail, Metric, Namespace

GUARDRAILS = (
    Guardrail(metric="error_rate", at_most=0.01),
    Guardrail(metric="latency_p95", at_most=0.5, relative=True),
)
RANGE = re.compile(r"(?P<id>[A-Za-z0-9][\w.-]*):(?P<start>\d*\.?\d+)-(?P<end>\d*\.?\d+)")
METRIC = re.compile(
    r"(?P<kind>mean|proportion|p\d{1,2}(?:\.\d+)?|ratio)(?: of (?P<of>[\w.-]+))?(?: per (?P<per>[\w.-]+))?"
)
LIMIT = re.compile(r"(?P<limit>\d+(?:\.\d+)?)(?P<unit>%|pp)?")
THEN = {"roll-back": "roll back", "pause": "pause", "report": "report"}


def shares_of(steps: str) -> tuple[float, ...]:
    """`10,25,50,100` in percent, or `0.1,0.25,0.5,1` as shares, as shares that rise. Raises ValueError for others."""
    try:
        given = [float(each) for each in steps.split(",")]
    except ValueError:
        given = []
    scale = 1.0 if given and max(given) <= 1 else 100.0
    shares = tuple(each / scale for each in given)
    rises = all(low < high for low, high in pairwise(shares))
    if not shares or not rises or shares[0] <= 0 or shares[-1] > 1:
        raise ValueError(f"{steps!r} are no shares that rise to 100 % at most: write 10,25,50,100")
    return shares


def share_of_split(split: str) -> float:
    """The candidate's share of `80,20`: the base's part, then the candidate's. Raises ValueError for others."""
    try:
        base, candidate = (float(each) for each in split.split(","))
    except ValueError:
        raise ValueError(f"{split!r} are not two parts of the traffic: write 80,20") from None
    if base < 0 or candidate <= 0:
        raise ValueError(f"{split!r} leaves the candidate without traffic: write 80,20")
    return candidate / (base + candidate)


def namespace_of(text: str) -> Namespace:
    """`checkout:0-0.5`: the units whose place in the namespace `checkout` is from 0 to below 0.5. Raises ValueError for
    others."""
    found = RANGE.fullmatch(text.strip())
    if found is None or not 0 <= float(found["start"]) < float(found["end"]) <= 1:
        raise ValueError(f"{text!r} is no range of a namespace: write checkout:0-0.5, its ends within 0 and 1")
    return Namespace(id=found["id"], start=float(found["start"]), end=float(found["end"]))


def metrics_of(outcomes: Mapping[str, str]) -> list[Metric]:
    """The metrics that were asked for, the first of which decides, and after them what a service tells by itself.

    Each is written as `mean`, `proportion`, `p95`, `ratio of clicks per views`, with `, lower` where less is better and
    the smallest difference that matters as `, 0.01`. Raises InvalidInput for others."""
    named = [_metric(name, text) for name, text in outcomes.items()]
    return [*named, *(own for own in OWN if own.name not in outcomes)]


def guardrails_of(given: Mapping[str, str], metrics: Sequence[Metric]) -> list[Guardrail]:
    """The guardrails by default with those that were asked for: the name of a metric, and by how much the candidate may
    be worse: `2pp`, `50%` of the base's figure or `3` in the metric's unit, with `, pause` or `, report` where it is
    not to be rolled back; `off` takes one away. Raises InvalidInput for others, and for metrics not measured."""
    rails = {rail.metric: rail for rail in GUARDRAILS}
    known = [metric.name for metric in metrics]
    for name, text in given.items():
        if name not in known:
            raise InvalidInput(f"The guardrail {name!r} is of no metric.", f"There are: {', '.join(known)}.")
        rails.pop(name, None)
        if text != "off":
            rails[name] = _guardrail(name, text)
    return [*rails.values()]


def _metric(name: str, text: str) -> Metric:
    head, *more = (part.strip() for part in text.split(","))
    found = METRIC.fullmatch(head)
    options: dict[str, Any] = {"name": name, "of": name}
    for part in more:
        if part in ("lower", "higher"):
            options["lower_is_better"] = part == "lower"
        elif LIMIT.fullmatch(part):
            options["minimum_effect"] = _amount(part)[0]
        else:
            found = None
    if found is None or (found["kind"] == "ratio") != (found["per"] is not None):
        raise InvalidInput(
            f"{name}={text} is no metric.", "Write mean, proportion, p95 or ratio of clicks per views; then , lower"
        )
    kind = found["kind"]
    if kind.startswith("p") and kind != "proportion":
        options |= {"kind": "percentile", "percentile": float(kind[1:]) / 100}
    else:
        options |= {"kind": kind, "unit": "proportion" if kind == "proportion" else ""}
    options |= {field: found[field] for field in ("of", "per") if found[field]}
    return Metric(**options)


def _guardrail(name: str, text: str) -> Guardrail:
    head, *then = (part.strip() for part in text.split(","))
    if not LIMIT.fullmatch(head) or len(then) > 1 or any(each not in THEN for each in then):
        raise InvalidInput(f"{name}={text} is no guardrail.", "Write 2pp, 50% or 3; then , pause or , report; or off.")
    at_most, relative = _amount(head)
    return Guardrail(metric=name, at_most=at_most, relative=relative, then=THEN[then[0]] if then else "roll back")


def _amount(text: str) -> tuple[float, bool]:
    """The number, and whether it is a share of the base's figure."""
    found = LIMIT.fullmatch(text)
    assert found is not None
    number = float(found["limit"])
    return (number / 100 if found["unit"] else number), found["unit"] == "%"
