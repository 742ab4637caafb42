"""A search for a faster form of a version: it measures and judges, keeps to time and budget, and outlives kills."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_bert import CLASSES, make_classifier, rows
from transformers import BertForSequenceClassification, PreTrainedTokenizerFast
from waiting import until

from jupyter_modeldeploy import Workspace, plugins, processes
from jupyter_modeldeploy.errors import InvalidInput, NotFound
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Format, JobState, Lineage, NewVersion, Step
from jupyter_modeldeploy.records.optimizations import ORIGINAL, Optimization
from jupyter_modeldeploy.workspace import JobHandle

DEADLINE_S = 300
ROWS, SENTENCES = 160, 640
HIDDEN = 128
"""Wide enough for the weights to be most of an ONNX file."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Two classifiers whose answers are the labels of a dataset each, so that every changed answer is a loss: `tiny`
    bears 8 bits, `fragile` does not."""
    folder = tmp_path_factory.mktemp("searches")
    opened = Workspace(folder / "root")
    for name in ("tiny", "fragile"):
        checkpoint = _halving(make_classifier(folder / name, HIDDEN), fragile=name == "fragile")
        new = NewVersion(
            model=name,
            format=Format.transformers,
            task="text-classification",
            lineage=Lineage(step=Step.fetched),
            classes=CLASSES,
        )
        opened.store.versions.add(new, checkpoint)
        _add_answers(opened, name, checkpoint)
    plugins.load("converters", "transformers-onnx")(folder / "fragile", folder / "onnx", Silent())
    opened.store.versions.add(new.model_copy(update={"format": Format.onnx}), folder / "onnx")
    _add_dataset(opened, "weather", [("it rains", "wet"), ("it shines", "dry")] * 8, ["wet", "dry"])
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _nothing_goes_on(workspace: Workspace) -> Iterator[None]:
    yield
    for job in workspace.jobs.list():
        if not job.state.ended:
            workspace.jobs.get(job.id).cancel()


def _margins(folder: Path) -> torch.Tensor:
    """By how much the second class is likelier, of each sentence."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    model = BertForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        found: torch.Tensor = model(**tokenizer(_sentences(), padding=True, return_tensors="pt")).logits
    return found[:, 1] - found[:, 0]


def _sentences() -> list[str]:
    return sorted({text for text, _ in rows(SENTENCES)})


def _halving(folder: Path, fragile: bool) -> Path:
    """The classifier, which now answers half of the texts with either class. A fragile one has neurons that are always
    on, a thousand times louder than the others, and that nobody listens to: in 8 bits nothing else is heard."""
    model = BertForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        if fragile:
            for layer in model.bert.encoder.layer:
                layer.intermediate.dense.bias[0] = 10_000.0
                layer.output.dense.weight.mul_(100)
                layer.output.dense.weight[:, 0] = 0.0
        model.save_pretrained(folder)
        model.classifier.bias[1] -= _margins(folder).median()
    model.save_pretrained(folder)
    return folder


def _add_answers(workspace: Workspace, name: str, checkpoint: Path) -> None:
    """The clearest of its answers, which small changes leave as they are."""
    margins = _margins(checkpoint)
    texts, clearest = _sentences(), margins.abs().argsort(descending=True)[:ROWS].tolist()
    table = [(texts[index], CLASSES[int(margins[index] > 0)]) for index in clearest]
    assert {label for _, label in table} == set(CLASSES)
    _add_dataset(workspace, name, table, CLASSES)


