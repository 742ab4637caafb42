"""What a model's repository asks to be installed: read as hostile text, compared, and installed on request.

A requirements.txt can do more than name packages: it can point pip at another index, at a repository or a file. Such
lines are refused unless they are allowed one kind at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from jupyter_modeldeploy.records import Requirement
from jupyter_modeldeploy.requirements.comparing import compared
from jupyter_modeldeploy.requirements.environment import installed_here
from jupyter_modeldeploy.requirements.reading import read

__all__ = ["difference"]


def difference(
    folder: Path, installed: Mapping[str, str] | None = None, allow: Collection[str] = ()
) -> list[Requirement]:
    """How each line of the folder's requirements.txt stands to `installed` (versions by normalised name; without it,
    the packages of this Python). Lines of the kinds in `allow` are not refused. Nothing is run or asked.

    Raises InvalidInput for a file that is too long to be one of requirements."""
    return compared(read(folder, allow), installed_here() if installed is None else installed)
