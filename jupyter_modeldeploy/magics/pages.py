"""`--help` in a cell: the same words as docs/cli.md has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from jupyter_modeldeploy.cli.reference import section

HELP = ("--help", "-h")
IN_A_CELL = (
    "`-o NAME` keeps what came out in a variable. `$name` and `{expression}` put Python's values in, but not between "
    "single quotes. `%modeldeploy COMMAND --help` tells the options of each."
)


def asked_for(program: Any, words: Sequence[str]) -> str | None:
    """The page, in Markdown, where the words ask for help: with `--help`, or with a group of commands and none of them.
    None where they are to be run."""
    command, name, rest = program, "%modeldeploy", list(words)
    asked = False
    for word in words:
        inner = getattr(command, "commands", {})
        if word == "--":
            break
        asked = asked or word in HELP
        if word in inner:
            command, name = inner[word], f"{name} {word}"
            rest = rest[rest.index(word) + 1 :]
    if asked or (not rest and getattr(command, "no_args_is_help", False)):
        return _page(command, name)
    return None


def _page(command: Any, name: str) -> str:
    inner = getattr(command, "commands", None)
    if inner is None:
        page = section(name, command, command.get_params(typer.Context(command)))
        return page.replace("\n```bash\nmodeldeploy", "\n```\n%modeldeploy")
    rows = [f"| `{name} {each}` | {_first_line(one)} |" for each, one in sorted(inner.items())]
    return "\n".join([f"### `{name}`", "", command.help or "", "", "| | |", "|---|---|", *rows, "", IN_A_CELL])


def _first_line(command: Any) -> str:
    return str(command.help or "").strip().partition("\n")[0]
