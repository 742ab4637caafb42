"""What a search for a smaller or faster form of a model found, in tables, and how to use it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jupyter_modeldeploy.amounts import size
from jupyter_modeldeploy.cli import completion
from jupyter_modeldeploy.cli.command import command
from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.tables import table

if TYPE_CHECKING:
    from jupyter_modeldeploy.records.optimizations import Candidate, Optimization

JOB = Annotated[str, typer.Argument(help="a job of optimize", autocompletion=completion.jobs)]


def add_to(app: typer.Typer) -> None:
    command(app, "optimize-report", "modeldeploy optimize-report 4f1d2c3b5a69 --out report.html")(report)
    command(app, "optimize-register", "modeldeploy optimize-register 4f1d2c3b5a69 static-int8")(register)


def report(
    door: Door,
    job: JOB,
    out: Annotated[Path | None, typer.Option("--out", help="write it as a page of HTML to this file")] = None,
) -> None:
    """Show what a search of `optimize` found, and why each candidate was taken or left."""
    door.show(door.call("get_optimization", id=job), show)
    if out is not None:
        door.workspace.models.optimization(job).write(out)
        door.tell(f"The report: {out}")


def register(
    door: Door,
    job: JOB,
    point: Annotated[str, typer.Argument(help="a point of the front: dynamic-int8, onnx-fp32 …")],
) -> None:
    """Make another point of the front of a search a version of the model."""
    from jupyter_modeldeploy.cli import results

    made = door.call("register_optimized", id=job, point=point)
    door.show(made, lambda door, version: door.tell(f"Made {results.describe(version)}"))


def show(door: Door, found: Optimization) -> None:
    from jupyter_modeldeploy.reporting.optimization import before_and_after

    if rows := before_and_after(found):
        assert found.chosen is not None  # else there are no rows
        compared = table("", ">Original", f">{found.chosen.name}", ">Compared")
        for row in rows:
            compared.add_row(row.name, row.before, row.after, row.compared)
        door.out.print(compared)
        door.out.print()
    _show_candidates(door, found)
    door.out.print()
    door.tell(found.why)
    for note in found.notes:
        door.tell(note)
    suggest(door, found)


def _show_candidates(door: Door, found: Optimization) -> None:
    from jupyter_modeldeploy.reporting.optimization import WORDS, difference_told

    rows = table("Candidate", ">Size", ">Run (ms)", ">Better", ">Difference", "Verdict", title="All candidates")
    for one in found.candidates:
        factor = found.gain(one)
        rows.add_row(
            f"{one.name}{' *' if one.name == found.recommended else ''}",
            size(one.size_bytes) if one.size_bytes else "",
            f"{one.best.p50_ms.median:.3g}" if one.best else "",
            f"{factor:.2f}×" if factor else "",
            difference_told(one.test or one.validation),
            WORDS[one.verdict],
        )
    door.out.print(rows)
    for one in found.candidates:
        if one.verdict in ("failed", "no-time", "too-much-loss"):
            door.out.print(printable(f"{one.name}: {one.reason}"), style="dim", soft_wrap=True)


def suggest(door: Door, found: Optimization) -> None:
    """How to serve it as it was measured, and how to have the others."""
    chosen = found.chosen
    if chosen is not None and found.version is not None:
        door.suggest("Serve it as it was measured", serving(found, chosen))
    for name in found.front:
        one = found.candidate(name)
        if one is not None and one.version is None and one.name not in ("original", found.recommended):
            door.out.print(f"Also on the front: {name}", soft_wrap=True)


def serving(found: Optimization, chosen: Candidate) -> str:
    """The command that serves the version in the layout that was the best by the target."""
    command = f"serve {found.version} --name {str(found.version).partition('@')[0]}"
    layout = chosen.best.layout if chosen.best else None
    if layout is None or found.device.startswith("cuda"):
        return command
    command += f" --instances {layout.instances} --threads {layout.threads}"
    return command + (f" --max-batch-rows {layout.batch}" if layout.batch > 1 else "")
