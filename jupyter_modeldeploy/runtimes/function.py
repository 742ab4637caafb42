"""Functions written in Python, run as they are: `function.py`. Only what the workspace's own user wrote becomes a
version of this kind; nothing that was fetched is ever recognised as one."""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from jupyter_modeldeploy import functions
from jupyter_modeldeploy.datatypes import NUMPY, Inputs
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, Unavailable, shown
from jupyter_modeldeploy.runtimes import Tensors

log = logging.getLogger(__name__)


class FunctionRuntime:
    """The function of `function.py`, called once a row. See `runtimes.Runtime`.

    Calls come from several threads at once. Raises NotFound and InvalidInput for a folder without such a function,
    Unavailable where its source does not run here."""

    takes_trials = False
    """What a function does beside answering is its own matter: it is called for requests alone."""

    def __init__(self, folder: Path, threads: int = 1, device: str = "auto") -> None:
        self._described = functions.described(folder)
        self._call = _imported(folder / functions.SOURCE, self._described.name)
        self.signature = self._described.signature
        self._wanted = Inputs(self.signature.inputs)

    def run(self, inputs: Tensors) -> Tensors:
        """What the function returned for each row, as JSON unless it says that it returns a plain value.

        Raises InvalidInput for inputs of another kind and where the function raises it, ModelDeployError for what it
        raises else, and for an answer that is no JSON."""
        counts = {len(array) for array in inputs.values() if array.ndim}
        if len(counts) != 1:
            raise InvalidInput("The inputs have different numbers of rows.", "Give each parameter one value a row.")
        rows = counts.pop()
        left_out = {spec.name: _left_out(rows) for spec in self.signature.inputs if spec.optional}
        given = {**left_out, **inputs}
        self._wanted.check(given)
        answers = [self._answer({name: array[row] for name, array in given.items()}) for row in range(rows)]
        (output,) = self.signature.outputs
        array = np.empty(len(answers), NUMPY[output.dtype])
        array[:] = answers
        return {functions.OUTPUT: array}

    def close(self) -> None:
        sys.modules.pop(self._call.__module__, None)

    def _answer(self, row: dict[str, Any]) -> Any:
        values = {
            one.name: _value(one, row[one.name])
            for one in self._described.parameters
            if not (one.as_json and row[one.name] == functions.LEFT_OUT)
        }
        if missing := [one.name for one in self._described.parameters if one.required and one.name not in values]:
            raise InvalidInput(f"{missing[0]!r} is left out, and has no default.", str(self._described))
        return self._encoded(self._called(values))

    def _called(self, values: dict[str, Any]) -> Any:
        name = self._described.name
        try:
            return self._call(**values)
        except ModelDeployError:  # InvalidInput: a function's way to say that it was asked what it cannot answer
            raise
        except Exception as error:
            log.exception("%s failed", name)
            raise ModelDeployError(
                f"{name} failed: {type(error).__name__}: {error}", "Where it failed is in the service's log."
            ) from error

    def _encoded(self, answer: Any) -> Any:
        function, kind = self._described, self._described.answers
        if not kind:
            try:
                return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
            except TypeError as error:
                raise ModelDeployError(
                    f"{function.name} returned what is no JSON: {error}", "Return numbers, texts, lists and dicts."
                ) from error
        answer = float(answer) if kind == "float" and type(answer) is int else answer
        if type(answer).__name__ != kind:
            raise ModelDeployError(
                f"{function.name} says that it returns {kind}, and returned {shown(answer)}.", "Correct one of both."
            )
        if kind == "int" and not -(2**63) <= answer < 2**63:
            raise ModelDeployError(
                f"{function.name} returned {shown(answer)}, which is beyond 64 bits.", "Leave its return type out."
            )
        return answer.encode() if kind == "str" else answer


def _left_out(rows: int) -> np.ndarray:
    return np.full(rows, functions.LEFT_OUT, np.object_)


def _value(parameter: functions.Parameter, given: Any) -> Any:
    """One value of the parameter's tensor as the function takes it."""
    try:
        if parameter.as_json:
            return parameter.checked(orjson.loads(given))
        return given.decode() if parameter.type == "str" else given.item()
    except ValueError as error:  # also what orjson and UTF-8 raise
        kind = "JSON" if parameter.as_json else "UTF-8"
        raise InvalidInput(f"{parameter.name!r} is no {kind}: {error}.") from error


def _imported(path: Path, name: str) -> Callable[..., Any]:
    """The function of the file, as a module of its own."""
    named = f"jupyter_modeldeploy_function_{path.parent.name}_{id(path):x}"
    spec = importlib.util.spec_from_file_location(named, path)
    assert spec is not None  # it is a .py file
    assert spec.loader is not None
    module = sys.modules[named] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        function: Callable[..., Any] = getattr(module, name)
    except (Exception, SystemExit) as error:
        sys.modules.pop(named, None)
        log.exception("the source of %s does not run", name)
        raise Unavailable(
            f"The source of {name} does not run: {type(error).__name__}: {error}",
            "It runs in a process of its own: whatever it needs must be in it, or installed.",
        ) from error
    return function
