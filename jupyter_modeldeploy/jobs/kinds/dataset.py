"""Bring a labelled table from a source into the store. A Parquet file is kept as lines of JSON."""

from __future__ import annotations

import shutil
from typing import Any

from pydantic import Field

from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.records import Name


class DatasetOptions(Parameters):
    """What is brought in, whatever it will be called."""

    source: str = Field(
        min_length=1, description="a csv, jsonl or Parquet file: file:PATH, hf:datasets/org/name#path, …"
    )
    text_column: str | None = Field(default=None, description="column with the text; guessed when left out")
    label_column: str | None = Field(default=None, description="column with the label; guessed when left out")
    test_share: float = Field(default=0.2, gt=0, lt=1, description="share held out, unless there is a column 'split'")
    seed: int = Field(default=0, description="draws the held-out rows")


class DatasetParameters(DatasetOptions):
    name: Name = Field(description="the dataset's name in the workspace")


def run(context: Context) -> dict[str, Any]:
    from jupyter_modeldeploy import sources
    from jupyter_modeldeploy.tasks import labelled_text, parquet

    parameters: DatasetParameters = context.parameters
    store = context.store
    with store.artifacts.staging() as incoming, store.artifacts.staging() as staging:
        wanted = sources.parse(parameters.source)
        tables = [] if wanted.path or wanted.scheme == "file" else [f"*{suffix}" for suffix in labelled_text.SUFFIXES]
        fetched = sources.fetch(
            wanted.original,
            incoming / "files",
            context.reporter,
            store.settings,
            sources.Selection(include=tables),
        )
        file = labelled_text.only_file(fetched.root)
        if file.suffix.lower() == parquet.SUFFIX:
            file = parquet.to_jsonl(file)
        inspected = labelled_text.inspect(file, parameters.text_column, parameters.label_column)
        shutil.move(file, staging / file.name)
        dataset = store.datasets.add(
            parameters.name,
            staging,
            format=inspected.format,
            text_column=inspected.text_column,
            label_column=inspected.label_column,
            classes=inspected.classes,
            rows=inspected.rows,
            test_share=parameters.test_share,
            seed=parameters.seed,
            source=fetched.source,
        )
    return {"dataset": dataset.ref}


KIND = Kind("dataset", DatasetParameters, lambda p: f"Add the dataset {p.name} from {p.source}", run, leases=False)
