"""The files of a folder: plain ones only, with names that mean one file on every disk."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from jupyter_modeldeploy.errors import UnsafeContent

NOTHING = "Nothing was added."


def plain_files(folder: Path) -> list[tuple[Path, str]]:
    """Every file below `folder` with its name below it, sorted. Raises UnsafeContent for links, devices and names
    that differ only in case or in how an accent is written."""
    files, names = [], dict[str, str]()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            kind = "link" if path.is_symlink() else "device"
            raise UnsafeContent(f"{name} is a {kind}, and a model is made of plain files.", NOTHING)
        same = unicodedata.normalize("NFC", name).casefold()
        if (twin := names.setdefault(same, name)) != name:
            raise UnsafeContent(f"{twin} and {name} are one file on many disks.", NOTHING)
        if path.is_file():
            files.append((path, name))
    return files
