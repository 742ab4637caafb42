"""What differs where a training is a trial of a sweep, and evaluations that are spread evenly over a training."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from jupyter_modeldeploy.training.trainer import best_step


class EvaluateEvenly(TrainerCallback):
    """Asks for `count` evaluations, the last one after the last step."""

    def __init__(self, count: int) -> None:
        self._count = count

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        done, before = (step * self._count // state.max_steps for step in (state.global_step, state.global_step - 1))
        control.should_evaluate = control.should_evaluate or done > before


class EndWhole(TrainerCallback):
    """Ends a trial with an evaluation, by which it is compared, and a checkpoint, from which a version can be made."""

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.global_step >= state.max_steps:
            control.should_evaluate = control.should_save = True


def validation_metrics(state: TrainerState, best: bool) -> dict[str, float]:
    """The metrics on validation rows at the end of the training, or, where the `best` weights are kept, at theirs."""
    step = best_step(state) if best else state.global_step
    found = next(entry for entry in reversed(state.log_history) if "eval_loss" in entry and entry["step"] == step)
    return {name.removeprefix("eval_"): value for name, value in found.items() if name.startswith("eval_")}
