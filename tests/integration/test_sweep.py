"""A sweep is one job with trials that are jobs too: it chooses on validation rows, outlives kills, and can be ended."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from slow_motion import in_slow_motion
from tiny_bert import CLASSES, make_encoder, rows
from waiting import until

from jupyter_modeldeploy import Workspace, processes
from jupyter_modeldeploy.api.operations import OPERATIONS
from jupyter_modeldeploy.errors import Conflict, InvalidInput, JobFailed
from jupyter_modeldeploy.records import Format, Job, JobState, Lineage, NewVersion, Step
from jupyter_modeldeploy.records.sweeps import SweepResult, TrialState
from jupyter_modeldeploy.workspace import JobHandle

QUICK: dict[str, Any] = {
    "max_steps": 12,
    "batch_size": 8,
    "max_length": 32,
    "precision": "fp32",
    "validation_share": 0.2,
}
DEADLINE_S = 240


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with a tiny encoder and a dataset that it can learn."""
    folder = tmp_path_factory.mktemp("sweeps")
    opened = Workspace(folder / "root")
    new = NewVersion(
        model="tiny", format=Format.transformers, task="feature-extraction", lineage=Lineage(step=Step.fetched)
    )
    opened.store.versions.add(new, make_encoder(folder / "tiny"))
    with opened.store.artifacts.staging() as staging:
        with (staging / "data.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *((text, CLASSES[label]) for text, label in rows(120))])
        known = {"format": "csv", "text_column": "text", "label_column": "label", "classes": CLASSES, "rows": 120}
        opened.store.datasets.add("sentences", staging, source="file:made", **known)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _nothing_goes_on(workspace: Workspace) -> Iterator[None]:
    yield
    for job in workspace.jobs.list():
        if not job.state.ended and job.parent is None:
            workspace.jobs.get(job.id).cancel()


def parts(workspace: Workspace, handle: JobHandle) -> list[Job]:
    """The parts of a job, the oldest first."""
    return [job for job in reversed(workspace.jobs.list()) if job.parent == handle.id]


def found(handle: JobHandle) -> SweepResult:
    return SweepResult.model_validate(handle.job.result)


def test_a_grid_that_is_killed_keeps_its_trials_and_makes_a_version_of_the_best(workspace: Workspace) -> None:
    vary = {"batch_size": [6, 8], "gradient_accumulation": [1, 3]}  # 8 rows cannot be computed in 3 equal parts
    options = {**QUICK, "batch_size": None, "learning_rate": 3e-3}
    handle = workspace.models.sweep("tiny", "sentences", "gridded", vary, search="grid", pruning="none", **options)
    with in_slow_motion(handle):
        until(lambda: handle.job.result and len(found(handle).trials) >= 2, "the second trial")
        parent = handle.job
        assert parent.process is not None
        assert parent.progress.total == 4
        os.kill(parent.process.pid, signal.SIGKILL)
    until(lambda: handle.job.state.ended, "the end")
    until(lambda: all(part.state.ended for part in parts(workspace, handle)), "the end of the orphan")
    before = found(handle)
    assert before.trials[0].state is TrialState.done

    handle.resume()
    result = SweepResult.model_validate(handle.result(timeout_s=DEADLINE_S))

    assert result.trials[0] == before.trials[0]
    assert [trial.options for trial in result.trials] == [
        {"batch_size": 6, "gradient_accumulation": 1},
        {"batch_size": 6, "gradient_accumulation": 3},
        {"batch_size": 8, "gradient_accumulation": 1},
        {"batch_size": 8, "gradient_accumulation": 3},
    ]
    states = [trial.state for trial in result.trials]
    assert states == [TrialState.done, TrialState.done, TrialState.done, TrialState.failed]
    assert "cannot be computed in 3 equal parts" in (result.trials[3].error or "")
    _is_chosen_by_validation_rows_alone(workspace, handle, result)
    again = workspace.models.sweep(
        "tiny", "sentences", "gridded", vary, search="grid", pruning="none", reuse=True, **options
    )
    assert again.result(DEADLINE_S) == {**result.model_dump(mode="json"), "reused": True}


def _is_chosen_by_validation_rows_alone(workspace: Workspace, handle: JobHandle, result: SweepResult) -> None:
    *trials, last = parts(workspace, handle)
    assert {job.kind for job in trials} == {"trial"}
    for job in trials:
        assert not {point.name for point in workspace.jobs.get(job.id).metrics()} & {"accuracy", "f1_macro"}
        assert not (workspace.store.job_folder(job.id) / "checkpoints").exists()
    best = result.best_trial
    assert best is not None
    assert best.value == max(trial.value or 0 for trial in result.trials if trial.state == "done") == best.values[-1]
    version = workspace.models.version(result.version or "")
    assert version.lineage.job == last.id
    assert {name: version.lineage.parameters[name] for name in best.options} == best.options
    assert result.metrics == version.metrics
    assert last.result is not None
    assert last.result["training"]["resumed_from"] == QUICK["max_steps"]  # it was trained once
    evaluation = workspace.models.evaluation(version.ref)
    assert evaluation is not None
    assert evaluation.metrics[0].value == version.metrics["accuracy"]


def test_a_bayesian_sweep_from_the_command_line_prunes_and_shows_its_trials(workspace: Workspace) -> None:
    modeldeploy = [sys.executable, "-m", "jupyter_modeldeploy.cli", "--root", str(workspace.store.root)]

    def told(*arguments: str) -> str:
        done = subprocess.run([*modeldeploy, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    options = [f"--{name.replace('_', '-')}={value}" for name, value in QUICK.items() if name != "batch_size"]
    vary = ["--vary", "learning_rate=1e-6..1e-2:log", "--vary", "batch_size=8,16", "--trials=4", "--seed=1"]
    job = json.loads(told("sweep", "tiny", "sentences", "found", *vary, "--metric=loss", *options, "--json"))

    result = SweepResult.model_validate(job["result"])
    assert [trial.number for trial in result.trials] == [1, 2, 3, 4]
    pruned = [trial for trial in result.trials if trial.state is TrialState.pruned]
    assert pruned
    assert all(len(trial.values) < 4 for trial in pruned)
    best = result.best_trial
    assert best is not None
    assert best.value == min(trial.value or 9 for trial in result.trials if trial.state is TrialState.done)
    shown = told("jobs", "show", job["id"])
    assert "4 of 4 trials, by loss on validation rows" in shown
    assert "Made found@1" in shown
    listed = told("jobs", "list")
    assert listed.index(job["id"]) < listed.index(result.trials[0].job) < listed.index(result.trials[3].job)


def test_a_sweep_ends_with_its_trial_and_goes_on_after_one_that_was_cancelled(workspace: Workspace) -> None:
    handle = workspace.models.sweep(
        "tiny", "sentences", "endless", {"seed": [1, 2]}, search="grid", **{**QUICK, "max_steps": 100_000}
    )
    until(lambda: any(part.progress.done for part in parts(workspace, handle)), "training")
    [first] = parts(workspace, handle)
    assert (first.device, [ticket.job for ticket in workspace.store.leases.queue("cpu")]) == ("cpu", [handle.id])
    workspace.jobs.get(first.id).cancel()
    until(lambda: len(parts(workspace, handle)) == 2 and parts(workspace, handle)[1].process, "the second trial")
    assert found(handle).trials[0].error == "It was cancelled."
    second = parts(workspace, handle)[1]
    assert second.process is not None

    assert handle.cancel().state is JobState.cancelled

    assert workspace.jobs.get(second.id).job.state is JobState.cancelled
    assert processes.group(second.process) == []
    assert workspace.store.leases.queue("cpu") == []
    with pytest.raises(Conflict, match=f"is a part of {handle.id}"):
        workspace.jobs.get(second.id).resume()


def test_a_sweep_whose_trials_all_fail_says_why(workspace: Workspace) -> None:
    handle = workspace.models.sweep(
        "tiny", "sentences", "none", {"gradient_accumulation": [3, 5]}, search="grid", **QUICK
    )
    with pytest.raises(JobFailed, match=r"All 2 trials failed, the last one .* cannot be computed in 5 equal parts"):
        handle.wait(timeout_s=DEADLINE_S)
    assert "none" not in {model.name for model in workspace.models.list()}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown option": ({"vary": {"learning": [1]}}, "no option 'learning'"),
    "metric of another task": ({"metric": "map50"}, "text-classification has no metric 'map50'"),
    "too many trials": ({"vary": {"batch_size": [8, 16]}, "trials": 3}, "only 2|There are 2 combinations"),
    "no trials": ({"trials": 0}, "greater than or equal to 1"),
    "another number than the grid's": ({"vary": {"batch_size": [8, 16]}, "search": "grid", "trials": 3}, "2 points"),
    "given and varied": ({"learning_rate": 1e-3}, "learning_rate varies, and is given too"),
    "adapters that are not trained": ({"vary": {"lora_rank": [4, 8]}}, "lora_rank decides nothing with method=full"),
    "what is for images": ({"vary": {"image_size": [32, 64]}}, "image_size decides nothing for text-classification"),
    "a learning rate that is found": ({"find_learning_rate": True}, "would overrule"),
    "held-out rows shown": ({"sample_predictions": 3}, "shows no held-out rows"),
    "no such search": ({"search": "best"}, "search"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused_before_there_is_a_job(workspace: Workspace, name: str) -> None:
    wrong, message = REFUSED[name]
    jobs = len(workspace.jobs.list())
    with pytest.raises(InvalidInput, match=message):
        workspace.models.sweep("tiny", "sentences", "tuned", **{"vary": {"learning_rate": "1e-5..1e-3:log"}, **wrong})
    assert len(workspace.jobs.list()) == jobs


def test_the_operation_takes_ranges_as_records_too(workspace: Workspace) -> None:
    [sweep] = [operation for operation in OPERATIONS if operation.name == "sweep_model"]
    wanted = {"base": "tiny", "dataset": "sentences", "name": "tuned"}
    request = sweep.parse({**wanted, "vary": {"learning_rate": {"low": 0, "high": 1e-3, "log": True}}})
    with pytest.raises(InvalidInput, match="a logarithmic range begins above 0"):
        sweep.call(workspace, request)
    with pytest.raises(InvalidInput, match="vary"):
        sweep.parse({**wanted, "vary": {"learning_rate": {"low": 0}}})
