"""OpenAPI 3.1 made from the table of operations; `python -m jupyter_modeldeploy.api.openapi > docs/openapi.json`."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from jupyter_modeldeploy.api.operation import Operation
from jupyter_modeldeploy.api.operations import OPERATIONS
from jupyter_modeldeploy.records import Profile
from jupyter_modeldeploy.records.loads import LoadReport
from jupyter_modeldeploy.records.sweeps import SweepResult

REFERENCES = "#/components/schemas/{model}"
RESULTS = (SweepResult, Profile, LoadReport)
"""What jobs leave as their result, where it has a form of its own."""
ERROR_STATUSES = {
    "400": "The request is wrong; nothing was changed.",
    "401": "Not authenticated.",
    "403": "Not allowed, or the XSRF token is missing.",
    "404": "It is not there.",
    "409": "The state does not allow it.",
    "500": "It failed.",
    "503": "A needed part is missing or busy.",
    "507": "The disk is full.",
}


class ErrorDetail(BaseModel):
    code: str = Field(description="stable across releases")
    message: str = Field(description="what was wrong, with the value")
    hint: str = Field(description="what to do next")


class ErrorBody(BaseModel):
    error: ErrorDetail


def document() -> dict[str, Any]:
    """The description of every operation, with the schemas of all requests and responses."""
    inputs = [(operation.request, "validation") for operation in OPERATIONS]
    outputs = [(operation.response, "serialization") for operation in OPERATIONS]
    keys, definitions = models_json_schema(
        [*inputs, *outputs, *((made, "serialization") for made in (ErrorBody, *RESULTS))],  # type: ignore[list-item]  # a list of pairs of literals
        ref_template=REFERENCES,
    )
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        request_schema = _resolve(keys[operation.request, "validation"], definitions["$defs"])
        response = keys[operation.response, "serialization"]
        described = _describe(operation, request_schema, response, keys[ErrorBody, "serialization"])
        paths.setdefault(f"/modeldeploy/api/{operation.path}", {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "jupyter_modeldeploy", "version": version("jupyter_modeldeploy")},
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "Authorization"}},
        },
        "security": [{"token": []}],
    }


def _describe(
    operation: Operation, request: dict[str, Any], response: dict[str, Any], error: dict[str, Any]
) -> dict[str, Any]:
    properties, required = request.get("properties", {}), request.get("required", [])
    in_path = operation.path_parameters
    others = {name: schema for name, schema in properties.items() if name not in in_path}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [_parameter(name, properties[name], "path", True) for name in in_path],
        "responses": {
            str(operation.status): {"description": "Done.", "content": {"application/json": {"schema": response}}},
            **{
                status: {"description": text, "content": {"application/json": {"schema": error}}}
                for status, text in ERROR_STATUSES.items()
            },
        },
    }
    if operation.method == "POST" and others:
        needed = [name for name in required if name in others]
        schema = {"type": "object", "properties": others, "required": needed, "additionalProperties": False}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    else:
        described["parameters"] += [
            _parameter(name, schema, "query", name in required) for name, schema in others.items()
        ]
    return described


def _parameter(name: str, schema: dict[str, Any], place: str, required: bool) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _resolve(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref", "")
    resolved: dict[str, Any] = definitions[reference.rpartition("/")[2]] if reference else schema
    return resolved


def main() -> None:
    json.dump(document(), sys.stdout, indent=2, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
