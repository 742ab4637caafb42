"""Labelled data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jupyter_modeldeploy import sources
from jupyter_modeldeploy.records import Dataset
from jupyter_modeldeploy.workspace.handle import JobHandle
from jupyter_modeldeploy.workspace.room import Room


class Datasets(Room):
    def list(self) -> Sequence[Dataset]:
        return self._store.datasets.list()

    def get(self, ref: str) -> Dataset:
        return self._store.datasets.get(ref)

    def path(self, ref: str) -> Path:
        return self._store.datasets.path(self.get(ref))

    def add(
        self,
        source: str,
        name: str,
        text_column: str | None = None,
        label_column: str | None = None,
        test_share: float = 0.2,
        seed: int = 0,
    ) -> JobHandle:
        """Bring a csv or jsonl file of labelled text into the workspace; the held-out rows are fixed by the seed."""
        self._store.datasets.check_name(name)
        return self._submit(
            "dataset",
            source=sources.parse(source).original,
            name=name,
            text_column=text_column,
            label_column=label_column,
            test_share=test_share,
            seed=seed,
        )
