"""Measurements beside each other and against a budget, on the terminal; beyond a budget the exit status is 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from jupyter_modeldeploy.amounts import size
from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.tables import table
from jupyter_modeldeploy.profiling import budget as budgets
from jupyter_modeldeploy.records.profile_comparisons import BudgetCheck, ComparedFigure, ProfileComparison

STYLES = {"better": "green", "worse": "red"}
LEAST_OPERATOR_MS = 0.001


def after(door: Door, earlier: Sequence[str], budget: Path | None) -> Callable[[str], None]:
    """What is to be done with a job that has measured; a budget that is none is refused before anything is measured."""
    limits = budgets.read(budget) if budget is not None else None

    def done(job: str) -> None:
        if earlier:
            compare(door, [*earlier, job])
        if limits is not None:
            check(door, job, limits)

    return done


def compare(door: Door, jobs: Sequence[str]) -> None:
    door.show(door.call("compare_measurements", jobs=",".join(jobs)), show_comparison)


def check(door: Door, job: str, limits: budgets.Budget) -> None:
    """Raises Exit with status 1 where a limit is not kept."""
    found = door.workspace.jobs.check(job, limits)
    door.show(found, show_check)
    if not found.kept:
        raise typer.Exit(1)


def show_comparison(door: Door, found: ProfileComparison) -> None:
    rows = table("", *(f">{job}" for job in found.jobs), ">Ratio (95 %)", "", title="Measurements beside each other")
    for figure in found.figures:
        if figure.unit == "share" or (figure.unit == "ms" and (figure.values[0] or 0) < LEAST_OPERATOR_MS):
            continue
        values = [_told(value, figure.unit) for value in figure.values]
        changes = " ".join("" if change == "unknown" else change for change in figure.changes)
        style = STYLES["worse"] if "worse" in figure.changes else STYLES.get(changes)
        rows.add_row(printable(figure.name), *values, _ratios(figure), changes, style=style)
    door.out.print(rows)
    worse = ", ".join(found.regressions)
    door.tell(f"Worse than {found.jobs[0]}: {worse}." if worse else f"Nothing is worse than {found.jobs[0]}.")


def show_check(door: Door, found: BudgetCheck) -> None:
    rows = table("", ">Limit", ">Measured", "", title=f"{printable(found.title)} (job {found.job}) against its budget")
    for line in found.lines:
        bound = "at most" if line.at_most else "at least"
        verdict = {True: "kept", False: "beyond", None: "not measured"}[line.kept]
        measured = "" if line.measured is None else f"{line.measured:,.4g} {line.unit}"
        limit = f"{bound} {line.limit:,.4g} {line.unit}"
        rows.add_row(printable(line.name), limit, measured, verdict, style=None if line.kept else "red")
    door.out.print(rows)


def _ratios(figure: ComparedFigure) -> str:
    base = figure.values[0]
    told = []
    for value, ratio in zip(figure.values[1:], figure.ratios, strict=True):
        if ratio is not None:
            told.append(f"{ratio.value:.3g} ({ratio.low:.3g}–{ratio.high:.3g})")
        else:
            told.append(f"{value / base:.3g}" if base and value is not None else "")
    return " ".join(told)


def _told(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return size(round(value)) if unit == "bytes" else f"{value:,.4g} {unit}"
