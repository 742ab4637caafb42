"""Tables in Parquet, which data hubs give, as lines of JSON, which everything here reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput, Unavailable

SUFFIX = ".parquet"
ROWS_AT_ONCE = 10_000


def to_jsonl(path: Path) -> Path:
    """A jsonl file with the rows of `path`, beside it. Numbers, texts and truth values stay what they are, anything
    else is written as text. Raises InvalidInput for what is no Parquet file, Unavailable without pyarrow."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise Unavailable(f"Reading {path.name} needs pyarrow.", "pip install jupyter_modeldeploy[parquet]") from error
    written = path.with_suffix(".jsonl")
    try:
        with parquet.ParquetFile(path) as table, written.open("w", encoding="utf-8") as lines:
            for batch in table.iter_batches(batch_size=ROWS_AT_ONCE):
                lines.writelines(f"{_line(row)}\n" for row in batch.to_pylist())
    except (ArrowException, OSError) as error:
        raise InvalidInput(
            f"{path.name} is not a Parquet file that can be read: {error}.", "Export it anew."
        ) from error
    return written


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=str)
