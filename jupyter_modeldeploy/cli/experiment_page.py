"""An experiment in the terminal: its verdict, its metrics and guardrails, and what was decided when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modeldeploy.amounts import duration, percent
from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.tables import table

if TYPE_CHECKING:
    from jupyter_modeldeploy.api.experiments import ExperimentList
    from jupyter_modeldeploy.records import Experiment, ExperimentPlan, Interval, Rehearsal

OUTCOME_STYLES = {"running": "cyan", "paused": "yellow", "rolled back": "red", "promoted": "green"}


def listed(door: Door, response: ExperimentList) -> None:
    if not response.experiments:
        door.suggest("No experiments yet. Run one", "experiments run SERVICE NAME@2 --traffic-split 80,20")
        return
    rows = table("Experiment", "On", "Base", "Candidate", ">Share", "State", ">Units")
    for one in response.experiments:
        state = one.outcome if one.kind == "live" else one.kind
        units = f"{sum(one.units):,}" if one.units else ""
        rows.add_row(one.id, one.service or "", one.base, one.candidate, percent(one.split[1]), state, units)
    door.out.print(rows)


def planned(door: Door, plan: ExperimentPlan) -> None:
    if plan.units is not None:
        split = " and ".join(f"{each:,}" for each in plan.units_of_each)
        days = f", which come in {plan.days:.1f} days" if plan.days else ""
        door.out.print(
            f"{plan.units:,} units ({split}){days} find a difference of {plan.minimum_effect:.4g} with a chance of "
            f"{plan.power:.0%}."
        )
    if plan.smallest_effect is not None:
        door.out.print(f"{plan.duration_days:g} days find a difference of {plan.smallest_effect:.4g}.")
    base = "" if plan.base is None else f"The base's figure is {plan.base:.4g}; "
    door.out.print(f"{base}one unit's deviation {plan.deviation:.4g}; judged by {plan.method} at {plan.level:.0%}.")


def shown(door: Door, response: Experiment) -> None:
    from jupyter_modeldeploy.cli import results

    title = f"{response.candidate} against {response.base} on {response.service or 'labelled rows'}"
    title += f", in {response.namespace}" if response.namespace else ""
    if response.metrics:
        door.out.print(results.metrics_table(response.metrics, title))
    else:
        door.out.print(title)
    _guardrails(door, response)
    _decisions(door, response)
    for suspicion in response.suspicions:
        door.tell(printable(f"{suspicion.count:,} {suspicion.kind}: {suspicion.note}"))
    if response.kind == "live":
        share, style = percent(response.split[1]), OUTCOME_STYLES.get(response.outcome)
        door.out.print(
            f"{response.outcome.capitalize()}: {response.candidate} has {share} of the two's traffic.", style=style
        )
    door.out.print(printable(response.verdict), style="bold", soft_wrap=True)
    if response.outcome == "running":
        door.suggest("Steer it", f"experiments pause {response.id}")


def rehearsed(door: Door, response: Rehearsal) -> None:
    from jupyter_modeldeploy.cli import results

    door.out.print(results.metrics_table(response.metrics, f"{response.candidate} against {response.base}, a dry run"))
    _guardrails(door, response)
    _decisions(door, response)
    taken, span = sum(response.units), duration(response.seconds)
    door.tell(f"{taken:,} of {response.recorded:,} recorded units, in {span}, fit the shares of the steps.")
    if response.fallbacks:
        door.tell(f"{response.fallbacks:,} of them got a fallback's answer, which is a failure of the version asked.")
    if not response.is_over:
        door.tell("The recording ended before the experiment would have.")
    door.out.print(printable(response.verdict), style="bold", soft_wrap=True)


def _guardrails(door: Door, experiment: Experiment | Rehearsal) -> None:
    if not experiment.guardrails:
        return
    rows = table("Guardrail", ">At most", ">Worse by", "State", "Then")
    for state in experiment.guardrails:
        rail = state.guardrail
        limit = f"{rail.at_most:.0%} of the base's" if rail.relative else f"{rail.at_most:.4g}"
        rows.add_row(rail.metric, limit, _told(state.harm), state.state, rail.then)
    door.out.print(rows)


def _decisions(door: Door, experiment: Experiment | Rehearsal) -> None:
    if not experiment.decisions:
        return
    rows = table("When", "What", ">Share", "By", "Why")
    for one in experiment.decisions:
        when = one.at.astimezone().strftime("%m-%d %H:%M:%S")
        rows.add_row(when, one.action, percent(one.share), printable(one.by), printable(one.why))
    door.out.print(rows)


def _told(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval.value:+.3g} ({interval.low:+.3g} to {interval.high:+.3g})"
