"""scikit-learn models kept by skops: a zip whose `schema.json` names the classes and functions to make it from."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from typing import Any

from jupyter_modeldeploy.records import Finding

SCHEMA = "schema.json"
MAX_BYTES = 64 << 20
KNOWN_MODULES = ("sklearn", "numpy", "scipy", "builtins", "collections", "skops")
PLAIN_BUILTINS = frozenset(
    ("dict", "list", "tuple", "set", "str", "int", "float", "bool", "bytes", "bytearray", "slice")
)
CALLING = frozenset(("FunctionNode", "MethodNode", "OperatorFuncNode", "PartialNode", "TypeNode", "ReduceNode"))


def look(package: zipfile.ZipFile, name: str) -> Iterator[Finding]:
    """Findings in an archive of skops; none in any other zip."""
    if SCHEMA not in package.namelist() or package.getinfo(SCHEMA).file_size > MAX_BYTES:
        return
    try:
        schema = json.loads(package.read(SCHEMA))
    except (ValueError, RecursionError):
        return  # skops could not read it either
    if not isinstance(schema, dict) or "__loader__" not in schema:
        return
    for what in sorted(set(_foreign(schema))):
        yield Finding(file=f"{name}/{SCHEMA}", kind="pickle", dangerous=False, message=f"would call {what} when loaded")


def _foreign(node: Any) -> Iterator[str]:
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            stack.extend(node.values())
            module, made = str(node.get("__module__", "")), str(node.get("__class__", ""))
            loader = node.get("__loader__")
            top = module.partition(".")[0]
            plain = top in KNOWN_MODULES and (top != "builtins" or made in PLAIN_BUILTINS)
            if loader is not None and not (plain and (loader not in CALLING or top != "builtins")):
                yield f"{module}.{made}"
        elif isinstance(node, list):
            stack.extend(node)
