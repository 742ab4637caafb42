"""What the JSON files beside a model say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file, empty when there is no such file. Raises InvalidInput for a broken one."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InvalidInput(f"{path.name} is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise InvalidInput(f"{path.name} is not a JSON object.")
    return content


def class_names(folder: Path) -> dict[int, str]:
    """The names of the classes by their number: `id2label` of config.json, else the lines of labels.txt, else none."""
    named = read_json(folder / "config.json").get("id2label")
    if isinstance(named, dict) and named:
        try:
            return {int(number): str(name) for number, name in named.items()}
        except ValueError as error:
            raise InvalidInput(f"config.json numbers its classes {list(named)[:5]}.", "Use 0, 1, 2, …") from error
    lines = folder / "labels.txt"
    if not lines.is_file():
        return {}
    return dict(enumerate(lines.read_text("utf-8", "replace").splitlines()))
