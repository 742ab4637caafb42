"""What is said of a served model's routing, from files and beside what was said before."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jupyter_modeldeploy.errors import InvalidInput, NotFound, from_os_error, from_validation_error
from jupyter_modeldeploy.records import ServedModel

FIELDS = ("rules", "namespace", "shadow")


def read_routing(path: str | Path) -> dict[str, Any]:
    """The rules, namespace and shadow in a TOML file, or a JSON file. Raises InvalidInput for any other content."""
    path = Path(path)
    try:
        text = path.read_text()
        document = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise from_os_error(error, f"reading {path}") from error
    except ValueError as error:
        raise InvalidInput(f"{path} is no {path.suffix.lstrip('.') or 'JSON'}: {error}.") from error
    if not isinstance(document, dict) or not document.keys() <= set(FIELDS):
        raise InvalidInput(f"{path} holds something else than routing.", f"It may have {', '.join(FIELDS)}.")
    return document


def served_model(models: Sequence[ServedModel], model: str | None) -> ServedModel:
    """That model of a service, or its only one. Raises NotFound, and InvalidInput where there are several to choose
    from."""
    names = ", ".join(served.model for served in models)
    if model is None and len(models) > 1:
        raise InvalidInput(f"The service has several models: {names}.", "Say which.")
    for served in models:
        if model in (None, served.model):
            return served
    raise NotFound(f"{model!r} is not served.", f"Models: {names}.")


def routed(models: Sequence[ServedModel], routing: Mapping[str, Any], model: str | None = None) -> list[ServedModel]:
    """The models with the fields of `routing` (rules, namespace, shadow) given to one of them."""
    wanted = served_model(models, model)
    try:
        changed = ServedModel.model_validate({**wanted.model_dump(), **routing})
    except ValidationError as error:
        raise from_validation_error(error, f"the routing of {wanted.model!r}") from error
    return [changed if served is wanted else served for served in models]


def kept(models: Sequence[ServedModel], former: Sequence[ServedModel]) -> list[ServedModel]:
    """The models, each with the routing that it had before."""
    before = {served.model: {field: getattr(served, field) for field in FIELDS} for served in former}
    return [served.model_copy(update=before.get(served.model, {})) for served in models]
