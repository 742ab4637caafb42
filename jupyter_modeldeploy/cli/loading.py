"""`modeldeploy models loader`, `modeldeploy models code` and `modeldeploy models requirements`"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from jupyter_modeldeploy.cli import completion
from jupyter_modeldeploy.cli.command import command
from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.operation import DETACH, finish
from jupyter_modeldeploy.cli.tables import table

if TYPE_CHECKING:
    from jupyter_modeldeploy.api.loading import Loader, TrainingCode
    from jupyter_modeldeploy.records import Requirements

STYLES = {"satisfied": "green", "missing": "yellow", "other version": "yellow", "refused": "red"}
VERSION = typer.Argument(help="the version: NAME, NAME@3 or NAME@alias", autocompletion=completion.versions)


class Into(StrEnum):
    kernel = "kernel"
    separate = "separate"


def add_loading(app: typer.Typer) -> None:
    command(app, "loader", "modeldeploy models loader minilm@1 --out load_model.py")(write_loader)
    command(app, "code", "modeldeploy models code sentiment@3 --out finetune.py")(write_training_code)
    command(app, "requirements", "modeldeploy models requirements minilm@1 --install")(requirements)


def write_loader(
    door: Door,
    version: Annotated[str, VERSION],
    out: Annotated[Path | None, typer.Option("--out", help="the file to write; else it is printed")] = None,
) -> None:
    """Write Python that loads a version, asks it once and prints what came out."""
    _write(door, door.call("get_loader", version=version), out, "loads")


def write_training_code(
    door: Door,
    version: Annotated[str, VERSION],
    out: Annotated[Path | None, typer.Option("--out", help="the file to write; else it is printed")] = None,
) -> None:
    """Write Python that does again the fine-tuning that made a version: base, data, split, options."""
    _write(door, door.call("get_training_code", version=version), out, "trains again")


def _write(door: Door, program: Loader | TrainingCode, out: Path | None, does: str) -> None:
    def show(door: Door, program: Loader | TrainingCode) -> None:
        if out is None:
            door.write(program.source)
        else:
            door.tell(f"Wrote {out}, which {does} {program.version}: python {out}")

    if out is not None:
        out.write_text(program.source, "utf-8")
    door.show(program, show)


def requirements(
    door: Door,
    version: Annotated[str, VERSION],
    install: Annotated[bool, typer.Option("--install", help="install what is missing")] = False,
    into: Annotated[Into, typer.Option("--into", help="this environment, or a separate one with its kernel")] = (
        Into.kernel
    ),
    allow: Annotated[
        list[str] | None, typer.Option("--allow", help="trust: index, url, vcs, path, option, source")
    ] = None,
    detach: DETACH = False,
) -> None:
    """Show what a version asks to be installed beside what is; with --install, install it."""
    if install:
        fields = {"version": version, "into": into.value, "allow": allow or []}
        finish(door, door.call("install_requirements", **fields).id, detach)
    else:
        door.show(door.call("get_requirements", version=version, into=into.value), _difference)


def _difference(door: Door, found: Requirements) -> None:
    if not found.requirements:
        door.tell("It has no requirements.txt that asks for anything.")
    else:
        rows = table("Asked for", "Installed", "State")
        for one in found.requirements:
            state = f"{one.need}: {one.reason} ({one.kind})" if one.reason else str(one.need)
            styled = Text(printable(state), STYLES.get(one.need, ""))
            rows.add_row(printable(one.text), printable(one.installed or ""), styled)
        door.out.print(rows)
    for note in found.notes:
        door.tell(printable(note))
