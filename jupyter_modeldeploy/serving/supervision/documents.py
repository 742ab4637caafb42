"""The JSON files of a service's folder through which its doors and its supervisor tell each other what they must know.

`plan.json` is what the doors want: written by them, read by the supervisor at its start and at each change.
`status.json` is what the supervisor observes: written when it changes, read by whoever looks.
`live.json` is what the replicas are busy with: written at most once a second.
`ports.json` is what the supervisor found where any port was asked for (`ports`): it stays for its next start."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

PLAN, STATUS, LIVE, PORTS = "plan.json", "status.json", "live.json", "ports.json"


def read(folder: Path, name: str) -> dict[str, Any] | None:
    """What the file says; None where there is none."""
    try:
        content = (folder / name).read_bytes()
    except FileNotFoundError:
        return None
    document: dict[str, Any] = json.loads(content)
    return document


def write(folder: Path, name: str, document: dict[str, Any]) -> None:
    """Replace the file as a whole: readers see the former one or this one. Raises OSError and leaves the former one."""
    content, temporary = json.dumps(document), folder / f"{name}.{os.getpid()}"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        os.replace(temporary, folder / name)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def forget(folder: Path, *names: str) -> None:
    """Remove the files where they are there."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
