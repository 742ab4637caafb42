"""Keras models: layers that hold code, and configurations that name classes from anywhere.

Neither Keras nor h5py is needed: in an HDF5 file the model's description is JSON that lies there as it is, so it is
searched for in the file's bytes."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from jupyter_modeldeploy.records import Finding

CONFIG = "config.json"
MAX_BYTES = 64 << 20
CHUNK, OVERLAP, MOST_TRIES = 8 << 20, 4 << 20, 1000
DESCRIPTION = re.compile(r'\{\s*"(?:class_name|module|name|config)"\s*:')
CODE = re.compile(rb'"class_name"\s*:\s*"(?:Lambda|__lambda__)"')
KNOWN_MODULES = ("keras", "keras_nlp", "keras_hub", "keras_cv", "tf_keras", "tensorflow", "keras_core")
PLAIN_BUILTINS = frozenset(("dict", "list", "tuple", "str", "int", "float", "bool", "slice"))
LOOKUPS = frozenset(("StringLookup", "IntegerLookup", "TextVectorization", "IndexLookup"))


def look_at_archive(package: zipfile.ZipFile, name: str) -> Iterator[Finding]:
    """Findings in a `.keras` archive; none in any other zip."""
    if not name.lower().endswith(".keras"):
        return
    if CONFIG not in package.namelist():
        return
    inner = f"{name}/{CONFIG}"
    if package.getinfo(CONFIG).file_size > MAX_BYTES:
        yield Finding(file=inner, kind="header", dangerous=True, message="is too long to look through")
        return
    try:
        yield from look(json.loads(package.read(CONFIG)), inner)
    except (ValueError, RecursionError) as error:
        yield Finding(file=inner, kind="header", dangerous=False, message=f"cannot be looked through: {error}")


def look_at_hdf5(stream: IO[bytes], name: str) -> Iterator[Finding]:
    """Findings in the description of a model that an HDF5 file holds."""
    found: dict[str, Finding] = {}
    rest = b""
    while chunk := stream.read(CHUNK):
        window = rest + chunk
        for finding in _in_bytes(window, name):
            found.setdefault(finding.message, finding)
        rest = window[-OVERLAP:]
    yield from found.values()


def look(config: Any, name: str) -> Iterator[Finding]:
    """Findings in a model's description, as `Model.get_config` gives it."""
    stack = [config]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            stack.extend(node.values())
            yield from _judge(node, name)
        elif isinstance(node, list):
            stack.extend(node)


def _in_bytes(window: bytes, name: str) -> Iterator[Finding]:
    if CODE.search(window):
        yield _lambda(name)
    decoder, text, at = json.JSONDecoder(), window.decode("latin-1"), 0
    for _ in range(MOST_TRIES):
        match = DESCRIPTION.search(text, at)
        if match is None:
            return
        try:
            described, at = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            at = match.end()  # cut off here, or no JSON at all
            continue
        yield from look(described, name)


def _judge(node: dict[str, Any], name: str) -> Iterator[Finding]:
    made, module, config = node.get("class_name"), node.get("module"), node.get("config")
    if not isinstance(made, str):
        return
    if made in ("Lambda", "__lambda__"):
        yield _lambda(name)
    elif isinstance(module, str) and not _is_of_keras(module, made):
        message = f"would call {module}.{made} when loaded"
        yield Finding(file=name, kind="keras-lambda", dangerous=True, message=message)
    if made in LOOKUPS and isinstance(config, dict) and isinstance(config.get("vocabulary"), str):
        message = f"would read the file {config['vocabulary'][:200]!r} when loaded ({made})"
        yield Finding(file=name, kind="keras-lambda", dangerous=True, message=message)


def _is_of_keras(module: str, made: str) -> bool:
    """Whether it is a layer or another part of a model: Keras also has functions that download and write files."""
    if module == "builtins":
        return made in PLAIN_BUILTINS
    tools = re.search(r"\.(utils|saving|datasets|export|models\.cloning)\b", module) and not made[:1].isupper()
    return module.partition(".")[0] in KNOWN_MODULES and not tools


def _lambda(name: str) -> Finding:
    message = "has a Lambda layer, whose Python bytecode would run when loaded"
    return Finding(file=name, kind="keras-lambda", dangerous=True, message=message)
