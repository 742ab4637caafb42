"""Bring labelled data from a source into the store, checked, in one of its four forms."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pydantic import Field

from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.records import DataTask, Name


class DatasetOptions(Parameters):
    """What is brought in, whatever it will be called."""

    source: str = Field(
        min_length=1, description="a file, a folder or a repository: file:PATH, hf:datasets/org/name#path, …"
    )
    task: DataTask | None = Field(default=None, description="what the data is for; guessed when left out")
    text_column: str | None = Field(
        default=None, description="column with the text, the prompt or the image's path; guessed when left out"
    )
    label_column: str | None = Field(
        default=None, description="column with the label, the tags or the completion; guessed when left out"
    )
    multi_label: bool | None = Field(
        default=None, description="text classification: whether a text may have several classes; guessed when left out"
    )
    test_share: float = Field(
        default=0.2, gt=0, lt=1, description="share held out, unless the data says which examples are"
    )
    validation_share: float = Field(
        default=0.0, ge=0, lt=1, description="share set aside to choose by while training, unless the data says"
    )
    seed: int = Field(default=0, description="draws the examples held out")


class DatasetParameters(DatasetOptions):
    name: Name = Field(description="the dataset's name in the workspace")


def run(context: Context) -> dict[str, Any]:
    from jupyter_modeldeploy import sources
    from jupyter_modeldeploy.datasets import incoming
    from jupyter_modeldeploy.datasets.reader import Wanted

    parameters: DatasetParameters = context.parameters
    store = context.store
    with store.artifacts.staging() as arrived, store.artifacts.staging() as staging:
        reference = sources.parse(parameters.source)
        everything = reference.path or reference.scheme == "file"
        fetched = sources.fetch(
            reference.original,
            arrived / "files",
            context.reporter,
            store.settings,
            sources.Selection(include=[] if everything else incoming.patterns(parameters.task)),
        )
        told = {field.name: getattr(parameters, field.name) for field in fields(Wanted)}
        brought = incoming.bring(fetched.root, staging, Wanted(**told), parameters.task)
        dataset = store.datasets.add(
            parameters.name,
            staging,
            task=brought.task,
            test_share=parameters.test_share,
            validation_share=parameters.validation_share,
            seed=parameters.seed,
            source=fetched.source,
            **{field.name: getattr(brought.inspected, field.name) for field in fields(brought.inspected)},
        )
    return {"dataset": dataset.ref}


KIND = Kind("dataset", DatasetParameters, lambda p: f"Add the dataset {p.name} from {p.source}", run, leases=False)
