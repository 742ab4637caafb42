"""What a comparison and a load send to a version that has no data of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.jobs.kinds.traffic import SENTENCES, make_traffic
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Step, Version
from jupyter_modeldeploy.store import Store


def checkpoint(store: Store, folder: Path, task: str) -> Version:
    """A version as a fine-tuning makes it, with nothing said of its tensors."""
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    lineage = Lineage(step=Step.imported)
    return store.versions.add(NewVersion(model="tuned", format=Format.transformers, task=task, lineage=lineage), folder)


def test_sentences_are_sent_to_a_version_without_a_signature(store: Store, tmp_path: Path) -> None:
    version = checkpoint(store, tmp_path / "tuned", "text-classification")
    traffic = make_traffic(store, version, None, 100, pinned=True)
    assert traffic.path == "/predict/tuned/versions/1"
    assert [json.loads(body) for body in traffic.bodies] == [{"text": text} for text in SENTENCES]
    assert (traffic.inputs, traffic.labels) == ([], None)


def test_tensors_are_not_guessed(store: Store, tmp_path: Path) -> None:
    version = checkpoint(store, tmp_path / "tuned", "image-classification")
    with pytest.raises(InvalidInput, match="tuned@1 has no signature"):
        make_traffic(store, version, None, 100, pinned=False)
