"""What sources are called by people, and what a model or a dataset is called where nobody gave it a name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import unquote

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import NAME_PATTERN
from jupyter_modeldeploy.sources.reference import Reference, parse

SCHEMES = {"huggingface": "hf", "modelscope": "ms", "github": "gh", "folder": "file"}
"""Sources by the names that people know them by."""
LONGEST = 64
FILE_SUFFIXES = (
    *(".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tar", ".zip", ".whl"),
    *(".safetensors", ".onnx", ".gguf", ".pt2", ".pt", ".pth", ".bin", ".h5", ".keras", ".joblib", ".pkl"),
    *(".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"),
)
"""Endings that say how a file is written, not what it is. A version number such as `Model-2.5` keeps its point."""


def scheme_of(source: str) -> str:
    """The scheme of the installed source that goes by this name: `hf` for `huggingface` and for `hf`.

    Raises InvalidInput, with those there are."""
    scheme = SCHEMES.get(source, source)
    installed = plugins.available("sources")
    if scheme not in installed:
        known = {name for name, its in SCHEMES.items() if its in installed} | installed.keys() - SCHEMES.values()
        raise InvalidInput(f"{source!r} is not a known source.", f"There are: {', '.join(sorted(known))}.")
    return scheme


def suggested_name(source: str) -> str:
    """The name for what `source` brings: `all-MiniLM-L6-v2` for `hf:org/all-MiniLM-L6-v2@main`, `reviews` for
    `https://host/data/reviews.csv`. Raises InvalidInput for what is no reference, or holds no letter or digit."""
    reference = parse(source)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", _last_part(reference)).lstrip("._-")[:LONGEST].rstrip("._-")
    if not re.fullmatch(NAME_PATTERN, name):
        raise InvalidInput(f"No name can be made from {reference}.", "Give it one: --name NAME, or name=….")
    return name


def _last_part(reference: Reference) -> str:
    path = re.split(r"[?#]", unquote(reference.name))[0] if "://" in reference.original else reference.name
    last = PurePosixPath(path).name
    return next((last[: -len(suffix)] for suffix in FILE_SUFFIXES if last.lower().endswith(suffix)), last)
