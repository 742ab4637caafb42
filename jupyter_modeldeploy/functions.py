"""A function written in Python as a model: what it is called with, read from its source without running it.

A version of the format `python` holds its source and what `read` told of it. JSON in and out is the function's own
matter; as tensors each parameter is one of a value a row: BOOL, INT64, FP64 and BYTES for the annotations `bool`,
`int`, `float` and `str`, and BYTES of JSON for every other. One with a default is JSON too, and empty where it is left
out."""

from __future__ import annotations

import ast
import builtins
import json
import symtable
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput, NotFound, shown
from jupyter_modeldeploy.signatures import Signature, TensorSpec

SOURCE, DESCRIPTION = "function.py", "function.json"
OUTPUT = "output"
DATATYPES = {"bool": "BOOL", "int": "INT64", "float": "FP64", "str": "BYTES"}
JSON = "BYTES"
LEFT_OUT = b""
TYPES: dict[str, type] = {"bool": bool, "int": int, "float": float, "str": str}
OF_ITSELF = {"__name__", "__file__", "__doc__", "__builtins__", "__spec__", "__package__", "__loader__"}


@dataclass(frozen=True)
class Parameter:
    """`type` is `bool`, `int`, `float`, `str`, or empty for any JSON."""

    name: str
    type: str = ""
    required: bool = True

    @property
    def as_json(self) -> bool:
        """Whether its tensor holds JSON."""
        return not self.required or not self.type

    @property
    def datatype(self) -> str:
        return JSON if self.as_json else DATATYPES[self.type]

    def checked(self, value: Any) -> Any:
        """The value as the function takes it; an integer for a float becomes one. Raises InvalidInput."""
        if self.type == "float" and type(value) is int:
            return float(value)
        if self.type and type(value) is not TYPES[self.type]:
            raise InvalidInput(f"{self.name!r} must be {self.type}; the request has {shown(value)}.")
        return value


@dataclass(frozen=True)
class Function:
    """`answers` is the type that it says it returns, as a parameter's is."""

    name: str
    parameters: list[Parameter]
    answers: str = ""

    @property
    def signature(self) -> Signature:
        inputs = [TensorSpec(one.name, one.datatype, [-1], not one.required) for one in self.parameters]
        return Signature(inputs, [TensorSpec(OUTPUT, DATATYPES.get(self.answers, JSON), [-1])])

    def __str__(self) -> str:
        told = (
            f"{one.name}{f': {one.type}' if one.type else ''}{'' if one.required else ' = …'}"
            for one in self.parameters
        )
        return f"{self.name}({', '.join(told)})"

    def write(self, folder: Path, source: str) -> None:
        """Make the folder that of a model."""
        (folder / SOURCE).write_text(source, "utf-8")
        (folder / DESCRIPTION).write_text(json.dumps(asdict(self), indent=1), "utf-8")


def described(folder: Path) -> Function:
    """The function whose model lies in the folder. Raises NotFound where there is none, InvalidInput for a damaged
    one."""
    try:
        told = json.loads((folder / DESCRIPTION).read_text("utf-8"))
        return Function(told["name"], [Parameter(**one) for one in told["parameters"]], told["answers"])
    except FileNotFoundError as error:
        raise NotFound(f"{folder.name} has no {DESCRIPTION}.", "It is no function that was served.") from error
    except (ValueError, TypeError, LookupError) as error:
        raise InvalidInput(f"{DESCRIPTION} describes no function: {error}.") from error


def read(source: str) -> Function:
    """The last function that the source defines and whose name does not begin with `_`.

    Raises InvalidInput for what is no Python, defines none, needs names that it neither defines nor imports, or takes
    what JSON cannot name: `*values`, or parameters that are told apart by their place alone."""
    try:
        tree = ast.parse(source)
        undefined = sorted(set(_undefined(source)))
    except SyntaxError as error:
        raise InvalidInput(
            f"Line {error.lineno} of the function's source is no Python: {error.msg}.",
            "Lines with % and ! are none either.",
        ) from error
    found = [one for one in tree.body if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))]
    public = [one for one in found if not one.name.startswith("_")]
    if not public:
        raise InvalidInput("The source defines no function to serve.", "Write one: def answer(text: str): …")
    if undefined:
        raise InvalidInput(
            f"The source needs {', '.join(undefined)}, which it neither defines nor imports.",
            "It runs in a process of its own, which has none of the notebook's variables: put all it needs into it.",
        )
    return _described(public[-1])


def _described(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Function:
    if isinstance(function, ast.AsyncFunctionDef):
        raise InvalidInput(f"{function.name} is asynchronous.", "Write it with def; its calls run on threads.")
    given = function.args
    if given.vararg or given.kwarg or given.posonlyargs:
        raise InvalidInput(
            f"{function.name} takes *, ** or / parameters.", "Name each parameter that a request may set."
        )
    named = [*given.args, *given.kwonlyargs]
    if not named:
        raise InvalidInput(f"{function.name} takes no parameters.", "A request needs something to say: give it one.")
    without = len(given.args) - len(given.defaults)
    optional = {one.arg for one in given.args[without:]}
    optional |= {one.arg for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default}
    parameters = [Parameter(one.arg, _type(one.annotation), one.arg not in optional) for one in named]
    return Function(function.name, parameters, _type(function.returns))


def _type(annotation: ast.expr | None) -> str:
    """`str` for `str` and `"str"`; nothing for what is not checked."""
    name = getattr(annotation, "id", None) or getattr(annotation, "value", None)
    return name if isinstance(name, str) and name in TYPES else ""


def _undefined(source: str) -> Iterator[str]:
    """The names that the source uses and that nothing in it or in Python defines."""
    whole = symtable.symtable(source, SOURCE, "exec")
    tables = list(_with_inner(whole))
    known = {one.get_name() for one in whole.get_symbols() if one.is_assigned() or one.is_imported()}
    known |= {one.get_name() for table in tables for one in table.get_symbols() if one.is_declared_global()}
    known |= set(dir(builtins)) | OF_ITSELF
    if any(isinstance(one, ast.ImportFrom) and one.names[0].name == "*" for one in ast.walk(ast.parse(source))):
        return
    for table in tables:
        for one in table.get_symbols():
            is_outer = table is whole or one.is_global()
            if is_outer and one.is_referenced() and one.get_name() not in known:
                yield one.get_name()


def _with_inner(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for inner in table.get_children():
        yield from _with_inner(inner)
