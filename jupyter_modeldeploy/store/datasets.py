"""Datasets: versions of labelled data."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from jupyter_modeldeploy.errors import InvalidInput, NotFound
from jupyter_modeldeploy.records import Dataset, parse_version_ref
from jupyter_modeldeploy.store.artifacts import Artifacts
from jupyter_modeldeploy.store.changes import append
from jupyter_modeldeploy.store.database import MOST_DIGITS, Database, refuse_twin, scalar, scalars
from jupyter_modeldeploy.store.tables import datasets

FOLDERS = ("imagefolder", "yolo")


class Datasets:
    def __init__(self, database: Database, artifacts: Artifacts) -> None:
        self._database = database
        self._artifacts = artifacts

    def check_name(self, name: str) -> None:
        """Raise Conflict unless datasets can be added under this name."""
        with self._database.read() as connection:
            refuse_twin(connection, datasets.c.name, name)

    def add(self, name: str, folder: Path, **known: Any) -> Dataset:
        """Keep the staged `folder` as the next version of the dataset; `known` are the record's other fields.

        Of a folder of images the record holds but the list of the files' SHA-256, since there may be very many.

        The same content and fields as the latest version: that one is returned, nothing is added."""
        files = self._artifacts.seal(folder)
        if known["format"] in FOLDERS:
            files = [self._artifacts.list_sums(folder, files)]
        with self._artifacts.placing() as place, self._database.write() as connection:
            refuse_twin(connection, datasets.c.name, name)
            query = select(datasets.c.record).where(datasets.c.name == name).order_by(datasets.c.number.desc())
            newest = scalar(connection, query)
            latest = Dataset.model_validate(newest) if newest else None
            number = latest.number + 1 if latest else 1
            dataset = Dataset(name=name, number=number, files=files, created_at=datetime.now(UTC), **known)
            if latest and latest.model_copy(update={"number": number, "created_at": dataset.created_at}) == dataset:
                return latest
            record = dataset.model_dump(mode="json")
            connection.execute(insert(datasets).values(name=name, number=number, record=record))
            append(connection, "dataset", dataset.ref, "created")
            place(folder, self._artifacts.dataset(name, number))
        return dataset

    def get(self, ref: str) -> Dataset:
        """The dataset that `name@2` or `name` (its latest) means."""
        name, rest = parse_version_ref(ref)
        if rest is not None and not (rest.isdigit() and len(rest) <= MOST_DIGITS):
            raise InvalidInput(f"{ref!r} is not a dataset's version.", "Write NAME or NAME@2.")
        query = select(datasets.c.record).where(datasets.c.name == name).order_by(datasets.c.number.desc())
        if rest is not None:
            query = query.where(datasets.c.number == int(rest))
        with self._database.read() as connection:
            row = scalar(connection, query)
            if row is None:
                names = ", ".join(scalars(connection, select(datasets.c.name).distinct().order_by(datasets.c.name)))
                known = f"There are: {names}." if names else "Add one: modeldeploy datasets add FILE --name NAME."
                raise NotFound(f"No dataset {ref!r}.", known)
        return Dataset.model_validate(row)

    def list(self) -> list[Dataset]:
        with self._database.read() as connection:
            rows = scalars(connection, select(datasets.c.record).order_by(datasets.c.name, datasets.c.number))
        return [Dataset.model_validate(row) for row in rows]

    def folder(self, dataset: Dataset) -> Path:
        """The folder that holds the dataset's files."""
        return self._artifacts.dataset(dataset.name, dataset.number)

    def path(self, dataset: Dataset) -> Path:
        """What the dataset's reader takes: the file of a table, else the folder."""
        folder = self.folder(dataset)
        return folder if dataset.format in FOLDERS else folder / dataset.files[0].path
