"""A profile as files that other programs read."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import orjson

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records.profiles import Operator, Profile

COLUMNS = tuple(Operator.model_fields)


def write(profile: Profile, path: Path) -> None:
    """All of it as JSON, or its operators as CSV, by the file's ending. Raises InvalidInput for another."""
    if path.suffix == ".json":
        path.write_bytes(orjson.dumps(profile.model_dump(mode="json"), option=orjson.OPT_INDENT_2))
    elif path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.DictWriter(file, COLUMNS)
            rows.writeheader()
            rows.writerows(operator.model_dump() for operator in profile.operators)
    else:
        raise InvalidInput(f"{path.name} ends with neither .json nor .csv.", "Name the file after what it shall hold.")


def write_trace(profile: Profile, path: Path) -> None:
    """The run of `timeline` in Chrome's trace format, as ui.perfetto.dev, chrome://tracing and Speedscope read it
    ("Trace Event Format", complete events, microseconds)."""
    path.write_bytes(orjson.dumps(trace(profile)))


def trace(profile: Profile) -> dict[str, Any]:
    shapes = {(one.name, one.type, one.layer): one for one in profile.operators}
    events: list[dict[str, Any]] = [
        {"name": "process_name", "ph": "M", "pid": 1, "tid": 1, "args": {"name": profile.version}},
        {"name": "thread_name", "ph": "M", "pid": 1, "tid": 1, "args": {"name": "one run"}},
    ]
    for span in profile.timeline:
        known = shapes.get((span.name, span.type, span.layer))
        events.append(
            {
                "name": span.name,
                "cat": span.type,
                "ph": "X",
                "pid": 1,
                "tid": 1,
                "ts": span.start_ms * 1000,
                "dur": span.duration_ms * 1000,
                "args": {"type": span.type, "layer": span.layer, "shapes": known.shapes if known else ""},
            }
        )
    return {"displayTimeUnit": "ms", "traceEvents": events}
