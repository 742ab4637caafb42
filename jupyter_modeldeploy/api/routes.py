"""From a method, a path and what came with them to an operation and its typed request, for every way in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from jupyter_modeldeploy.api.operation import Operation, Request
from jupyter_modeldeploy.api.operations import OPERATIONS
from jupyter_modeldeploy.errors import InvalidInput, NotFound

DESCRIPTION = "openapi.json"
"""The path of the API's own description, which is no operation of the workspace."""


@cache
def by_path() -> dict[str, dict[str, Operation]]:
    """The operations by path and method; longer paths first, so that `models/fetch` is not read as a model's name."""
    grouped: dict[str, dict[str, Operation]] = {}
    for operation in sorted(OPERATIONS, key=lambda operation: operation.path.count("{")):
        grouped.setdefault(operation.path, {})[operation.method] = operation
    return grouped


def pattern(path: str) -> str:
    """The regular expression of a path such as `models/{name}`."""
    return re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)


def find(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """The operation that answers `method` at `path`, and the path's parameters, unescaped.

    Raises NotFound where the API has no such path, InvalidInput where the path has no such method."""
    for expression, operations in _expressions().items():
        if (match := expression.fullmatch(path)) is not None:
            if method not in operations:
                known = ", ".join(sorted(operations))
                raise InvalidInput(f"{path} cannot be asked with {method}.", f"It can be asked with {known}.")
            return operations[method], {name: unquote(value) for name, value in match.groupdict().items()}
    raise NotFound(f"The API has no {path}.", f"See {DESCRIPTION} for what there is.")


def parse(
    operation: Operation, path: Mapping[str, str], query: Iterable[tuple[str, str]], body: bytes | str
) -> Request:
    """The typed request of what came: POST takes the body's fields, the others the query's; the path's come in any
    case. Raises InvalidInput that names what is wrong."""
    fields = _body_fields(body) if operation.method == "POST" else _query_fields(query)
    return operation.parse({**fields, **path})


def query_of(path: str) -> tuple[str, list[tuple[str, str]]]:
    """A path without its query, and the query's parameters, unescaped."""
    bare, _, query = path.partition("?")
    return bare, parse_qsl(query, keep_blank_values=True)


@cache
def _expressions() -> dict[re.Pattern[str], dict[str, Operation]]:
    return {re.compile(pattern(path)): operations for path, operations in by_path().items()}


def _query_fields(query: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return {name: value for name, value in query if not _jupyters_own(name)}


def _body_fields(body: bytes | str) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        fields = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The body is not JSON: {error}.", "Send an object.") from error
    if not isinstance(fields, dict):
        raise InvalidInput(f"The body is a {type(fields).__name__}.", "Send a JSON object.")
    return fields


def _jupyters_own(parameter: str) -> bool:
    """Whether a query parameter is not the operation's but Jupyter's: a token, or the time of day that JupyterLab
    appends to keep an answer from being taken from a cache."""
    return parameter in ("token", "_xsrf") or parameter.isdigit()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