def _add_dataset(workspace: Workspace, name: str, table: list[tuple[str, str]], classes: list[str]) -> None:
    with workspace.store.artifacts.staging() as staging:
        with (staging / "data.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *table])
        known = {"format": "csv", "text_column": "text", "label_column": "label", "classes": classes}
        workspace.store.datasets.add(name, staging, source="file:made", rows=len(table), test_share=0.6, **known)


def found(handle: JobHandle) -> Optimization:
    return Optimization.model_validate(handle.job.result)


def is_made(handle: JobHandle, name: str) -> bool:
    one = found(handle).candidate(name) if handle.job.result else None
    return one is not None and one.size_bytes is not None


def test_a_search_makes_a_version_of_the_best_and_tells_why(workspace: Workspace) -> None:
    handle = workspace.models.optimize("tiny", "5%", "size", "tiny", methods=["dynamic-int8"])
    version = handle.version(timeout_s=DEADLINE_S)

    result = found(handle)
    _tells_all(result)
    _is_registered(workspace, handle, result, version.ref)
    _has_a_page(workspace, handle, result)
    _is_told_in_a_terminal(workspace, handle, result)
    _registers_others_of_the_front(workspace, handle, result)


def _tells_all(result: Optimization) -> None:
    assert result.metric == "accuracy"
    assert [one.name for one in result.candidates][:2] == [ORIGINAL, "onnx-fp32"]
    assert all(one.verdict != "open" for one in result.candidates)
    assert all(one.reason for one in result.candidates if one.verdict not in ("original", "recommended", "front"))
    chosen = result.chosen
    assert chosen is not None and chosen.name != ORIGINAL  # noqa: PT018
    assert chosen.validation is not None and chosen.test is not None  # noqa: PT018
    for judged in (chosen.validation, chosen.test):
        assert judged.difference.value >= -0.05
        assert judged.difference.low <= judged.difference.value <= judged.difference.high
        assert judged.agreement == pytest.approx(1 + judged.difference.value)  # the labels are the original's answers
    assert chosen.latency is not None and chosen.throughput is not None  # noqa: PT018
    assert chosen.latency.p50_ms.low <= chosen.latency.p50_ms.median <= chosen.latency.p95_ms
    assert chosen.peak_memory_bytes
    assert result.original.peak_memory_bytes
    assert result.gain(chosen) == max(result.gain(one) for one in result.candidates if one.name in result.front)
    assert "times smaller than the original" in result.why
    assert "no validation rows" in result.notes[0]


def _is_registered(workspace: Workspace, handle: JobHandle, result: Optimization, ref: str) -> None:
    version = workspace.models.version(ref)
    chosen = result.chosen
    assert chosen is not None
    assert chosen.test is not None
    assert (version.lineage.step, version.lineage.parent, version.lineage.job) == ("optimized", "tiny@1", handle.id)
    assert version.lineage.dataset == "tiny@1"
    assert version.lineage.parameters == {"candidate": chosen.name, "format": "onnx", **(chosen.quantization or {})}
    assert version.metrics["accuracy_difference"] == chosen.test.difference.value
    assert version.size_bytes < workspace.models.version("tiny@1").size_bytes
    assert chosen.version == result.version == ref


def _has_a_page(workspace: Workspace, handle: JobHandle, result: Optimization) -> None:
    page = (workspace.store.job_folder(handle.id) / "report.html").read_text("utf-8")
    assert result.why in page
    assert all(one.name in page for one in result.candidates)
    assert "<iframe" in workspace.models.optimization(handle.id)._repr_html_()


def _is_told_in_a_terminal(workspace: Workspace, handle: JobHandle, result: Optimization) -> None:
    command = [sys.executable, "-m", "jupyter_modeldeploy.cli", "--root", str(workspace.store.root)]
    run = subprocess.run([*command, "optimize-report", handle.id], capture_output=True, text=True, check=True)
    assert result.why in run.stdout
    assert f"serve {result.version} --name tiny --instances" in run.stdout


def _registers_others_of_the_front(workspace: Workspace, handle: JobHandle, result: Optimization) -> None:
    with pytest.raises(NotFound, match="no point of the front"):
        workspace.models.register_optimized(handle.id, "weight-int4")
    again = workspace.models.register_optimized(handle.id, str(result.recommended))
    assert again.ref == result.version
    assert workspace.models.optimization(handle.id).version == result.version


def test_a_model_that_collapses_in_8_bits_stays_as_it_is_though_the_search_was_killed(workspace: Workspace) -> None:
    handle = workspace.models.optimize("fragile@2", 0.02, "size", "fragile", methods=["dynamic-int8"])
    before = _killed_once(handle)
    handle.resume()
    result = Optimization.model_validate(handle.result(timeout_s=DEADLINE_S))

    made, lost = before.candidate("dynamic-int8"), result.candidate("dynamic-int8")
    assert made is not None
    assert lost is not None
    assert made.seconds == lost.seconds  # what was made is not made again, and its time counts
    assert result.seconds > before.seconds
    assert lost.verdict == "too-much-loss"
    assert lost.validation is not None
    assert lost.validation.difference.value < -0.1
    assert (result.recommended, result.version, result.front) == (ORIGINAL, "fragile@2", [ORIGINAL])
    assert "Nothing within the budget is better than the original" in result.why
    assert workspace.models.get("fragile").latest == 2


def _killed_once(handle: JobHandle) -> Optimization:
    """What the search has found when it is killed."""
    until(lambda: is_made(handle, "dynamic-int8"), "the first quantization", DEADLINE_S)
    process = handle.job.process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: handle.job.state.ended, "the end", DEADLINE_S)
    return found(handle)


def test_a_search_without_time_leaves_the_original_and_says_so(workspace: Workspace) -> None:
    handle = workspace.models.optimize("fragile@2", dataset="fragile", minutes=0.001)
    result = Optimization.model_validate(handle.result(timeout_s=DEADLINE_S))

    assert result.recommended == ORIGINAL
    assert any("time was over" in note for note in result.notes)
    assert result.version == "fragile@2"


def test_a_cancelled_search_leaves_no_process(workspace: Workspace) -> None:
    handle = workspace.models.optimize("fragile@2", dataset="fragile", target="memory")
    until(lambda: is_made(handle, "weight-int8"), "a quantization", DEADLINE_S)
    process = handle.job.process
    assert process is not None

    assert handle.cancel().state is JobState.cancelled
    assert not processes.group(process)


def test_what_cannot_be_is_said_before_there_is_a_job(workspace: Workspace) -> None:
    jobs = len(workspace.jobs.list())
    models = workspace.models
    for nonsense in ("a little", "150%", "-1%", 2, "nan"):
        with pytest.raises(InvalidInput, match="max_loss"):
            models.optimize("tiny@1", nonsense, dataset="tiny")
    with pytest.raises(InvalidInput, match="target"):
        models.optimize("tiny@1", target="beauty", dataset="tiny")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="minutes"):
        models.optimize("tiny@1", minutes=0, dataset="tiny")
    with pytest.raises(InvalidInput, match="knows the classes"):
        models.optimize("tiny@1", dataset="weather")
    with pytest.raises(NotFound, match="made without a dataset"):
        models.optimize("tiny@1")
    with pytest.raises(NotFound, match="No job"):
        models.optimization("0" * 12)
    assert len(workspace.jobs.list()) == jobs
