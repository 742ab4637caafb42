"""The list of all commands in docs/cli.md, made from themselves: `python -m jupyter_modeldeploy.cli.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from jupyter_modeldeploy.cli.app import app

BEGIN = "<!-- commands: made by python -m jupyter_modeldeploy.cli.reference -->"
END = "<!-- end of commands -->"
ON_EVERY_COMMAND = ("--json", "--help")


def commands() -> Iterator[tuple[str, Any, list[Any]]]:
    """Each command: its full name, itself, and its arguments and options."""
    yield from _below("modeldeploy", typer.main.get_command(app))


def with_commands(page: str) -> str:
    """The page with its list of commands as they are now."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    listed = "\n".join(section(*each) for each in commands())
    return f"{before}{BEGIN}\n\n{listed}\n{END}{after}"


def _below(name: str, command: Any) -> Iterator[tuple[str, Any, list[Any]]]:
    for inner in getattr(command, "commands", {}).values():
        yield from _below(f"{name} {inner.name}", inner)
    if not hasattr(command, "commands"):
        yield name, command, command.get_params(typer.Context(command))


def section(name: str, command: Any, parameters: list[Any]) -> str:
    """One command: what it does, its arguments and options, and an example."""
    rows = [_row(each) for each in parameters if not set(each.opts) & set(ON_EVERY_COMMAND)]
    table = ["| | | Default |", "|---|---|---|", *rows, ""] if rows else []
    example = command.epilog.removeprefix("Example: ")
    return "\n".join([f"### `{name}`", "", command.help, "", *table, "```bash", example, "```", ""])


def _row(parameter: Any) -> str:
    is_argument = parameter.param_type_name == "argument"
    name = (
        (parameter.metavar or parameter.name.upper())
        if is_argument
        else ", ".join([*parameter.opts, *parameter.secondary_opts])
    )
    is_flag = parameter.default is False
    shown = "" if is_flag or parameter.default in (None, []) else f"`{parameter.default}`"
    default = "required" if parameter.required else shown
    return f"| `{name}` | {parameter.help.replace('|', chr(92) + '|')} | {default} |"


def main(path: str = "docs/cli.md") -> None:
    page = Path(path)
    page.write_text(with_commands(page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
