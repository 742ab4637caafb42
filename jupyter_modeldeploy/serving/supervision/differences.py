"""What of a plan running replicas can take over as they are, and what needs new ones."""

from __future__ import annotations

from typing import Any

Plan = dict[str, Any]

LIVE = frozenset(
    {
        "models",  # their weights and fallbacks: which versions there are is compared by themselves
        "replicas",
        "scaling",
        "max_queue",
        "timeout_s",
        "max_body_bytes",
        "input_limits",
        "rate_limit",
        "breaker",
        "cache",
        "stale_answers",
        "log_sample",
        "recording",
        "start_at_boot",
        "unloaded",
    }
)
"""Fields of the spec that `Endpoint.configure` applies, or that are the supervisor's own matter."""
FIXED = frozenset({"name", "host", "port", "unix_socket"})
"""Fields of the spec that are the service's identity and address."""


def needs_new_processes(old: Plan, new: Plan) -> bool:
    """Whether replicas of `old` cannot become replicas of `new`."""
    return _loaded(old) != _loaded(new) or any(
        old["spec"].get(field) != new["spec"].get(field)
        for field in old["spec"].keys() | new["spec"].keys()
        if field not in LIVE
    )


def _loaded(plan: Plan) -> list[Any]:
    """The versions that a replica holds, in the order of the spec."""
    return [(model["name"], [{**version, "weight": None} for version in model["versions"]]) for model in plan["models"]]
