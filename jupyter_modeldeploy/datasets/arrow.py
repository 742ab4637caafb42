"""Tables as data hubs and the library `datasets` give them: Parquet, and Arrow folders of `save_to_disk`.

What the columns mean stands in the schema's metadata, under `huggingface`: numbers of classes become their names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput, Unavailable

PARQUET, ARROW = ".parquet", ".arrow"
SUFFIXES = (PARQUET, ARROW)
ROWS_AT_ONCE = 1000


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet or Arrow file; the numbers of named classes as names, one that has no name as None.

    Raises InvalidInput for what is no such file, Unavailable without pyarrow."""
    with _batches(path) as (schema, batches):
        names = {column: found for column, found in _class_names(schema).items() if found}
        for batch in batches:
            for row in batch.to_pylist():
                yield {
                    column: _named(value, names[column]) if column in names else value for column, value in row.items()
                }


def image_column(path: Path) -> str | None:
    """The column that holds encoded images, as `{"bytes": …, "path": …}`, or None."""
    with _batches(path) as (schema, _):
        for field in schema:
            if str(field.type).startswith("struct<bytes: binary"):
                return str(field.name)
    return None


def columns(path: Path) -> dict[str, str]:
    """The names of the columns, each with its type in Arrow's words."""
    with _batches(path) as (schema, _):
        return {str(field.name): str(field.type) for field in schema}


@contextmanager
def _batches(path: Path) -> Iterator[tuple[Any, Iterator[Any]]]:
    try:
        from pyarrow import ArrowException, ipc, parquet
    except ImportError as error:
        raise Unavailable(f"Reading {path.name} needs pyarrow.", "pip install jupyter_modeldeploy[parquet]") from error
    kind = "a Parquet" if path.suffix.lower() == PARQUET else "an Arrow"
    try:
        if path.suffix.lower() == PARQUET:
            with parquet.ParquetFile(path) as table:
                yield table.schema_arrow, table.iter_batches(batch_size=ROWS_AT_ONCE)
        else:
            with path.open("rb") as file, ipc.open_stream(file) as stream:
                yield stream.schema, iter(stream)
    except (ArrowException, OSError) as error:
        raise InvalidInput(f"{path.name} is not {kind} file that can be read: {error}.", "Export it anew.") from error


def _class_names(schema: Any) -> dict[str, list[str]]:
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return {column: _names(feature) for column, feature in features.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # other programs may use the same key for something else


def _names(feature: Any) -> list[str]:
    """The names of a ClassLabel, or of a list of them."""
    while isinstance(feature, list | dict):
        if isinstance(feature, list):
            feature = feature[0] if feature else None
        elif feature.get("_type") == "ClassLabel":
            return [str(name) for name in feature.get("names") or []]
        else:
            feature = feature.get("feature")
    return []


def _named(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [_named(one, names) for one in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None
