"""Outcomes that clients post: what became of a unit, or of a request, after it was answered."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jupyter_modeldeploy.errors import Conflict, InvalidInput, TooLarge, shown
from jupyter_modeldeploy.experiments.spool import MAX_ID_BYTES, OWN_FIGURES, unit_name

MOST = 10_000
LARGEST = 1e15
"""Up to here sums of many are exact enough."""
MAX_CHARACTERS = 1024
AHEAD_S = 86_400.0
"""Clocks differ, but not by more than a day."""
HINT = 'Send {"outcomes": [{"unit": "…", "metric": "…", "value": 1}]}, or "request_id" in the place of "unit".'
NO_JSON = f"{HINT} JSON has no NaN and no Infinity: leave such outcomes out."
_FIELDS = {"unit", "request_id", "metric", "value", "id", "at", "before"}
_METRIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Row = list[Any]


def rows_of(document: Mapping[str, Any], now: float) -> list[Row]:
    """The rows of `{"outcomes": […]}` that came at `now`, in seconds since the epoch.

    Raises InvalidInput that says which outcome is wrong and why, TooLarge for too many; then none was taken."""
    outcomes = document.get("outcomes")
    if not isinstance(outcomes, list) or len(document) > 1:
        raise InvalidInput("The request must have the list outcomes and nothing else.", HINT)
    if len(outcomes) > MOST:
        raise TooLarge(f"{len(outcomes)} outcomes are too many at once.", f"Send at most {MOST} in one request.")
    rows = []
    for number, outcome in enumerate(outcomes):
        try:
            rows.append(_row(outcome, now))
        except InvalidInput as error:
            raise InvalidInput(f"outcomes[{number}]: {error.message} None was taken.", error.hint or HINT) from None
    return rows


def not_recording(service: str) -> Conflict:
    """Why outcomes cannot be taken: there is nothing that they would be outcomes of."""
    return Conflict(
        f"The service {service!r} records no exposures, so its outcomes would belong to nothing.",
        f"Switch that on: modeldeploy services change {service} --exposures.",
    )


def _row(outcome: Any, now: float) -> Row:
    if not isinstance(outcome, dict):
        raise InvalidInput(f"{shown(outcome)} is no object.")
    if strange := outcome.keys() - _FIELDS:
        raise InvalidInput(f"There is no field {shown(min(strange))}.", f"Fields: {', '.join(sorted(_FIELDS))}.")
    unit, request, same = _header(outcome, "unit"), _header(outcome, "request_id"), _text(outcome, "id")
    if (unit is None) == (request is None):
        raise InvalidInput("It must have a unit or a request_id, and not both.")
    before = outcome.get("before", False)
    if not isinstance(before, bool):
        raise InvalidInput(f"before must be true or false, not {shown(before)}.")
    if before and unit is None:
        raise InvalidInput("What was before the experiment is of a unit: no request was answered then.")
    at = None if outcome.get("at") is None else round(_time(outcome["at"], now) * 1000)
    known_as = None if unit is None else unit_name(unit)
    request = None if request is None else request[:MAX_ID_BYTES]  # as it is recorded and answered
    return [known_as, request, _metric(outcome), _value(outcome), same, at, round(now * 1000), int(before)]


def _text(outcome: dict[str, Any], name: str) -> str | None:
    value = outcome.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_CHARACTERS:
        raise InvalidInput(f"{name} must be a text of 1 to {MAX_CHARACTERS} characters, not {shown(value)}.")
    return value


def _header(outcome: dict[str, Any], name: str) -> str | None:
    """As it was in a header of the request: without blanks at its ends."""
    value = _text(outcome, name)
    if value is None:
        return None
    if not (stripped := value.strip(" \t")) or any(ord(each) < 32 or ord(each) == 127 for each in stripped):
        raise InvalidInput(f"{name} must be what a header can hold, not {shown(value)}.")
    return stripped


def _metric(outcome: dict[str, Any]) -> str:
    metric = outcome.get("metric")
    if not isinstance(metric, str) or _METRIC.fullmatch(metric) is None:
        raise InvalidInput(
            f"metric must be a name, not {shown(metric)}.", "At most 64 letters, digits, dots, dashes and underlines."
        )
    if metric in OWN_FIGURES:
        raise InvalidInput(f"{metric} is what the service measures by itself.", "Choose another name for the outcome.")
    return metric


def _value(outcome: dict[str, Any]) -> float:
    value = outcome.get("value", 1)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:  # also not a number
        raise InvalidInput(f"value must be a number from −1e15 to 1e15, not {shown(value)}.")
    return float(value)


def _time(at: Any, now: float) -> float:
    """Seconds since the epoch, from such a number or from ISO 8601 with its zone."""
    try:
        seconds = datetime.fromisoformat(at) if isinstance(at, str) else at
        if isinstance(seconds, datetime) and seconds.tzinfo is not None:
            seconds = (seconds - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    except ValueError:
        seconds = None
    infinite = isinstance(seconds, float) and not math.isfinite(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or infinite:
        raise InvalidInput(
            f"at must be a time, not {shown(at)}.", "Write 2026-11-22T09:30:00Z with its zone, or seconds since 1970."
        )
    if not 0 <= seconds <= now + AHEAD_S:
        hint = "It is in seconds, not in milliseconds." if 0 <= seconds <= 1000 * (now + AHEAD_S) else ""
        raise InvalidInput(f"at must be a time since 1970 that has come, not {shown(at)}.", hint)
    return float(seconds)
