"""`GET /openapi.json`: every route of this very service, with what its models take and give (OpenAPI 3.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version as version_of
from typing import Any

from starlette.routing import BaseRoute, Route

from jupyter_modeldeploy.datatypes import NUMPY
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.snippets import IMAGE_TASKS
from jupyter_modeldeploy.signatures import TensorSpec

Schema = dict[str, Any]

REFUSALS = {
    400: "the request is wrong; nothing was run",
    401: "the token is missing or wrong",
    403: "a page from elsewhere asked",
    404: "there is no such model or version",
    409: "the state of the service does not allow it",
    413: "the body is larger than the service takes",
    429: "this caller asks too often; Retry-After says when to ask again",
    500: "the model failed on this request",
    503: "too much is waiting, or the model cannot be asked now; Retry-After says when to ask again",
    504: "it took longer than the service allows",
}
CONTENT = {"/metrics": "text/plain", "/docs": "text/html"}
TEXT: Schema = {
    "oneOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
        {"type": "object", "properties": {"text": {"type": "string", "minLength": 1}}, "required": ["text"]},
        {
            "type": "object",
            "properties": {"texts": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1}},
            "required": ["texts"],
        },
    ]
}
FILE: Schema = {"type": "string", "contentEncoding": "base64"}
IMAGE: Schema = {
    "oneOf": [
        {"type": "object", "properties": {"image": FILE}, "required": ["image"]},
        {
            "type": "object",
            "properties": {"images": {"type": "array", "items": FILE, "minItems": 1}},
            "required": ["images"],
        },
    ]
}
OWN_ERROR: Schema = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "hint": {"type": "string"}},
            "required": ["code", "message", "hint"],
        }
    },
    "required": ["error"],
}
V2_ERROR: Schema = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
PREDICTIONS: Schema = {
    "type": "object",
    "properties": {"model": {"type": "string"}, "predictions": {"type": "array"}},
    "required": ["model", "predictions"],
}


def document(endpoint: Endpoint, routes: Sequence[BaseRoute]) -> Schema:
    """The description; `routes` are those of the application, of which the inference ones are told model by model."""
    paths: dict[str, Schema] = {}
    for route in routes:
        if isinstance(route, Route) and not _is_inference(route.path_format):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                paths.setdefault(route.path_format, {})[method.lower()] = _plain(route, method)
    for path, version, v2 in _inference(endpoint):
        paths[path] = {"post": _infer(version) if v2 else _predict(version)}
    return {
        "openapi": "3.1.0",
        "info": {"title": endpoint.service, "version": version_of("jupyter_modeldeploy")},
        "security": [{"bearer": []}, {"basic": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "the token as the password"},
            },
            "schemas": {"Error": OWN_ERROR, "V2Error": V2_ERROR, "Predictions": PREDICTIONS},
        },
    }


def _is_inference(path: str) -> bool:
    return path.startswith("/predict") or path.endswith("/infer")


def _inference(endpoint: Endpoint) -> Iterator[tuple[str, ServedVersion, bool]]:
    """Each inference route: its path, a version that answers there, and whether it speaks V2."""
    for position, model in enumerate(endpoint.models.values()):
        first = model.get(None)
        if position == 0:
            yield "/predict", first, False
        yield f"/predict/{model.name}", first, False
        yield f"/v2/models/{model.name}/infer", first, True
        for number, version in model.versions.items():
            yield f"/predict/{model.name}/versions/{number}", version, False
            yield f"/v2/models/{model.name}/versions/{number}/infer", version, True


def _plain(route: Route, method: str) -> Schema:
    kind = CONTENT.get(route.path_format, "application/json")
    names = [part[1:-1] for part in route.path_format.split("/") if part.startswith("{")]
    told: Schema = {
        "summary": route.name,
        "parameters": [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names],
        "responses": {"200": {"description": "it is so", "content": {kind: {}}}, **_refusals(route.path_format)},
    }
    if method == "POST":
        told["requestBody"] = {"content": {"application/json": {"schema": {"type": "object"}}}}
    return told


def _predict(version: ServedVersion) -> Schema:
    content: Schema = {"application/json": {"schema": TEXT}, "text/plain": {"schema": {"type": "string"}}}
    if version.task_name in IMAGE_TASKS:
        content = {"application/json": {"schema": IMAGE}, "image/*": {"schema": {"type": "string", "format": "binary"}}}
    elif version.task_name == "tensor":
        inputs = {spec.name: _nested(spec.dtype, spec.shape) for spec in version.signature.inputs}
        tensors = {"type": "object", "properties": inputs, "required": list(inputs), "additionalProperties": False}
        body = {"type": "object", "properties": {"inputs": tensors}, "required": ["inputs"]}
        content = {"application/json": {"schema": body}}
    answer = {"$ref": "#/components/schemas/Predictions"}
    return {
        "summary": f"{version.model} in the words of its task, {version.task_name}",
        "requestBody": {"required": True, "content": content},
        "responses": {"200": _answered(answer), **_refusals("/predict")},
    }


def _infer(version: ServedVersion) -> Schema:
    return {
        "summary": f"{version.model} in tensors: Open Inference Protocol V2",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _v2_request(version.signature.inputs)}},
        },
        "responses": {"200": _answered(_v2_response(version)), **_refusals("/v2/")},
    }


def _answered(schema: Schema) -> Schema:
    header = {"X-Model-Version": {"description": "NAME@N", "schema": {"type": "string"}}}
    content = {"application/json": {"schema": schema}, "application/octet-stream": {}}
    return {"description": "the model's answer", "headers": header, "content": content}


def _refusals(path: str) -> Schema:
    name = "V2Error" if path == "/v2" or path.startswith("/v2/") else "Error"
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    return {str(status): {"description": text, "content": content} for status, text in REFUSALS.items()}


def _v2_request(inputs: Sequence[TensorSpec]) -> Schema:
    tensors = [
        _object(
            {
                "name": {"const": spec.name},
                "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                "datatype": {"const": spec.dtype},
                "data": {"type": "array"},
                "parameters": {"type": "object"},
            },
            ["name", "shape", "datatype"],
        )
        for spec in inputs
    ]
    names = _object({"name": {"type": "string"}, "parameters": {"type": "object"}}, ["name"])
    return _object(
        {
            "id": {"type": "string"},
            "parameters": {"type": "object"},
            "inputs": {"type": "array", "items": {"oneOf": tensors}, "minItems": len(inputs)},
            "outputs": {"type": "array", "items": names},
        },
        ["inputs"],
    )


def _v2_response(version: ServedVersion) -> Schema:
    tensor = _object(
        {
            "name": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer"}},
            "datatype": {"enum": list(NUMPY)},
            "data": {"type": "array"},
            "parameters": {"type": "object"},
        },
        ["name", "shape", "datatype"],
    )
    return _object(
        {
            "model_name": {"const": version.model},
            "model_version": {"type": "string"},
            "id": {"type": "string"},
            "outputs": {"type": "array", "items": tensor},
        },
        ["model_name", "outputs"],
    )


def _object(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required}


def _nested(datatype: str, shape: Sequence[int]) -> Schema:
    """A list in a list for each dimension of the tensor."""
    kinds: dict[str, Schema] = {"B": {"type": "string"}, "O": {"type": "boolean"}, "F": {"type": "number"}}
    schema = kinds.get({"BOOL": "O", "BF16": "F"}.get(datatype, datatype[0]), {"type": "integer"})
    for size in reversed(shape):
        schema = {"type": "array", "items": schema, **({"minItems": size, "maxItems": size} if size >= 0 else {})}
    return schema
