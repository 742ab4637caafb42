"""`GET /openapi.json`: every route of this very service, with what its models take and give (OpenAPI 3.1)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from starlette.routing import BaseRoute, Route

from jupyter_modeldeploy import release
from jupyter_modeldeploy.datatypes import NUMPY
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.http import schemas
from jupyter_modeldeploy.serving.http.schemas import Schema, fields, list_of
from jupyter_modeldeploy.serving.snippets import IMAGE_TASKS
from jupyter_modeldeploy.signatures import TensorSpec

REFUSALS = {
    400: "the request is wrong; nothing was run",
    401: "the token is missing or wrong",
    403: "a page from elsewhere asked, or a caller whose token is not the service's own",
    404: "there is no such model, version or region",
    409: "the state of the service does not allow it",
    413: "the body is larger than the service takes",
    429: "this caller asks too often; Retry-After says when to ask again",
    500: "it failed, as the service's log tells",
    503: "too much is waiting, or the model cannot be asked now; Retry-After says when to ask again",
    504: "it took longer than the service allows",
}
EVERYWHERE = {400, 401, 403, 500, 503}
INFERENCE = {404, 409, 413, 429, 504}
FLOATS_END = {"FP16": 65520.0, "FP32": 2.0**128 - 2.0**103, "BF16": 2.0**128 - 2.0**119}
"""Where numbers begin that round to an infinity."""
LARGEST_EXAMPLE = 64
ZEROS: dict[str, str | bool] = {"BYTES": "", "BOOL": False}
CONTENT = {"/metrics": "text/plain", "/docs": "text/html"}
OUTCOMES = "/outcomes"
PREDICT, V1, V2 = "/predict", "/v1/", "/v2/"


def document(endpoint: Endpoint, routes: Sequence[BaseRoute]) -> Schema:
    """The description; `routes` are those of the application, of which the inference ones are told model by model."""
    paths: dict[str, Schema] = {}
    for route in routes:
        if isinstance(route, Route) and not _is_inference(route.path_format):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                paths.setdefault(route.path_format, {})[method.lower()] = _plain(endpoint, route, method)
    told = {PREDICT: _predict, V1: _v1, V2: _infer}
    for path, version, language in _inference(endpoint):
        paths[path] = {"post": told[language](version)}
    asks_token = endpoint.spec is None or endpoint.spec.auth == "token"
    return {
        "openapi": "3.1.0",
        "info": {"title": endpoint.service, "version": release.version()},
        "security": [{"bearer": []}, {"basic": []}] if asks_token else [],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "the token as the password"},
            },
            "schemas": {
                "Error": schemas.OWN_ERROR,
                "V2Error": schemas.V2_ERROR,
                "Predictions": schemas.PREDICTIONS,
                "V1Predictions": schemas.V1_PREDICTIONS,
            },
        },
    }


def _is_inference(path: str) -> bool:
    return path.startswith("/predict") or path.endswith(("/infer", ":predict"))


def _inference(endpoint: Endpoint) -> Iterator[tuple[str, ServedVersion, str]]:
    """Each inference route: its path, a version that answers there, and the language that it speaks."""
    for position, model in enumerate(endpoint.models.values()):
        first = model.get(None)
        if position == 0:
            yield "/predict", first, PREDICT
        for suffix, version in [("", first), *((f"/versions/{n}", one) for n, one in model.versions.items())]:
            yield f"/predict/{model.name}{suffix}", version, PREDICT
            yield f"/v1/models/{model.name}{suffix}:predict", version, V1
            yield f"/v2/models/{model.name}{suffix}/infer", version, V2


def _plain(endpoint: Endpoint, route: Route, method: str) -> Schema:
    path = route.path_format
    statuses = EVERYWHERE | ({404} if "{" in path else set())
    told: Schema = {"summary": route.name, "parameters": _parameters(endpoint, path)}
    if method == "POST" and path in schemas.BODIES:
        body = schemas.BODIES[path]
        told["requestBody"] = {"required": "required" in body, "content": {"application/json": {"schema": body}}}
        statuses |= {409, 413}
    refusals = _refusals(path, statuses)
    if method == "POST" and path in schemas.REFUSED:
        return {**told, "responses": refusals}
    answer = schemas.ANSWERS.get(path.replace("/versions/{version}", ""), schemas.ANY_OBJECT)
    if answer is schemas.READINESS:
        refused = refusals["503"]["content"]["application/json"]
        refused["schema"] = {"anyOf": [schemas.READINESS, refused["schema"]]}
    kind = CONTENT.get(path, "application/json")
    content = {kind: {"schema": answer} if kind == "application/json" else {}}
    success = {"202": {"description": "so many were taken", "content": content}} if path == OUTCOMES else None
    return {**told, "responses": {**(success or {"200": {"description": "it is so", "content": content}}), **refusals}}


def _parameters(endpoint: Endpoint, path: str) -> list[Schema]:
    """The names in the path, with those that there are."""
    known = {
        "model": list(endpoint.models),
        "version": sorted({number for model in endpoint.models.values() for number in model.versions}, key=int),
    }
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    kinds = {name: {"enum": known[name]} if name in known else {} for name in names}
    return [
        {"name": name, "in": "path", "required": True, "schema": {**schemas.STRING, **kind}}
        for name, kind in kinds.items()
    ]


def _predict(version: ServedVersion) -> Schema:
    content: Schema = {"application/json": {"schema": schemas.TEXT}, "text/plain": {"schema": schemas.STRING}}
    if version.task_name in IMAGE_TASKS:
        files: Schema = {"schema": {"type": "string", "format": "binary"}}
        content = {"application/json": {"schema": schemas.IMAGE}, "image/*": files}
    elif version.task_name == "tensor":
        specs = version.signature.inputs
        body = fields({"inputs": _tensors(specs)}, "inputs")
        alone = [_nested(specs[0])] if len(specs) == 1 and specs[0].shape else []
        content = {"application/json": {"schema": {"anyOf": [body, *alone]}}}
    elif version.task_name == "function":
        call = schemas.call(version.signature.inputs)
        content = {"application/json": {"schema": {"anyOf": [call, list_of(call, minItems=1), schemas.ANY]}}}
    summary = f"{version.model} in the words of its task, {version.task_name}"
    return _asked(summary, content, {"$ref": "#/components/schemas/Predictions"}, PREDICT)


def _v1(version: ServedVersion) -> Schema:
    specs = version.signature.inputs
    if version.task_name == "tensor":
        rows, inputs = _tensors([replace(spec, shape=spec.shape[1:]) for spec in specs]), _tensors(specs)
    elif version.task_name in IMAGE_TASKS:
        rows, inputs = schemas.IMAGE_INSTANCE, schemas.ANY
    elif version.task_name == "function":
        rows, inputs = schemas.call(specs), schemas.ANY
    else:
        rows, inputs = schemas.TEXT_INSTANCE, schemas.TEXT
    # instances are all of one kind
    by_row: Schema = {"anyOf": [list_of(row, minItems=1) for row in rows.get("anyOf", [rows])]}
    body = {
        "oneOf": [
            fields({"instances": by_row, "inputs": schemas.NOTHING}, "instances"),
            fields({"inputs": inputs, "instances": schemas.NOTHING}, "inputs"),
        ]
    }
    summary = f"{version.model} in instances and predictions: the prediction protocol V1"
    content = {"application/json": {"schema": body}}
    return _asked(summary, content, {"$ref": "#/components/schemas/V1Predictions"}, V1)


def _infer(version: ServedVersion) -> Schema:
    summary = f"{version.model} in tensors: Open Inference Protocol V2"
    json = {"schema": _v2_request(version), **_v2_example(version.signature.inputs)}
    content = {"application/json": json, "application/octet-stream": {}}
    return _asked(summary, content, _v2_response(version), V2)


def _asked(summary: str, content: Schema, answer: Schema, path: str) -> Schema:
    """An inference route: what it takes, by media type, and what it answers."""
    header = {"X-Model-Version": {"description": "NAME@N", "schema": schemas.STRING}}
    answers: Schema = {"application/json": {"schema": answer}}
    if path == V2:
        answers["application/octet-stream"] = {}
    answered = {"description": "the model's answer", "headers": header, "content": answers}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": content},
        "responses": {"200": answered, **_refusals(path, EVERYWHERE | INFERENCE)},
    }


def _refusals(path: str, statuses: set[int]) -> Schema:
    name = "V2Error" if path == "/v2" or path.startswith(V2) else "Error"
    return {
        str(status): {
            "description": REFUSALS[status],
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
        }
        for status in sorted(statuses)
    }


def _v2_request(version: ServedVersion) -> Schema:
    inputs = version.signature.inputs
    tensors = [
        fields(
            {
                "name": {"const": spec.name},
                "shape": list_of(schemas.SIZE),
                "datatype": {"const": spec.dtype},
                "data": list_of(schemas.ANY),
                "parameters": schemas.PARAMETERS,
            },
            *("name", "shape", "datatype"),
        )
        for spec in inputs
    ]
    names = {"enum": [spec.name for spec in version.signature.outputs]}
    wanted = fields({"name": names, "parameters": schemas.PARAMETERS}, "name")
    return fields(
        {
            "id": {"type": ["string", "null"]},
            "parameters": schemas.PARAMETERS,
            "inputs": list_of({"oneOf": tensors}, minItems=len(inputs), maxItems=len(inputs)),
            "outputs": list_of(wanted) | {"type": ["array", "null"]},
        },
        "inputs",
    )


def _v2_example(inputs: Sequence[TensorSpec]) -> Schema:
    """Tensors of one row of zeros, where they are small: no schema says that shape and data must agree."""
    tensors = []
    for spec in inputs:
        shape = [1 if size < 0 else size for size in spec.shape]
        if math.prod(shape) > LARGEST_EXAMPLE:
            return {}
        data = [ZEROS.get(spec.dtype, 0)] * math.prod(shape)
        tensors.append({"name": spec.name, "shape": shape, "datatype": spec.dtype, "data": data})
    return {"example": {"inputs": tensors}}


def _v2_response(version: ServedVersion) -> Schema:
    return fields(
        {
            "model_name": {"const": version.model},
            "model_version": schemas.STRING,
            "id": schemas.STRING,
            "outputs": list_of(schemas.TENSOR),
        },
        *("model_name", "outputs"),
    )


def _tensors(specs: Sequence[TensorSpec]) -> Schema:
    """The tensors by their names; of a model of one input without the name, too."""
    named = fields({spec.name: _nested(spec) for spec in specs}, *(spec.name for spec in specs), closed=True)
    return {"anyOf": [named, _nested(specs[0])]} if len(specs) == 1 else named


def _nested(spec: TensorSpec) -> Schema:
    """A list in a list for each dimension of the tensor."""
    schema = _value(spec.dtype)
    for size in reversed(spec.shape):
        schema = list_of(schema, **({"minItems": size, "maxItems": size} if size >= 0 else {"minItems": 1}))
    return schema


def _value(datatype: str) -> Schema:
    """One value of the datatype, within its limits."""
    dtype = NUMPY[datatype]
    if datatype == "BYTES":
        return schemas.STRING
    if datatype == "BOOL":
        return schemas.BOOLEAN
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return {"type": "integer", "minimum": int(limits.min), "maximum": int(limits.max)}
    end = FLOATS_END.get(datatype)
    return {"type": "number"} if end is None else {"type": "number", "exclusiveMinimum": -end, "exclusiveMaximum": end}
