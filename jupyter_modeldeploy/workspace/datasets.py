"""Labelled data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jupyter_modeldeploy import sources
from jupyter_modeldeploy.jobs.kinds.finetune_choices import FinetuneChoices, choices
from jupyter_modeldeploy.records import Dataset, DataTask
from jupyter_modeldeploy.sources.naming import suggested_name
from jupyter_modeldeploy.training.options import Method
from jupyter_modeldeploy.workspace.handle import JobHandle
from jupyter_modeldeploy.workspace.room import Room


class Datasets(Room):
    def list(self) -> Sequence[Dataset]:
        return self._store.datasets.list()

    def get(self, ref: str) -> Dataset:
        return self._store.datasets.get(ref)

    def path(self, ref: str) -> Path:
        return self._store.datasets.path(self.get(ref))

    def finetuning(self, ref: str, base: str | None = None, method: Method | None = None) -> FinetuneChoices:
        """What there is to choose before a fine-tuning on the dataset: the versions that suit as a base, the options
        that are taken where nothing is said, and the memory that `base` takes at least."""
        version = self._store.versions.get(base) if base else None
        return choices(self._store, self.get(ref), version, method)

    def fetch(
        self,
        source: str,
        name: str | None = None,
        text_column: str | None = None,
        label_column: str | None = None,
        test_share: float = 0.2,
        seed: int = 0,
        *,
        task: DataTask | None = None,
        multi_label: bool | None = None,
        validation_share: float = 0.0,
    ) -> JobHandle:
        """Bring labelled data into the workspace from any source, as the next version of `name` (else of what the
        source calls it): a table, a folder of images, a YOLO or COCO dataset (see docs/datasets.md). Of a folder or
        repository with several tables, `#path` names one.

        The task and the columns are guessed where they are not named. Every example is checked; the job fails with the
        row or file that is wrong. The share `test_share` of each class is held out and `validation_share` is set aside,
        as the seed draws them, unless the data says which examples are. Raises InvalidInput for what is no reference,
        Conflict for a name that differs from another only in case."""
        name = name or suggested_name(source)
        self._store.datasets.check_name(name)
        return self._submit(
            "dataset",
            source=sources.parse(source).original,
            name=name,
            text_column=text_column,
            label_column=label_column,
            test_share=test_share,
            seed=seed,
            task=task,
            multi_label=multi_label,
            validation_share=validation_share,
        )

    add = fetch
