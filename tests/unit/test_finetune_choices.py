"""What there is to choose before a fine-tuning, as the form of the sidebar asks for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_modeldeploy.jobs.kinds.finetune_choices import choices
from jupyter_modeldeploy.records import Dataset, Facts, Format, Lineage, NewVersion, Step, Version
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.training.options import FinetuneOptions

PARAMETERS = 1_000_000
Add = Callable[..., Version]


def dataset(task: str, classes: int = 2) -> Dataset:
    known = {"format": "csv", "rows": 4, "files": [], "source": "file:made", "number": 1}
    named = [f"class {number}" for number in range(classes)]
    return Dataset(name="data", task=task, classes=named, created_at=datetime.now(UTC), **known)


@pytest.fixture
def add(store: Store, tmp_path: Path) -> Add:
    def make(model: str, task: str, form: Format = Format.transformers, file: str = "model.safetensors") -> Version:
        folder = tmp_path / model
        folder.mkdir()
        (folder / file).write_bytes(b"made")
        new = NewVersion(
            model=model,
            format=form,
            task=task,
            lineage=Lineage(step=Step.fetched, source=f"file:{model}"),
            facts=Facts(parameters=PARAMETERS),
        )
        return store.versions.add(new, folder)

    return make


def test_bases_are_those_that_suit_the_task_and_others_that_can_be_read(store: Store, add: Add) -> None:
    for model, task in (
        ("minilm", "feature-extraction"),
        ("llama", "text-generation"),
        ("vit", "image-classification"),
    ):
        add(model, task)
    add("yolo", "object-detection", Format.ultralytics)
    add("fast", "text-classification", Format.onnx)
    found = choices(store, dataset("text-classification"))
    assert (found.bases, found.other_bases) == (["minilm@1"], ["llama@1", "vit@1"])
    assert choices(store, dataset("text-generation")).bases == ["llama@1"]
    assert choices(store, dataset("image-classification")).bases == ["vit@1"]
    detection = choices(store, dataset("object-detection"))
    assert (detection.bases, detection.other_bases, detection.methods) == (["yolo@1"], [], ["full", "head"])


def test_defaults_are_those_that_the_trainer_takes(store: Store, add: Add) -> None:
    text = choices(store, dataset("text-classification")).defaults
    assert (text["method"], text["epochs"], text["learning_rate"], text["head_learning_rate"]) == (
        "full",
        1,
        1e-4,
        1e-3,
    )
    assert choices(store, dataset("text-classification"), method="lora").defaults["learning_rate"] == 1e-3
    language = choices(store, dataset("text-generation")).defaults
    assert (language["method"], language["learning_rate"], language["context_length"]) == ("lora", 5e-4, 512)
    assert choices(store, dataset("object-detection", classes=6)).defaults["learning_rate"] == 1e-3
    described = add("resnet", "image-classification", file="config.json")
    assert choices(store, dataset("image-classification"), described).defaults["epochs"] == 30


def test_memory_is_that_of_weights_gradients_and_optimizer(store: Store, add: Add) -> None:
    base = add("minilm", "feature-extraction")
    assert choices(store, dataset("text-classification")).memory_bytes is None
    assert choices(store, dataset("text-classification"), base).memory_bytes == 16 * PARAMETERS
    assert choices(store, dataset("text-classification"), base, "lora").memory_bytes == 4 * PARAMETERS


def test_what_means_something_for_some_tasks_alone_says_so_in_the_schema() -> None:
    properties = FinetuneOptions.model_json_schema()["properties"]
    tasks = {name: set(schema["x-tasks"]) for name, schema in properties.items() if "x-tasks" in schema}
    assert tasks["max_length"] == {"text-classification", "token-classification"}
    assert tasks["augmentation"] == {"image-classification", "object-detection"}
    assert tasks["context_length"] == {"text-generation"}
    assert properties["lora_rank"]["x-methods"] == ["lora"]
    assert "x-tasks" not in properties["learning_rate"]
