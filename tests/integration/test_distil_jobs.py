"""Students and pruned versions that are trained, as jobs: what comes out, what it is held beside, what is refused."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from digit_images import TINY_RESNET, digit_folder
from slow_motion import in_slow_motion
from tiny_bert import CLASSES, make_classifier, make_encoder, rows
from transformers import ResNetConfig, ResNetForImageClassification
from waiting import until

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import InvalidInput, JobFailed, NotFound
from jupyter_modeldeploy.records import Version

OPTIONS: dict[str, Any] = {"max_steps": 4, "batch_size": 16, "precision": "fp32"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with a classifier of sentences and one of digits, and the rows for both."""
    folder = tmp_path_factory.mktemp("distilled")
    known = {name: value for name, value in TINY_RESNET.items() if name not in ("architectures", "model_type")}
    names = {index: str(index) for index in range(10)}
    ResNetForImageClassification(ResNetConfig(**known, id2label=names)).save_pretrained(folder / "digits")
    with (folder / "sentences.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((text, CLASSES[label]) for text, label in rows(100))])
    opened = Workspace(folder / "root")
    opened.models.fetch(f"file:{make_classifier(folder / 'teacher')}", name="teacher").wait()
    opened.models.fetch(f"file:{make_encoder(folder / 'encoder')}", name="encoder").wait()
    opened.models.fetch(f"file:{folder / 'digits'}", name="digits").wait()
    opened.datasets.add(f"file:{folder / 'sentences.csv'}", name="sentences", test_share=0.3).wait()
    opened.datasets.add(f"file:{digit_folder(folder / 'images', each=6)}", name="digits").wait()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def student(workspace: Workspace) -> Version:
    """Its job is killed after a checkpoint, and resumed."""
    options = {**OPTIONS, "max_steps": 60, "checkpoint_every": 5}
    job = workspace.models.distil("teacher", "sentences", name="student", **options)
    checkpoints = workspace.store.job_folder(job.id) / "checkpoints"
    with in_slow_motion(job):
        until(lambda: any(checkpoints.glob("checkpoint-*")) or job.job.state.ended, "a checkpoint")
        process = job.job.process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(JobFailed, match="SIGKILL"):
        job.wait(timeout_s=240)
    job.resume()
    assert job.result(timeout_s=240)["training"]["resumed_from"] > 0
    return job.version()


def test_a_student_has_half_of_the_layers_and_stands_beside_its_teacher(workspace: Workspace, student: Version) -> None:
    lineage, evaluation = student.lineage, workspace.models.evaluation(student.ref)

    assert (lineage.step, lineage.parent, lineage.dataset) == ("distilled", "teacher@1", "sentences@1")
    assert (lineage.parameters["temperature"], lineage.parameters["soft_share"]) == (2.0, 0.5)
    assert student.size_bytes < workspace.models.version("teacher").size_bytes
    assert evaluation is not None
    assert evaluation.beside == "teacher@1"
    accuracy = evaluation.metrics[0]
    assert accuracy.difference is not None
    assert student.metrics["accuracy_difference"] == accuracy.difference.value
    assert accuracy.difference.value == pytest.approx(accuracy.value - (accuracy.before or 0), abs=1e-9)
    card = workspace.models.card(student.ref)
    assert card is not None
    assert "A smaller model taught by teacher@1" in card


def test_a_student_is_converted_and_its_program_tells_how_it_was_made(workspace: Workspace, student: Version) -> None:
    converted = workspace.models.convert(student.ref).version(timeout_s=240)
    program = workspace.models.code(student.ref)

    assert converted.lineage.parent == student.ref
    assert "workspace.models.distil(" in program
    assert "temperature=2.0," in program
    compile(program, "finetune.py", "exec")


def test_a_given_student_learns_from_a_teacher(workspace: Workspace) -> None:
    made = workspace.models.distil("teacher", "sentences", student="encoder", **OPTIONS).version(timeout_s=240)

    assert (made.ref, made.lineage.parameters["student"]) == ("teacher@2", "encoder@1")
    assert "student = found(" in workspace.models.code(made.ref)


def test_an_image_classifier_teaches_a_narrower_one(workspace: Workspace) -> None:
    """It has one layer in each stage: none can be left out."""
    made = workspace.models.distil("digits", "digits", name="narrow", **OPTIONS).version(timeout_s=240)

    assert made.size_bytes < 0.5 * workspace.models.version("digits@1").size_bytes


def test_what_pruning_leaves_is_trained_in_the_same_job(workspace: Workspace) -> None:
    job = workspace.models.prune("digits@1", share=0.4, dataset="digits", **OPTIONS)
    made = job.version(timeout_s=240)
    evaluation = workspace.models.evaluation(made.ref)

    assert (made.lineage.step, made.lineage.dataset) == ("pruned", "digits@1")
    assert job.result()["pruning"]["operations_after"] < 0.6 * job.result()["pruning"]["operations_before"]
    assert evaluation is not None
    assert evaluation.beside == "digits@1"
    assert "accuracy_difference_low" in made.metrics
    assert "workspace.models.prune(" in workspace.models.code(made.ref)


def test_zeros_make_a_version_smaller_only_where_it_is_compressed(workspace: Workspace) -> None:
    job = workspace.models.prune("teacher@1", share=0.5, method="magnitude", dataset="sentences", **OPTIONS)
    made, pruning = job.version(timeout_s=240), job.result()["pruning"]

    assert made.lineage.parameters == {"share": 0.5, "method": "magnitude", "options": OPTIONS}
    assert pruning["compressed_after_bytes"] < pruning["compressed_before_bytes"]
    assert pruning["size_after_bytes"] == pruning["size_before_bytes"]


def test_what_cannot_be_taught_is_said_before_there_is_a_job(workspace: Workspace, student: Version) -> None:
    jobs, models = len(workspace.jobs.list()), workspace.models
    with pytest.raises(InvalidInput, match="knows the classes"):
        models.distil(student.ref, _relabelled(workspace).ref)
    jobs += 1
    with pytest.raises(InvalidInput, match="digits@1 is for image-classification"):
        models.distil("teacher@1", "digits")
    with pytest.raises(InvalidInput, match="does feature-extraction"):
        models.distil("encoder", "sentences")
    with pytest.raises(InvalidInput, match="taken as it is"):
        models.distil("teacher@1", "sentences", student="encoder", layers=1)
    with pytest.raises(InvalidInput, match="cannot teach itself"):
        models.distil("teacher@1", "sentences", student="teacher@1")
    with pytest.raises(InvalidInput, match="version of its own"):
        models.distil("teacher@1", "sentences", method="lora", merge_adapter=False)
    with pytest.raises(InvalidInput, match="soft_share"):
        models.distil("teacher@1", "sentences", soft_share=0)
    with pytest.raises(InvalidInput, match="width"):
        models.distil("teacher@1", "sentences", width=1)
    with pytest.raises(NotFound):
        models.distil("teacher@1", "sentences", student="nobody")
    with pytest.raises(InvalidInput, match="Nothing is trained without a dataset: epochs"):
        models.prune("teacher@1", epochs=2)
    with pytest.raises(InvalidInput, match="Leave out scope"):
        models.prune("teacher@1", scope="layer")
    with pytest.raises(InvalidInput, match="does feature-extraction"):
        models.prune("encoder", dataset="sentences")
    assert len(workspace.jobs.list()) == jobs


def _relabelled(workspace: Workspace) -> Any:
    """The sentences with other names for their classes."""
    path = Path(workspace.store.root).parent / "relabelled.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((text, f"{label}!") for text, label in rows(20))])
    return workspace.datasets.get(workspace.datasets.add(f"file:{path}", name="relabelled").result()["dataset"])
