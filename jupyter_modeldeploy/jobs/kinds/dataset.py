"""Bring a labelled table from a source into the store. A Parquet file is kept as lines of JSON."""

from __future__ import annotations

from dataclasses import fields
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
    from jupyter_modeldeploy.datasets import text_classification
    from jupyter_modeldeploy.datasets.reader import Wanted
    from jupyter_modeldeploy.datasets.tables import SUFFIXES

    parameters: DatasetParameters = context.parameters
    store = context.store
    with store.artifacts.staging() as incoming, store.artifacts.staging() as staging:
        wanted = sources.parse(parameters.source)
        tables = [] if wanted.path or wanted.scheme == "file" else [f"*{suffix}" for suffix in SUFFIXES]
        fetched = sources.fetch(
            wanted.original,
            incoming / "files",
            context.reporter,
            store.settings,
            sources.Selection(include=tables),
        )
        told = Wanted(
            parameters.text_column, parameters.label_column, None, parameters.test_share, seed=parameters.seed
        )
        inspected = text_classification.inspect(text_classification.READER.prepare(fetched.root, staging, told), told)
        dataset = store.datasets.add(
            parameters.name,
            staging,
            test_share=parameters.test_share,
            seed=parameters.seed,
            source=fetched.source,
            **{field.name: getattr(inspected, field.name) for field in fields(inspected)},
        )
    return {"dataset": dataset.ref}


KIND = Kind("dataset", DatasetParameters, lambda p: f"Add the dataset {p.name} from {p.source}", run, leases=False)
