"""Trains a `Problem` as the options say. Every trainer on the Trainer of transformers is a call of `fit`.

Resumable: a run that was killed goes on from its last checkpoint and, on a CPU or deterministic, ends with the same
weights as one that was left in peace. Nothing is asked of the network and no code of the base is run."""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, TrainerState, set_seed
from transformers.trainer import TRAINER_STATE_NAME

from jupyter_modeldeploy.errors import JobFailed, WorkerDied
from jupyter_modeldeploy.judging import metric_intervals
from jupyter_modeldeploy.judging.metrics import HeldOut, evaluate
from jupyter_modeldeploy.judging.report import report
from jupyter_modeldeploy.progress import Reporter, Silent
from jupyter_modeldeploy.records import EvaluationReport
from jupyter_modeldeploy.training import (
    adapters,
    learning_rate,
    logs,
    memory,
    precision,
    process,
    state,
    teaching,
    zeros,
)
from jupyter_modeldeploy.training.checkpoints import Checkpoints, step_of, storage_errors
from jupyter_modeldeploy.training.defaults import Defaults
from jupyter_modeldeploy.training.group import Group
from jupyter_modeldeploy.training.options import FinetuneResult
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.prediction import predict, show_samples
from jupyter_modeldeploy.training.problem import Problem
from jupyter_modeldeploy.training.run import Training
from jupyter_modeldeploy.training.trainer import (
    CoreTrainer,
    Report,
    SaveInTime,
    ShowSamples,
    StopEarly,
    best_step,
    out_of_patience,
)
from jupyter_modeldeploy.training.trial import EndWhole, EvaluateEvenly, validation_metrics

log = logging.getLogger(__name__)
Metrics = dict[str, float]


def fit(training: Training, defaults: Defaults, make: Callable[[Plan], Problem]) -> FinetuneResult:
    """Train what `make` builds, judge it on its test rows before and after, and write it to `training.out`.

    `make` is called with the random generators seeded, once for each attempt: again where the memory of a GPU did not
    suffice, with the batch in more parts. Raises as `training.run.Trainer` says."""
    started = time.monotonic()
    group = Group.joined()
    plan = Plan.of(training.options, defaults, group.size)
    device = process.prepare(training.device, group.size)
    with (
        process.determinism(training.options.deterministic),
        logs.written(training) if group.first else nullcontext(Silent()) as reporter,
        storage_errors(f"fine-tuning {training.base.name}"),
    ):
        saved = group.once(lambda: Checkpoints(training.checkpoints, _fingerprint(training)))
        setting = Setting(training, saved, device, reporter, group)
        plan = replace(plan, parts=saved.recall("parts") or plan.parts)
        while True:
            try:
                attempt = _attempt(setting, plan, make)
                return attempt.result(time.monotonic() - started)
            except torch.OutOfMemoryError as error:
                message = str(error)
            plan = _smaller(plan, saved, message)
            if group.size > 1:  # the others wait for this process: all have to start again
                raise WorkerDied(f"Worker {group.rank} of {group.size} ran out of memory.")
            gc.collect()
            torch.cuda.empty_cache()


@dataclass(frozen=True)
class Setting:
    """What stays the same in all attempts."""

    training: Training
    saved: Checkpoints
    device: torch.device
    reporter: Reporter
    group: Group


@dataclass(frozen=True)
class Attempt:
    """What an attempt came to."""

    plan: Plan
    metrics: Metrics
    baseline: Metrics
    evaluation: EvaluationReport | None
    state: TrainerState
    resumed_from: int

    def result(self, seconds: float) -> FinetuneResult:
        return FinetuneResult(
            metrics=self.metrics,
            baseline=self.baseline,
            evaluation=self.evaluation,
            steps=self.state.global_step,
            resumed_from=self.resumed_from,
            loss=next((entry["loss"] for entry in reversed(self.state.log_history) if "loss" in entry), None),
            seconds=seconds,
            batch_size=self.plan.rows_at_a_time,
            precision=self.plan.precision,
            options=self.plan.as_options(),
        )


