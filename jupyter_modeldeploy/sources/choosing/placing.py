"""Which files of a repository are wanted, and where each belongs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from jupyter_modeldeploy.errors import NotFound
from jupyter_modeldeploy.sources import archive
from jupyter_modeldeploy.sources.choosing import choice
from jupyter_modeldeploy.sources.reference import Selection


def places(paths: Sequence[str], path: str, where: str, selection: Selection, *, whole: bool = False) -> dict[str, str]:
    """The wanted ones of a repository's files, each with its place below the new folder.

    `path` is a folder of the repository, one file, or empty for all. Of a folder a model's files are chosen, with
    `whole` all that the selection's patterns leave (for data). Raises NotFound for a path that is not there,
    InvalidInput where nothing is left, UnsafeContent for a name that would leave the folder."""
    if path in paths:
        names = {PurePosixPath(path).name: path}
    else:
        below = f"{path}/" if path else ""
        names = {one.removeprefix(below): one for one in paths if one.startswith(below)}
    if not names:
        raise NotFound(f"{where} has no {path or 'files'}.", _some(paths))
    if whole or path in paths:
        chosen = choice.matching([name for name in names if not name.startswith(".git")], where, selection)
        wanted = chosen
    else:
        chosen = choice.choose(list(names), where, selection)
        wanted = choice.placed(chosen, selection)
    return {names[name]: str(archive.relative_path(place, where)) for name, place in zip(chosen, wanted, strict=True)}


def _some(paths: Sequence[str]) -> str:
    tops = sorted({PurePosixPath(one).parts[0] for one in paths})
    return f"At its top: {', '.join(tops[:8])}{' …' if len(tops) > 8 else ''}." if tops else "It holds no files at all."
