"""The files among those that were fetched, and the side of the split that their names say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from jupyter_modeldeploy.datasets.split import NAMES
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import SplitName

PART = re.compile(r"[-_]?\d+-of-\d+$")
JUNK = ("__MACOSX", "Thumbs.db", "desktop.ini")


def below(folder: Path) -> list[Path]:
    """Every file below `folder` but hidden ones and what desktops leave, in the order of their names; `folder` itself,
    if it is a file."""
    if folder.is_file():
        return [folder]
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") or part in JUNK for part in path.relative_to(folder).parts)
    ]


def with_suffix(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Those that end so, whatever the case."""
    return [path for path in below(folder) if path.suffix.lower() in suffixes]


def side_of(path: Path) -> SplitName | None:
    """The side that a file's name says, as `train-00000-of-00002.parquet`, `reviews_test.csv` or `dev/data.arrow`."""
    words = [*re.split(r"[^a-z]+", path.name.partition(".")[0].lower()), path.parent.name.lower()]
    said = {NAMES[word] for word in words if word in NAMES}
    return said.pop() if len(said) == 1 else None


def divided(files: Sequence[Path], root: Path, what: str) -> list[tuple[SplitName | None, Path]]:
    """The files that make up one dataset, each with its side, or with None where there is but one side.

    Raises InvalidInput unless they are one file, the parts of one, or one (or the parts of one) for each side."""
    by_side: dict[SplitName | None, set[str]] = {}
    for path in files:
        by_side.setdefault(side_of(path) if len(files) > 1 else None, set()).add(_whole(path))
    if not files or any(len(wholes) > 1 for wholes in by_side.values()) or (None in by_side and len(by_side) > 1):
        there = files or below(root)
        names = ", ".join(path.relative_to(root).as_posix() if path != root else path.name for path in there[:10])
        raise InvalidInput(
            f"A dataset is one file ({what}), or one for each of train, validation and test; here are "
            f"{names or 'no files'}.",
            "Name one file or folder, with #PATH if need be.",
        )
    if len(by_side) == 1:
        return [(None, path) for path in files]
    return [(side_of(path), path) for path in files]


def _whole(path: Path) -> str:
    """What the parts of one table have in common."""
    return str(path.parent / PART.sub("", path.stem))