def _attempt(setting: Setting, plan: Plan, make: Callable[[Plan], Problem]) -> Attempt:
    training, group = setting.training, setting.group
    set_seed(training.options.seed)
    problem = make(plan)
    if training.keep_zeros:
        zeros.keep(problem.model)
    caching = getattr(problem.model.config, "use_cache", None)  # the Trainer switches it off
    model = _prepared(problem, plan, setting.device)
    plan = group.once(lambda: _decided(setting, plan, problem, model))
    baseline = Baseline({}, np.empty(0))
    if not training.trial:
        baseline = group.once(lambda: _baseline(setting, problem, model))
    lesson = None
    if problem.teacher is not None and training.teaching is not None and training.teaching.share:
        problem, lesson = teaching.taught(
            problem, training.teaching, plan, setting.saved, setting.device, group, setting.reporter
        )
    trainer = CoreTrainer(problem, plan, model, setting.saved, setting.device, group, lesson)
    _add_callbacks(setting, trainer, plan)
    resumed_from = _train(setting, trainer)
    if training.trial:
        found = validation_metrics(trainer.state, best=training.options.early_stopping_patience is not None)
        return Attempt(plan, found, {}, None, trainer.state, resumed_from)

    def judged_and_saved() -> Attempt:
        _take_best(setting.saved, trainer, plan)
        trained = trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
        trained = adapters.bare(trained, plan.options.merge_adapter, problem.unquantized)
        samples, message = plan.options.sample_predictions, "testing the fine-tuned model"
        judged = _judged(setting, problem, trained, trainer.state, message, samples)
        evaluated = report(
            training.dataset.ref,
            _held_out(problem),
            judged.answers,
            judged.metrics,
            baseline.metrics,
            baseline.rows,
            problem.train.labels,
        )
        if caching is not None:
            trained.config.use_cache = caching
        problem.save(trained, training.out)
        return Attempt(plan, judged.metrics, baseline.metrics, evaluated, trainer.state, resumed_from)

    return group.once(judged_and_saved)


def _train(setting: Setting, trainer: CoreTrainer) -> int:
    """Train from the last checkpoint on, and give the step that it is of."""
    options = setting.training.options
    resume = setting.group.once(setting.saved.latest)
    past = TrainerState.load_from_json(str(resume / TRAINER_STATE_NAME)) if resume else TrainerState()
    if resume and (past.global_step >= past.max_steps or out_of_patience(past, options.early_stopping_patience)):
        trainer.state = past  # the Trainer itself would take one step more
        state.load_weights(resume, trainer.trained)
    else:
        set_seed(options.seed)  # so that dropout does not depend on whether trials were made or recalled
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    return step_of(resume) if resume else 0


def _prepared(problem: Problem, plan: Plan, device: torch.device) -> PreTrainedModel:
    model = adapters.prepared(problem.model, plan.method, problem.in_head, plan.options)
    if plan.options.gradient_checkpointing:
        enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
        enable()
        if plan.method == "lora":
            model.enable_input_require_grads()  # type: ignore[no-untyped-call]
    if plan.options.quantize_base:
        return model  # it was loaded to where it stays
    return model.to(device)  # type: ignore[arg-type, no-any-return]


def _decided(setting: Setting, plan: Plan, problem: Problem, model: torch.nn.Module) -> Plan:
    """The plan after its trials, or after those of an earlier attempt."""
    if known := setting.saved.recall("plan"):
        return plan.with_facts(known)
    with _buffers_kept(model):
        plan = _tried(plan, problem, model, setting.device, setting.reporter)
    log.info("%s", plan)
    setting.saved.remember("plan", plan.facts())
    return plan


def _tried(plan: Plan, problem: Problem, model: torch.nn.Module, device: torch.device, reporter: Reporter) -> Plan:
    reporter.progress(0, None, message="measuring what the model needs")
    need = memory.estimate(problem, model, device)
    plan = memory.fitting(plan, need, device)
    each = memory.used(device) + need.total(plan.rows_at_a_time)
    reporter.metric("estimated_memory_bytes", plan.processes * each, 0)
    plan = replace(plan, precision=precision.choose(plan, problem, model, device))
    if plan.options.find_learning_rate:
        reporter.progress(0, None, message="finding the learning rate")
        whole = replace(plan, processes=1)  # this process alone makes the trial, on whole batches
        plan = plan.scaled(learning_rate.find(whole, problem, model, device) / plan.learning_rate)
    return plan


@contextmanager
def _buffers_kept(model: torch.nn.Module) -> Iterator[None]:
    """Afterwards the buffers are as before: batch normalization averages over whatever it sees, trials too, and a
    training that is resumed makes none."""
    before = {name: buffer.detach().clone() for name, buffer in model.named_buffers()}
    yield
    with torch.no_grad():
        for name, buffer in model.named_buffers():
            buffer.copy_(before[name])


