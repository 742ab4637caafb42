"""Whether a version was compared with the one before, and whether that comparison speaks for it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from jupyter_modeldeploy.amounts import percent
from jupyter_modeldeploy.experiments.sentences import NOT_DUE, SPLIT_ALARM
from jupyter_modeldeploy.records import ApprovalRule, Check, Experiment, Interval, MetricComparison, Version
from jupyter_modeldeploy.registry.evidence import Evidence, Pair, worse

LEVEL = 0.95
"""How sure it has to be: whoever runs an experiment may ask for less, which proves nothing to others."""


def proven(evidence: Evidence, rule: ApprovalRule, version: Version, before: Version | None) -> Check:
    """Whether the two were compared and the comparison speaks for the newer one; one proof of those asked for is
    enough."""
    asked = {"either": "an evaluation or an experiment", "evaluation": "an evaluation", "experiment": "an experiment"}
    against = f" against {before.ref}" if before else ""
    title = f"{asked[rule.proof]}{against}"
    if before is None:
        return Check(asked=title, holds=True, note="there is no version before to compare with")
    tried = [*_tried(evidence, rule, version, before, title)]
    if not tried:
        missing = f"{version.ref} was not compared with {before.ref} by {asked[rule.proof]}"
        return Check(asked=title, holds=False, note=missing, hint=_how(rule, version.ref, before.ref))
    return next((check for check in tried if check.holds), tried[0])


def _tried(evidence: Evidence, rule: ApprovalRule, version: Version, before: Version, asked: str) -> Iterator[Check]:
    if rule.proof != "experiment" and (pairs := evidence.pairs(before, version)):
        yield _evaluated(pairs[0], asked)
    if rule.proof != "evaluation" and (experiment := evidence.experiment(before, version)) is not None:
        lacking = _untrusted(experiment, rule, asked) or _unsupported(experiment, rule, asked)
        yield lacking or Check(asked=asked, holds=True, note=_supported(experiment))


def _how(rule: ApprovalRule, version: str, before: str) -> str:
    if rule.proof == "experiment":
        return f"Run one: modeldeploy experiments run SERVICE {version} --base {before}."
    return f"Evaluate them on the same rows: modeldeploy evaluate {version} --against {before}."


def _evaluated(pair: Pair, asked: str) -> Check:
    """By the metric that the task is judged by, which is the first."""
    if pair.difference is None:
        change = f"{pair.candidate - pair.base:+.4g}"
        note = f"the evaluation {pair.job} found a difference of {change} in {pair.metric} and no interval of it"
        return Check(asked=asked, holds=not worse(pair), note=note)
    change, ends = _figures(pair.difference)
    if worse(pair):
        note = f"the evaluation {pair.job} found {pair.metric} worse by {change}, interval {ends}"
        return Check(asked=asked, holds=False, note=note)
    note = f"the evaluation {pair.job} did not find {pair.metric} worse, difference {change}, interval {ends}"
    return Check(asked=asked, holds=True, note=note)


def _untrusted(experiment: Experiment, rule: ApprovalRule, asked: str) -> Check | None:
    """Why it says nothing for its candidate whatever its figures are; None where it may."""
    name, again = experiment.id, "Find out why, then run another."
    if experiment.split_p_value < SPLIT_ALARM:
        note = f"the experiment {name} did not split its traffic as asked (p = {experiment.split_p_value:.2g})"
        return Check(asked=asked, holds=False, note=note, hint=again)
    if breached := [one.guardrail.metric for one in experiment.guardrails if one.state == "breached"]:
        note = f"the experiment {name} breached its guardrail on {', '.join(breached)}"
        return Check(asked=asked, holds=False, note=note, hint=again)
    if experiment.outcome == "rolled back":
        why = next((one.why for one in reversed(experiment.decisions) if one.action == "roll back"), "")
        note = f"the experiment {name} was rolled back: {why.rstrip('.')}"
        return Check(asked=asked, holds=False, note=note, hint=again)
    if (least := min(experiment.units, default=0)) < rule.units:
        note = f"the experiment {name} had {least:,} units of a version, where {rule.units:,} of each are asked"
        return Check(asked=asked, holds=False, note=note, hint=_more(experiment))
    return None


def _unsupported(experiment: Experiment, rule: ApprovalRule, asked: str) -> Check | None:
    """What of its figures is lacking; None where they speak for the candidate."""
    name, found = experiment.id, experiment.decisive
    if found is None or found.difference is None:
        note = f"the experiment {name} can say nothing yet of the metric that decides"
        return Check(asked=asked, holds=False, note=note, hint=_more(experiment))
    if found.difference.level < LEVEL:
        note = (
            f"the experiment {name} is sure at {percent(found.difference.level)} alone, where {percent(LEVEL)} is asked"
        )
        return Check(asked=asked, holds=False, note=note, hint="Run another with a level of 0.95.")
    worst = next((one for one in [found, *_unguarded(experiment)] if _is_worse(one, rule.margin)), None)
    if worst and worst.difference:
        change, ends = _figures(worst.difference)
        note = f"the experiment {name} found {worst.metric} worse by {change}, interval {ends}"
        return Check(asked=asked, holds=False, note=note, hint="Mend the version, then run another.")
    if found.verdict == "better" or (rule.margin and found.note != NOT_DUE and _loss(found)[1] < rule.margin):
        return None
    change, ends = _figures(found.difference)
    unsure = f"{change}, interval {ends}"
    note = f"the experiment {name} is not sure that {found.metric} is better: {unsure}"
    if rule.margin:
        allowed = percent(rule.margin)
        note = f"the experiment {name} is not sure that {found.metric} is worse by less than {allowed}: {unsure}"
    return Check(asked=asked, holds=False, note=note, hint=_more(experiment))


def _unguarded(experiment: Experiment) -> Sequence[MetricComparison]:
    """The metrics of which nobody said how much worse they may be: where there are guardrails, they say it. A size is
    no finding: it was known before, and whoever minds it has it among the rule's conditions."""
    return [] if experiment.guardrails else [one for one in experiment.metrics if one.metric != "size_bytes"]


def _is_worse(found: MetricComparison, margin: float | None) -> bool:
    return found.verdict == "worse" and _loss(found)[0] >= (margin or 0.0)


def _loss(found: MetricComparison) -> tuple[float, float]:
    """By what share of the base's figure the candidate is worse at least and at most; below 0 it is better. Of a base
    of 0 there is no share: any loss is endless then."""
    if found.relative is not None:
        ends = found.relative.low, found.relative.high
    elif found.difference is not None and found.base:
        ends = found.difference.low / abs(found.base), found.difference.high / abs(found.base)
    else:
        return math.inf, math.inf
    return ends if found.lower_is_better else (-ends[1], -ends[0])


def _more(experiment: Experiment) -> str:
    if experiment.goes_on:
        return f"Wait for it: modeldeploy experiments show {experiment.id}."
    missing = experiment.decisive.units_missing if experiment.decisive else None
    if missing:
        return f"Run another, of about {sum(experiment.units) + missing:,} units."
    return "Run another with more units."


def _supported(experiment: Experiment) -> str:
    found = experiment.decisive
    assert found is not None  # or it would lack something
    assert found.difference is not None
    change, ends = _figures(found.difference)
    if found.verdict == "better":
        return f"the experiment {experiment.id} found {found.metric} better by {change}, interval {ends}"
    return f"the experiment {experiment.id} found {found.metric} not worse, difference {change}, interval {ends}"


def _figures(difference: Interval) -> tuple[str, ...]:
    return f"{difference.value:+.4g}", f"{difference.low:+.4g} … {difference.high:+.4g}"
