"""What people ask of a live experiment, as files in its job's folder: whoever works on it finds them there, also one
that was started again."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from jupyter_modeldeploy.experiments.live.moves import Asked
from jupyter_modeldeploy.json_files import read_json

FOLDER = "asked"


@dataclass(frozen=True)
class Wish:
    path: Path
    action: Asked
    by: str
    note: str = ""
    """What else was done with it."""


def ask(folder: Path, action: Asked, by: str, note: str = "") -> Wish:
    """Leave the wish; it is done once its file is gone."""
    place = folder / FOLDER
    place.mkdir(mode=0o700, exist_ok=True)
    path = place / f"{time.time_ns():020d}.json"
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps({"action": action, "by": by, "note": note}))
    os.replace(beside, path)
    return Wish(path, action, by, note)


def wishes(folder: Path) -> list[Wish]:
    """What is yet to be done, the oldest first."""
    found = [(path, read_json(path)) for path in sorted((folder / FOLDER).glob("*.json"))]
    return [_wish(path, content) for path, content in found if content.get("action") in get_args(Asked)]


def _wish(path: Path, content: dict[str, Any]) -> Wish:
    return Wish(path, content["action"], str(content["by"]), str(content.get("note", "")))
