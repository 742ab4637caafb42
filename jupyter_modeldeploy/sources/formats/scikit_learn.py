"""scikit-learn's estimators: pickles, joblib's files and skops' archives."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.sources.formats import pickle_contents
from jupyter_modeldeploy.sources.formats.bounded import ZIP_MAGIC, beginning, member, opened_zip, parsed, starts_with
from jupyter_modeldeploy.sources.formats.recognised import PLAIN_TASK, Recognised

SUFFIXES = (".joblib", ".pkl", ".pickle", ".skops", ".sav", ".gz", ".z")
SCHEMA = "schema.json"
READ_BYTES = 4 << 20
ZLIB_MAGIC, GZIP_MAGIC = b"\x78", b"\x1f\x8b"
EITHER_HEADER = 32 + zlib.MAX_WBITS
NOTE = (
    "A scikit-learn {name}. Saved with skops.io.dump, `modeldeploy convert` makes ONNX of it (skl2onnx); a pickle is "
    "not opened: convert the estimator where it was made, with ModelConverter().convert(estimator, output=FOLDER)."
)


def recognise(files: Sequence[Path]) -> Recognised | None:
    """The first file that holds an estimator of scikit-learn, by the class of the object in it."""
    for path in files:
        if path.suffix.lower() in SUFFIXES and (name := _estimator(path)):
            note = NOTE.format(name=name)
            return Recognised(
                Format.sklearn, PLAIN_TASK, None, None, path, note, framework="scikit-learn", architecture=name
            )
    return None


def _estimator(path: Path) -> str | None:
    if starts_with(path, ZIP_MAGIC):
        return _in_archive(path)
    # joblib puts arrays between the opcodes, where the reading ends; the object's own class comes first.
    named = pickle_contents.read(io.BytesIO(_unpacked(beginning(path, READ_BYTES)))).globals
    return named[0].name if named and named[0].module.startswith("sklearn.") else None


def _unpacked(content: bytes) -> bytes:
    """joblib compresses with zlib by default. What is no such stream stays as it is."""
    if not content.startswith((ZLIB_MAGIC, GZIP_MAGIC)):
        return content
    try:
        return zlib.decompressobj(EITHER_HEADER).decompress(content, READ_BYTES)
    except zlib.error:
        return content


def _in_archive(path: Path) -> str | None:
    with opened_zip(path) as package:
        if SCHEMA not in package.namelist():
            return None
        schema: Any = parsed(member(package, SCHEMA), f"{SCHEMA} in {path.name}")
    module, name = (schema.get("__module__"), schema.get("__class__")) if isinstance(schema, dict) else (None, None)
    return str(name) if isinstance(module, str) and module.startswith("sklearn.") else None
