"""A service's log of requests, as what the units of each version did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput, from_os_error
from jupyter_modeldeploy.experiments.observed import Observed, Rows
from jupyter_modeldeploy.experiments.spool import has_failed


def read(path: Path, model: str) -> list[Observed]:
    """The answers of `model`, each request a unit of its own, as one stage in which each version had the share that it
    has in the log. A request is of the version that was asked, also where its fallback answered, of which `fallbacks`
    tells. Raises InvalidInput for a file that is no such log."""
    try:
        rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        mine = [(asked, row) for row in rows if row["model"] == model and (asked := _asked(row)) is not None]
        versions = sorted({asked for asked, _ in mine})
        by_version = {version: [row for asked, row in mine if asked == version] for version in versions}
        return [_observed(f"{model}@{version}", one, len(mine)) for version, one in by_version.items()]
    except OSError as error:
        raise from_os_error(error, f"reading {path}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"{path} is no log of requests: {error!r}.", "Serve with --log-sample to write one."
        ) from error


def _asked(row: dict[str, Any]) -> int | None:
    """The version that was asked; None where none was found, or the line is of a release that did not write which."""
    asked = row.get("asked", None if row.get("fallback") == "version" else row["version"])
    return None if asked is None else int(asked)


def _observed(version: str, rows: list[dict[str, Any]], total: int) -> Observed:
    latency = np.array([float(row["duration_ms"]) for row in rows])
    return Observed(
        version=version,
        stage=1,
        weight=len(rows) / total,
        units=len(rows),
        sums={
            "requests": np.ones(len(rows)),
            "errors": np.array([float(has_failed(row["status"], row.get("fallback"))) for row in rows]),
            "fallbacks": np.array([float(bool(row.get("fallback"))) for row in rows]),
            "latency_ms": latency,
        },
        rows={"latency_ms": Rows(latency, np.arange(len(rows)))},
        first_at=np.array([float(row["time"]) for row in rows]),
    )
