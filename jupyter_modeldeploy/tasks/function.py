"""A function, spoken to by its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson

from jupyter_modeldeploy import functions
from jupyter_modeldeploy.datatypes import NUMPY, to_lists
from jupyter_modeldeploy.errors import InvalidInput, shown
from jupyter_modeldeploy.functions import Function, Parameter
from jupyter_modeldeploy.signatures import Signature
from jupyter_modeldeploy.tasks import Tensors

MAX_CALLS = 1024


class FunctionTask:
    """`{parameter: value}` in, what the function returned out; a list of them is a call each.

    A function of one parameter is also asked with the value alone, and one of a text as text models are, with `{"text":
    …}` or `{"texts": […]}`."""

    def __init__(self, folder: Path, signature: Signature) -> None:
        self._function = functions.described(folder)
        self._plain = bool(self._function.answers)

    def parse(self, body: Any) -> list[Tensors]:
        """The arguments of each call, as `{parameter: array of no dimension}`. Raises InvalidInput for a parameter that
        is missing, unknown or of another type."""
        calls = self._calls(body)
        if not 1 <= len(calls) <= MAX_CALLS:
            raise InvalidInput(f"The request asks for {len(calls)} calls.", f"Ask for 1 to {MAX_CALLS}.")
        return [self._arguments(call) for call in calls]

    def encode(self, items: list[Any]) -> Tensors:
        """A tensor for each parameter, of a value a call."""
        return {one.name: np.stack([item[one.name] for item in items]) for one in self._function.parameters}

    def decode(self, outputs: Tensors) -> list[Any]:
        answers = outputs[functions.OUTPUT]
        return list(to_lists(answers)) if self._plain else [orjson.loads(answer) for answer in answers]

    def _calls(self, body: Any) -> list[Any]:
        first, *more = self._function.parameters
        alone = not [one for one in more if one.required]
        is_text = alone and first.type == "str"
        if isinstance(body, dict):
            if is_text and list(body) == ["texts"] and first.name != "texts" and isinstance(body["texts"], list):
                return [{first.name: text} for text in body["texts"]]
            if is_text and list(body) == ["text"] and first.name != "text":
                return [{first.name: body["text"]}]
            return [body]
        if isinstance(body, list) and body and all(isinstance(one, dict) for one in body):
            return body
        if alone and not isinstance(body, list):
            return [{first.name: body}]
        if is_text:
            return [{first.name: text} for text in body]
        raise InvalidInput(f"A call of {self._function} was expected, not {shown(body)}.", _expected(self._function))

    def _arguments(self, call: dict[str, Any]) -> Tensors:
        parameters = {one.name: one for one in self._function.parameters}
        if unknown := [name for name in call if name not in parameters]:
            raise InvalidInput(f"{self._function.name} has no parameter {unknown[0]!r}.", _expected(self._function))
        if missing := [one.name for one in parameters.values() if one.required and one.name not in call]:
            raise InvalidInput(f"{self._function.name} needs {missing[0]!r}.", _expected(self._function))
        return {name: np.array(_sent(one, call), NUMPY[one.datatype]) for name, one in parameters.items()}


def _expected(function: Function) -> str:
    return f"It is {function}: send an object with its parameters, or a list of them."


def _sent(parameter: Parameter, call: dict[str, Any]) -> Any:
    """The value of the parameter's tensor."""
    if parameter.name not in call:
        return functions.LEFT_OUT
    value = parameter.checked(call[parameter.name])
    if parameter.as_json:
        return orjson.dumps(value)
    if parameter.type == "int" and not -(2**63) <= value < 2**63:
        raise InvalidInput(f"{parameter.name!r} is {shown(value)}, which is beyond 64 bits.")
    return value.encode() if parameter.type == "str" else value
