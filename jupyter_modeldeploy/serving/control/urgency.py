"""How soon a request must be answered, and which comes first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput, shown
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.execution.waiting import DEFAULT, LOWEST

TIMEOUT_HEADER, PRIORITY_HEADER = b"x-request-timeout-ms", b"x-request-priority"
_MICROSECONDS, _MILLISECONDS = 1e6, 1e3


@dataclass(frozen=True, slots=True)
class Urgency:
    """`timeout_s` counts from the end of the request's body; None is the service's own."""

    timeout_s: float | None = None
    priority: int = DEFAULT


ORDINARY = Urgency()


def of_headers(headers: Headers) -> Urgency:
    """From `X-Request-Timeout-Ms` and `X-Request-Priority`. Raises InvalidInput."""
    timeout, priority = headers.get(TIMEOUT_HEADER), headers.get(PRIORITY_HEADER)
    if timeout is None and priority is None:
        return ORDINARY
    return _urgency(
        None if timeout is None else _number(timeout, "X-Request-Timeout-Ms"),
        _MILLISECONDS,
        0 if priority is None else _number(priority, "X-Request-Priority"),
        ORDINARY,
    )


def of_parameters(parameters: Mapping[str, Any], otherwise: Urgency) -> Urgency:
    """From V2's request parameters `timeout`, in microseconds, and `priority`, as Triton has them; what is not among
    them is as `otherwise`. Raises InvalidInput."""
    if "timeout" not in parameters and "priority" not in parameters:
        return otherwise
    return _urgency(parameters.get("timeout"), _MICROSECONDS, parameters.get("priority", 0), otherwise)


def _urgency(timeout: Any, units: float, priority: Any, otherwise: Urgency) -> Urgency:
    for name, value in (("timeout", timeout), ("priority", priority)):
        if value is not None and (not isinstance(value, (int, float)) or isinstance(value, bool) or not value >= 0):
            raise InvalidInput(f"The {name} must be a number of at least 0, not {shown(value)}.")
    return Urgency(
        timeout / units if timeout else otherwise.timeout_s,
        int(min(priority, LOWEST)) if priority else otherwise.priority,
    )


def _number(text: bytes, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{name} must be a number, not {shown(text.decode('latin-1'))}.") from None
