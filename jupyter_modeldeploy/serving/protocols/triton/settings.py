"""The trace and logging extensions: what is set, which requests cannot change."""

from __future__ import annotations

from typing import Any

from jupyter_modeldeploy.errors import InvalidInput

TRACE: dict[str, Any] = {
    "trace_level": ["OFF"],
    "trace_rate": "1000",
    "trace_count": "-1",
    "log_frequency": "0",
    "trace_file": "",
    "trace_mode": "triton",
}
LOGGING: dict[str, Any] = {
    "log_file": "",
    "log_info": True,
    "log_warning": True,
    "log_error": True,
    "log_verbose_level": 0,
    "log_format": "default",
}


def refuse_tracing() -> None:
    """Raises InvalidInput."""
    raise InvalidInput("Requests are not traced here.", "The service's request log and /metrics tell their times.")


def refuse_logging() -> None:
    """Raises InvalidInput."""
    raise InvalidInput("A request cannot change the log.", "Set log_sample of the service to log requests.")
