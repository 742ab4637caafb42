"""What stands below the line of `%%modeldeploy`: a function to serve, or what to ask a service."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modeldeploy.errors import InvalidInput

if TYPE_CHECKING:
    from jupyter_modeldeploy.workspace import Workspace

USES = (
    "%%modeldeploy serve NAME makes an endpoint of the cell's function, %%modeldeploy predict SERVICE asks it what the "
    "cell says; every other command is a line: %modeldeploy."
)


def command(words: list[str], cell: str, opened: Callable[[Path | None], Workspace]) -> list[str]:
    """The command that does what the line says with the cell: a function becomes the next version, and the service of
    that name serves it from now on. Raises InvalidInput where the line has no use for a cell, or the cell is not what
    the line is about."""
    at = next((at for at, word in enumerate(words) if word in ("serve", "predict")), None)
    name = words[at + 1] if at is not None and at + 1 < len(words) else ""
    if at is None or not name or name.startswith("-"):
        raise InvalidInput(f"%%modeldeploy {' '.join(words)} has no use for a cell.", USES)
    before, rest = words[:at], words[at + 2 :]
    if words[at] == "predict":
        return [*words, *_asking(cell)]
    root = Path(before[before.index("--root") + 1]) if "--root" in before[:-1] else None
    version = opened(root).models.define(name, cell)
    return [*before, "serve", version.ref, "--name", name, "--replace", *rest]


def _asking(cell: str) -> list[str]:
    """The cell as a request in JSON; where it is none, each of its lines as a text."""
    try:
        json.loads(cell)
    except ValueError:
        return ["-"]
    return ["--body", "-"]
