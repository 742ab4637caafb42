"""`POST /v1/models/M[/versions/V]:predict`: the prediction protocol V1, as TensorFlow Serving and KServe speak it.

Row format: `{"instances": [one per row]}` is answered by `{"predictions": [one per row]}`. Column format:
`{"inputs": …}` is answered by `{"outputs": …}`. A model of one input takes its values without the name, one of one
output gives them so. An instance for a model of texts or images is what it is, or an object that holds it."""

from __future__ import annotations

from typing import Any, Literal

import orjson

from jupyter_modeldeploy import datatypes
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, shown
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.http.replies import Reply, error_reply
from jupyter_modeldeploy.serving.protocols.answering import answer
from jupyter_modeldeploy.serving.protocols.call import NO_PARAMETERS
from jupyter_modeldeploy.serving.protocols.json_object import json_object
from jupyter_modeldeploy.signatures import TensorSpec

INSTANCES, INPUTS = "instances", "inputs"
EXPECTED = 'Send {"instances": [...]}, one for each row, or {"inputs": ...} with whole tensors.'
IN_OBJECTS = {"text", "image", "b64", "image_bytes"}
"""How clients of the protocol call what an instance that is an object holds."""


class V1Call:
    """A request in V1."""

    kind: Literal["tensors", "items"]
    parameters = NO_PARAMETERS

    def __init__(self, version: ServedVersion, headers: Headers, body: bytes) -> None:
        self.version = version
        self._headers = headers
        request = json_object(body, EXPECTED)
        self._by_row = INSTANCES in request
        if self._by_row == (INPUTS in request):
            raise InvalidInput("A request has either instances or inputs.", EXPECTED)
        given = request[INSTANCES] if self._by_row else request[INPUTS]
        if self._by_row and (not isinstance(given, list) or not given):
            raise InvalidInput(f"instances must be a list of at least one, not {shown(given)}.", EXPECTED)
        self.payload: Any
        if version.task_name == "tensor":
            self.kind = "tensors"
            specs = version.signature.inputs
            self.payload = _tensors(_columns(given, specs) if self._by_row else _named(given, specs), specs)
            first = next(iter(self.payload.values()))
            self.rows = len(first) if first.ndim else 1
        else:
            self.kind = "items"
            self.payload = version.task.parse([_plain(one) for one in given] if self._by_row else given)
            self.rows = len(self.payload)

    def answer(self, result: Any) -> Reply:
        if self.kind == "items":
            content = {"predictions" if self._by_row else "outputs": result}
        elif self._by_row:
            content = {"predictions": _rows(result, self.rows)}
        else:
            lists = {name: datatypes.to_lists(array) for name, array in result.items()}
            content = {"outputs": next(iter(lists.values())) if len(lists) == 1 else lists}
        return answer(self._headers, orjson.dumps(content), self.version.reply_headers)


class V1:
    """The language V1."""

    def decode(self, version: ServedVersion, headers: Headers, body: bytes) -> V1Call:
        return V1Call(version, headers, body)

    def refuse(self, error: ModelDeployError, version: str | None = None) -> Reply:
        return error_reply(error, v2=False, version=version)


def _columns(instances: list[Any], specs: list[TensorSpec]) -> dict[str, Any]:
    """The rows of each input by its name."""
    if not isinstance(instances[0], dict):
        return _named(instances, specs)
    names = instances[0].keys()
    if any(not isinstance(one, dict) or one.keys() != names for one in instances):
        raise InvalidInput("The instances are not all objects of the same inputs.", EXPECTED)
    return {name: [one[name] for one in instances] for name in names}


def _named(given: Any, specs: list[TensorSpec]) -> dict[str, Any]:
    """By name what was given with names, or without them for a model of one input."""
    if isinstance(given, dict):
        return given
    if len(specs) != 1:
        raise InvalidInput(
            f"The model has {len(specs)} inputs, which need their names.", f"Inputs: {datatypes.described(specs)}."
        )
    return {specs[0].name: given}


def _tensors(given: dict[str, Any], specs: list[TensorSpec]) -> Tensors:
    known = {spec.name: spec.dtype for spec in specs}
    if unknown := [name for name in given if name not in known] or [name for name in known if name not in given]:
        raise InvalidInput(
            f"{shown(unknown[0])} is missing, or no input of the model.", f"Inputs: {datatypes.described(specs)}."
        )
    return {name: datatypes.to_array(data, known[name], name) for name, data in given.items()}


def _rows(outputs: Tensors, count: int) -> list[Any]:
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != count:
            raise InvalidInput(
                f"The output {name!r} has the shape {list(array.shape)}, no row for each of {count} instances.",
                'Send {"inputs": ...}, which is answered by whole tensors.',
            )
    lists = {name: datatypes.to_lists(array) for name, array in outputs.items()}
    if len(lists) == 1:
        return list(*lists.values())
    return [{name: rows[index] for name, rows in lists.items()} for index in range(count)]


def _plain(instance: Any) -> Any:
    """What an instance holds that is an object of one thing: `{"text": …}`, `{"b64": …}`, `{"image_bytes": {…}}`."""
    while isinstance(instance, dict) and len(instance) == 1 and instance.keys() <= IN_OBJECTS:
        (instance,) = instance.values()
    return instance
