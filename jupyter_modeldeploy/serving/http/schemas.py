"""What the routes of a service take and give, as JSON Schema: the parts that are the same for every service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_modeldeploy.datatypes import NUMPY
from jupyter_modeldeploy.signatures import TensorSpec

Schema = dict[str, Any]

MAX_SIZE = 2**63 - 1


def fields(properties: Mapping[str, Schema], *required: str, closed: bool = False) -> Schema:
    """An object with these properties; `closed`: and no others."""
    schema: Schema = {"type": "object", "properties": dict(properties)}
    return (
        schema
        | ({"required": list(required)} if required else {})
        | ({"additionalProperties": False} if closed else {})
    )


def list_of(items: Schema, **limits: int) -> Schema:
    return {"type": "array", "items": items, **limits}


def call(inputs: Sequence[TensorSpec]) -> Schema:
    """An object with a function's parameters."""
    kinds = {one.name: ARGUMENTS[one.dtype] for one in inputs}
    return fields(kinds, *(one.name for one in inputs if not one.optional), closed=True)


ANY: Schema = {}
NOTHING: Schema = {"not": {}}
STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
ARGUMENTS: dict[str, Schema] = {
    "BOOL": BOOLEAN,
    "INT64": {"type": "integer"},
    "FP64": {"type": "number"},
    "BYTES": ANY,
}
"""Of a function's parameters, by how they are sent: BYTES hold a text or any JSON."""
SIZE: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_SIZE}
ANY_OBJECT: Schema = {"type": "object"}
PARAMETERS: Schema = {"type": ["object", "null"]}
"""Of V2's requests, where null is as good as nothing."""

# Requests

