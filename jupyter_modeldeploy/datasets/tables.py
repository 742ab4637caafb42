"""The table of a dataset among the files that were fetched."""

from __future__ import annotations

import shutil
from pathlib import Path

from jupyter_modeldeploy.datasets import parquet, table
from jupyter_modeldeploy.datasets.reader import Wanted

SUFFIXES = (*table.SUFFIXES, parquet.SUFFIX)


def prepare(found: Path, stored: Path, wanted: Wanted) -> Path:
    """The one table of what was found, in `stored`; a Parquet file as lines of JSON."""
    file = table.only_file(found, SUFFIXES)
    if file.suffix.lower() == parquet.SUFFIX:
        file = parquet.to_jsonl(file)
    return Path(shutil.move(file, stored / file.name))
