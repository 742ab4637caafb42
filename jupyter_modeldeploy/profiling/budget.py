"""What a served model may cost at most, in a file that a build can check:

[budget]
connections = 4          # of p50_ms, p99_ms and throughput_rps; else the step with the highest throughput
p50_ms = 10
p99_ms = 40
throughput_rps = 100     # at least
peak_memory_mb = 400
size_mb = 100

[budget.operators]
MatMul = 0.7             # of a run of the model, at most
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jupyter_modeldeploy.errors import InvalidInput, from_os_error, from_validation_error
from jupyter_modeldeploy.records.profile_comparisons import BudgetCheck, BudgetLine, MeasuredFigures

MB = 1e6
EXAMPLE = "Write a table [budget] with, say, p99_ms = 40 and throughput_rps = 100."


class Budget(BaseModel):
    """Limits; what is left out is not limited."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connections: int | None = Field(default=None, ge=1)
    p50_ms: float | None = Field(default=None, gt=0)
    p99_ms: float | None = Field(default=None, gt=0)
    throughput_rps: float | None = Field(default=None, gt=0)
    peak_memory_mb: float | None = Field(default=None, gt=0)
    size_mb: float | None = Field(default=None, gt=0)
    operators: dict[str, float] = Field(default_factory=dict)


def read(path: Path) -> Budget:
    """Raises InvalidInput that names what is wrong with the file, and NotFound or another error where it cannot be
    read."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise from_os_error(error, f"reading {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is not TOML: {error}.", EXAMPLE) from error
    if not isinstance(document.get("budget"), dict) or len(document) != 1:
        raise InvalidInput(f"{path} has {', '.join(document) or 'nothing'} where a budget was expected.", EXAMPLE)
    try:
        budget = Budget.model_validate(document["budget"])
    except ValidationError as error:
        raise from_validation_error(error, f"the budget {path}") from error
    if not budget.model_dump(exclude={"connections"}, exclude_defaults=True):
        raise InvalidInput(f"{path} limits nothing.", EXAMPLE)
    return budget


def check(budget: Budget, measured: MeasuredFigures) -> BudgetCheck:
    """Each limit beside what was measured; a limit that nothing measured tells is not kept."""
    values = {figure.name: figure.value for figure in measured.figures}
    at = _at(budget, values)
    wanted = [
        (f"p50 {at}", "ms", budget.p50_ms, 1.0),
        (f"p99 {at}", "ms", budget.p99_ms, 1.0),
        (f"throughput {at}", "requests/s", budget.throughput_rps, 1.0),
        ("peak memory", "MB", budget.peak_memory_mb, MB),
        ("size", "MB", budget.size_mb, MB),
        *((f"{kind} of a run", "share", limit, 1.0) for kind, limit in budget.operators.items()),
    ]
    lines = [
        _line(name, unit, limit, None if (value := values.get(name)) is None else value / scale)
        for name, unit, limit, scale in wanted
        if limit is not None
    ]
    return BudgetCheck(job=measured.job, title=measured.title, lines=lines, kept=all(line.kept for line in lines))


def _at(budget: Budget, values: dict[str, float]) -> str:
    """Which step the limits are of."""
    if budget.connections is not None:
        return f"at {budget.connections} connection{'s' * (budget.connections > 1)}"
    speeds = {name: value for name, value in values.items() if name.startswith("throughput ")}
    return max(speeds, key=lambda name: speeds[name]).removeprefix("throughput ") if speeds else "under load"


def _line(name: str, unit: str, limit: float, measured: float | None) -> BudgetLine:
    at_most = not name.startswith("throughput")
    kept = None if measured is None else (measured <= limit if at_most else measured >= limit)
    return BudgetLine(name=name, unit=unit, limit=limit, at_most=at_most, measured=measured, kept=kept)
