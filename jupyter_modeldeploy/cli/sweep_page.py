"""The trials of a sweep as a table: the best first, then those that were stopped, then those that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modeldeploy.amounts import duration, percent
from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.tables import table
from jupyter_modeldeploy.records.sweeps import TrialState

if TYPE_CHECKING:
    from jupyter_modeldeploy.records.sweeps import Option, SweepResult, Trial

SHOWN = 25
ORDER = (TrialState.done, TrialState.running, TrialState.pruned, TrialState.failed)


def show(door: Door, sweep: SweepResult) -> None:
    names = list(sweep.trials[0].options) if sweep.trials else []
    title = f"{len(sweep.trials)} of {sweep.planned} trials, by {sweep.metric} on validation rows"
    rows = table(">Trial", *(f">{name}" for name in names), f">{sweep.metric}", "State", ">Took", title=title)
    for trial in sorted(sweep.trials, key=lambda one: _rank(sweep, one))[:SHOWN]:
        rows.add_row(
            f"{trial.number}{' *' if trial.number == sweep.best else ''}",
            *(printable(_value(trial.options[name])) for name in names),
            "" if trial.value is None else f"{trial.value:.4g}",
            trial.state,
            "" if trial.seconds is None else duration(trial.seconds),
        )
    door.out.print(rows)
    if len(sweep.trials) > SHOWN:
        door.out.print(f"and {len(sweep.trials) - SHOWN} more", style="dim")
    if sweep.importance:
        shares = ", ".join(f"{name} {percent(share)}" for name, share in sweep.importance.items())
        door.out.print(f"What decides: {shares}")


def _rank(sweep: SweepResult, trial: Trial) -> tuple[int, float, int]:
    sign = 1 if sweep.direction == "minimize" else -1
    return ORDER.index(trial.state), sign * (trial.value or 0.0), trial.number


def _value(value: Option) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
