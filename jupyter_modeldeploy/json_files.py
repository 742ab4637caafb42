"""JSON files that lie beside a model."""

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
