"""Nothing that a caller can meet is undocumented, and what is checked in is what the code says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from jupyter_modeldeploy import errors
from jupyter_modeldeploy.api.openapi import document
from jupyter_modeldeploy.api.operations import OPERATIONS
from jupyter_modeldeploy.settings import PREFIX, Settings

DOCS = Path(__file__).parents[2] / "docs"


def test_the_openapi_document_that_is_checked_in_is_the_generated_one() -> None:
    assert json.loads((DOCS / "openapi.json").read_text()) == document(), "run: make generate"


def test_every_schema_is_valid_and_every_reference_resolves() -> None:
    described = document()
    schemas = described["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    references = {part.partition('"')[0] for part in json.dumps(described).split("#/components/schemas/")[1:]}
    assert references <= set(schemas)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_route_is_documented(operation: object) -> None:
    assert f"`{operation.method} {operation.path}`" in (DOCS / "api.md").read_text()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", Settings.names)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{PREFIX}{name}`" in (DOCS / "settings.md").read_text()


def test_every_error_code_is_documented() -> None:
    found = {
        value.code
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.ModelDeployError)
    }
    page = (DOCS / "api.md").read_text()
    assert [code for code in sorted(found) if f"`{code}`" not in page] == []
