"""The file of a folder that holds the model."""

from __future__ import annotations

from pathlib import Path

from jupyter_modeldeploy.errors import NotFound


def only_file(folder: Path, suffixes: tuple[str, ...]) -> Path:
    """The folder's `model<suffix>`, or its only file with one of the `suffixes`. Raises NotFound."""
    for suffix in suffixes:
        if (named := folder / f"model{suffix}").is_file():
            return named
    found = sorted(path for path in folder.iterdir() if path.suffix in suffixes and path.is_file())
    wanted = " or ".join(suffixes)
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or f"no {wanted} file"
        raise NotFound(f"{folder.name} holds {names}.", f"It needs model{suffixes[0]} or exactly one *{wanted}.")
    return found[0]