TEXT: Schema = {
    "oneOf": [
        STRING,
        list_of(STRING, minItems=1, maxItems=1024),
        fields({"text": STRING}, "text", closed=True),
        fields({"texts": list_of(STRING, minItems=1, maxItems=1024)}, "texts", closed=True),
    ]
}
TEXT_INSTANCE: Schema = {"oneOf": [STRING, fields({"text": STRING}, "text", closed=True)]}
FILE: Schema = {"type": "string", "contentEncoding": "base64"}
IMAGE: Schema = {
    "oneOf": [fields({"image": FILE}, "image"), fields({"images": list_of(FILE, minItems=1)}, "images")],
}
IMAGE_INSTANCE: Schema = {"oneOf": [FILE, fields({"b64": FILE}, "b64", closed=True)]}
REGISTER: Schema = fields(
    {"key": STRING, "offset": SIZE, "byte_size": {**SIZE, "minimum": 1}},
    "key",
    "byte_size",
)
OUTCOME: Schema = {
    **fields(
        {
            "unit": {**STRING, "minLength": 1, "maxLength": 1024},
            "request_id": {**STRING, "minLength": 1, "maxLength": 1024},
            "metric": {**STRING, "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
            "value": {"type": "number", "minimum": -1e15, "maximum": 1e15, "default": 1},
            "id": {**STRING, "minLength": 1, "maxLength": 1024},
            "at": {"type": ["number", "string"], "description": "ISO 8601 with its zone, or seconds since 1970"},
            "before": {**BOOLEAN, "description": "from before the experiment, of a unit"},
        },
        "metric",
        closed=True,
    ),
    "oneOf": [{"required": ["unit"]}, {"required": ["request_id"]}],
}
BODIES: dict[str, Schema] = {
    "/outcomes": fields({"outcomes": list_of(OUTCOME, maxItems=10_000)}, "outcomes", closed=True),
    "/v2/repository/index": fields({"ready": BOOLEAN}),
    "/v2/repository/models/{model}/load": fields({"parameters": {"type": "object", "maxProperties": 0}}),
    "/v2/repository/models/{model}/unload": fields({"parameters": ANY_OBJECT}),
    "/v2/systemsharedmemory/region/{region}/register": REGISTER,
}
"""Of the routes beside inference that read a body: an object, which may be left out where nothing in it must be."""
REFUSED = {
    "/v2/cudasharedmemory/region/{region}/register",
    "/v2/logging",
    "/v2/models/{model}/trace/setting",
    "/v2/trace/setting",
}
"""Routes whose POST is refused whatever it says."""

# Answers

OWN_ERROR = fields(
    {"error": fields({"code": STRING, "message": STRING, "hint": STRING}, "code", "message", "hint")}, "error"
)
V2_ERROR = fields({"error": STRING}, "error")
PREDICTIONS = fields({"model": STRING, "predictions": list_of(ANY)}, "model", "predictions")
V1_PREDICTIONS: Schema = {
    "oneOf": [fields({"predictions": list_of(ANY)}, "predictions"), fields({"outputs": ANY}, "outputs")]
}
TENSOR = fields(
    {
        "name": STRING,
        "shape": list_of({"type": "integer"}),
        "datatype": {"enum": list(NUMPY)},
        "data": list_of(ANY),
        "parameters": ANY_OBJECT,
    },
    "name",
    "shape",
    "datatype",
)
READINESS = fields({"name": STRING, "ready": BOOLEAN}, "name", "ready")
_TOLD = fields({"name": STRING, "datatype": STRING, "shape": list_of({"type": "integer"})}, "name", "datatype", "shape")
_METADATA = fields(
    {
        "name": STRING,
        "versions": list_of(STRING),
        "platform": STRING,
        "inputs": list_of(_TOLD),
        "outputs": list_of(_TOLD),
    },
    *("name", "versions", "platform", "inputs", "outputs"),
)
_STATISTICS = fields(
    {"model_stats": list_of(fields({"name": STRING, "version": STRING}, "name", "version"))}, "model_stats"
)
_STATE = fields({"name": STRING, "version": STRING, "state": STRING, "reason": STRING}, "name", "version", "state")
_REGION = fields({"name": STRING, "key": STRING, "offset": SIZE, "byte_size": SIZE}, "name", "key", "byte_size")
ANSWERS: dict[str, Schema] = {
    "/": fields(
        {"status": STRING, "service": STRING, "models": list_of(ANY_OBJECT), "routes": ANY_OBJECT},
        *("status", "service", "models", "routes"),
    ),
    "/outcomes": fields({"taken": SIZE}, "taken"),
    "/openapi.json": fields({"openapi": STRING, "info": ANY_OBJECT, "paths": ANY_OBJECT}, "openapi", "info", "paths"),
    "/v1/models": fields({"models": list_of(STRING)}, "models"),
    "/v1/models/{model}": READINESS,
    "/v2": fields({"name": STRING, "version": STRING, "extensions": list_of(STRING)}, "name", "version", "extensions"),
    "/v2/health/live": fields({"live": BOOLEAN}, "live"),
    "/v2/health/ready": fields({"ready": BOOLEAN}, "ready"),
    "/v2/models/stats": _STATISTICS,
    "/v2/models/{model}": _METADATA,
    "/v2/models/{model}/config": fields({"name": STRING, "platform": STRING, "input": list_of(ANY_OBJECT)}, "name"),
    "/v2/models/{model}/ready": READINESS,
    "/v2/models/{model}/stats": _STATISTICS,
    "/v2/repository/index": list_of(_STATE),
    "/v2/repository/models/{model}/load": fields({"name": STRING, "load": BOOLEAN}, "name", "load"),
    "/v2/repository/models/{model}/unload": fields({"name": STRING, "unload": BOOLEAN}, "name", "unload"),
    "/v2/systemsharedmemory/status": list_of(_REGION),
    "/v2/systemsharedmemory/region/{region}/status": list_of(_REGION),
    "/v2/cudasharedmemory/status": list_of(ANY_OBJECT, maxItems=0),
    "/v2/cudasharedmemory/region/{region}/status": list_of(ANY_OBJECT, maxItems=0),
}
"""Of the routes beside inference; a version's is its model's, and any other an object."""