@dataclass(frozen=True)
class Baseline:
    """How good the model was before training, or its teacher is, and what its answers give to the differences:
    `metric_intervals.kept`."""

    metrics: Metrics
    rows: np.ndarray


@dataclass(frozen=True)
class Judged:
    """How good the answers to the test rows are."""

    metrics: Metrics
    answers: Sequence[np.ndarray]


def _baseline(setting: Setting, problem: Problem, model: torch.nn.Module) -> Baseline:
    if (known := setting.saved.recall("baseline")) is not None:
        return Baseline(known["metrics"], np.array(known["rows"]))
    if problem.teacher is None:
        found = _judged(setting, problem, model, TrainerState(), "testing the untrained model")
    else:
        teacher: Any = problem.teacher.model
        found = _judged(setting, problem.teacher, teacher.to(setting.device), TrainerState(), "testing the teacher")
    rows = metric_intervals.kept(_held_out(problem), found.answers)
    setting.saved.remember("baseline", {"metrics": found.metrics, "rows": rows.tolist()})
    return Baseline(found.metrics, rows)


def _held_out(problem: Problem) -> HeldOut:
    return HeldOut(problem.kind, problem.test.labels, problem.classes, problem.text)


def _judged(
    setting: Setting, problem: Problem, model: torch.nn.Module, state: TrainerState, message: str, samples: int = 0
) -> Judged:
    """The answers to the test rows and their metrics, in float32."""
    step, steps, reporter = state.global_step, state.max_steps or None, setting.reporter
    reporter.progress(step, steps, "steps", message)
    predicted = predict(model, problem, problem.test, setting.device)
    found = evaluate(problem.kind, predicted.answers, problem.test.labels, problem.classes)
    for name, value in found.items():
        reporter.metric(name, value, step)
    show_samples(problem, model, samples, setting.device, reporter, step)
    return Judged({"loss": predicted.loss, **found}, predicted.answers)


def _add_callbacks(setting: Setting, trainer: CoreTrainer, plan: Plan) -> None:
    """Those that decide anything are the same in every process."""
    first = setting.group.first
    trainer.add_callback(Report(setting.reporter, plan, setting.device, setting.group))
    if first:
        trainer.add_callback(ShowSamples(trainer, setting.reporter))
    if first and plan.options.checkpoint_every is None:
        trainer.add_callback(SaveInTime(trainer))
    if plan.options.evaluations is not None:
        trainer.add_callback(EvaluateEvenly(plan.options.evaluations))
    if plan.options.early_stopping_patience is not None:
        trainer.add_callback(StopEarly(plan.options.early_stopping_patience))
    if setting.training.trial:
        trainer.add_callback(EndWhole())


def _take_best(saved: Checkpoints, trainer: CoreTrainer, plan: Plan) -> None:
    best = best_step(trainer.state) if plan.options.early_stopping_patience is not None else None
    if best is not None and best != trainer.state.global_step:
        state.load_weights(saved.at(best), trainer.trained)


def _smaller(plan: Plan, saved: Checkpoints, message: str) -> Plan:
    """The plan that takes less memory than the one that ran out of it."""
    known = saved.recall("plan")
    failed = plan.with_facts(known) if known else plan
    smaller = failed.in_more_parts() if plan.options.find_batch_size else None
    if smaller is None:
        raise JobFailed(
            f"The device ran out of memory with {failed.rows_at_a_time} rows at a time.",
            "Choose a smaller model, method lora or head, or a smaller max_length or batch_size.",
        )
    log.warning("Out of memory with %d rows at a time (%s).", failed.rows_at_a_time, message)
    saved.remember("parts", smaller.parts)
    if known:
        saved.remember("plan", smaller.facts())
    return smaller


def _fingerprint(training: Training) -> str:
    """Which run this is: base, data and options, and what teaches."""
    files = _sizes(training.base)
    data = training.dataset.model_dump(mode="json", exclude={"report", "created_at"})
    said: list[Any] = [files, data, training.options.model_dump(mode="json", exclude={"log_to"})]
    if (taught := training.teaching) is not None:
        said.append([_sizes(taught.folder), taught.temperature, taught.share])
    if training.keep_zeros:
        said.append("zeros")
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _sizes(folder: Path) -> list[tuple[str, int]]:
    return sorted((path.name, path.stat().st_size) for path in folder.iterdir() if path.is_file())
