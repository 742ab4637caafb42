"""A service's log: one file for its supervisor and its server processes, begun anew at each start."""

from __future__ import annotations

import os
from pathlib import Path

LOG_FILE = "service.log"
TAIL_BYTES = 64 * 1024


def begin(folder: Path) -> int:
    """A descriptor of the emptied log, to which several processes may append."""
    return os.open(folder / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)


def tail(folder: Path, lines: int) -> str:
    """The last lines of the log, of its last 64 KiB; empty where there is none."""
    try:
        with (folder / LOG_FILE).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
