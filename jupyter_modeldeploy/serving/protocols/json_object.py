"""Requests that are a JSON object, in whichever language."""

from __future__ import annotations

from typing import Any

import orjson

from jupyter_modeldeploy.errors import InvalidInput


def json_object(body: bytes, hint: str = "") -> dict[str, Any]:
    """The object in the body. Raises InvalidInput, with the hint, for anything else."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The request is not JSON: {error}.", hint) from None
    if not isinstance(content, dict):
        raise InvalidInput("The request must be a JSON object.", hint)
    return content
