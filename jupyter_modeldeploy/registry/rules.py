"""A rule held against a version: each thing that it asks for, whether it holds, and the figures."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_modeldeploy.errors import NotFound
from jupyter_modeldeploy.records import ApprovalRule, Check, Experiment, Interval, Version
from jupyter_modeldeploy.registry.conditions import Condition, parse
from jupyter_modeldeploy.registry.evidence import TRUSTED_SPLIT, Evidence, Pair, worse
from jupyter_modeldeploy.store import Store


def checks(
    store: Store, rule: ApprovalRule, version: Version, before: Version | None, by: str, experiment: str = ""
) -> list[Check]:
    """What the rule asks of `version` taking the place of `before` (None: the alias points at none), if `by` moves the
    alias, and where that promotes the candidate of an `experiment`. Whether a second person agrees is not among it."""
    found = [who(rule, by)] if rule.movers else []
    if not rule.conditions and rule.proof == "none":
        return found
    evidence = Evidence(store, experiment)
    found += [_held(store, evidence, parse(text), version) for text in rule.conditions]
    found += [] if rule.proof == "none" else [_proof(evidence, rule, version, before)]
    return found


def who(rule: ApprovalRule, by: str) -> Check:
    """Whether this person may move the alias."""
    names = ", ".join(rule.movers)
    if not rule.movers or by in rule.movers:
        return Check(asked=f"by {names}", holds=True, note=f"{by} may move it")
    return Check(asked=f"by {names}", holds=False, note=f"{by} may not move it, only {names}")


def _held(store: Store, evidence: Evidence, condition: Condition, version: Version) -> Check:
    def check(holds: bool, note: str) -> Check:
        return Check(asked=condition.text, holds=holds, note=note)

    metric = condition.metric
    other = _aliased(store, version, condition.alias)
    if condition.alias is not None and other is None:
        note = f"{metric} has nothing to be held against: {version.model}@{condition.alias} points at no version"
        return check(True, note)
    paired = other and next((one for one in evidence.pairs(other, version) if one.metric == metric), None)
    own = evidence.figure(version, metric)
    value = paired.candidate if paired else own.value if own else None
    if value is None:
        return check(False, f"{version.ref} has no figure for {metric}, so it must be evaluated first")
    if other is None:
        bound = condition.bound(0.0)
        note = f"{metric} of {version.ref} is {value:.4g}, where {condition.sign} {bound:.4g} is asked"
        return check(condition.holds(value, bound), note)
    theirs = evidence.figure(other, metric)
    basis = paired.base if paired else theirs.value if theirs else None
    if basis is None:
        return check(False, f"{other.ref} has no figure for {metric}, so the two must be evaluated against each other")
    if paired is None and own and theirs and own.dataset != theirs.dataset:
        on = own.dataset or "nothing known", theirs.dataset or "nothing known"
        note = f"{metric} of {version.ref} is on {on[0]} and of {other.ref} on {on[1]}, which cannot be compared"
        return check(False, note)
    asked = f"{condition.sign} {condition.bound(basis):.4g}"
    note = f"{metric} of {version.ref} is {value:.4g}, where {asked} is asked and {other.ref} has {basis:.4g}"
    return check(condition.holds(value, condition.bound(basis)), note)


def _aliased(store: Store, version: Version, alias: str | None) -> Version | None:
    if alias is None:
        return None
    try:
        return store.versions.get(f"{version.model}@{alias}")
    except NotFound:
        return None


def _proof(evidence: Evidence, rule: ApprovalRule, version: Version, before: Version | None) -> Check:
    """Whether the two were compared and the newer one was not found worse; one proof of those asked for is enough."""
    asked = {"either": "an evaluation or an experiment", "evaluation": "an evaluation", "experiment": "an experiment"}
    against = f" against {before.ref}" if before else ""
    title = f"{asked[rule.proof]}{against}"
    if before is None:
        return Check(asked=title, holds=True, note="there is no version before to compare with")
    tried = [*_tried(evidence, rule, version, before, title)]
    if not tried:
        missing = f"{version.ref} was not compared with {before.ref} by {asked[rule.proof]}"
        return Check(asked=title, holds=False, note=missing)
    return next((check for check in tried if check.holds), tried[0])


def _tried(evidence: Evidence, rule: ApprovalRule, version: Version, before: Version, asked: str) -> Iterator[Check]:
    if rule.proof != "experiment" and (pairs := evidence.pairs(before, version)):
        yield _evaluated(pairs[0], asked)
    if rule.proof != "evaluation" and (experiment := evidence.experiment(before, version)) is not None:
        yield _experimented(experiment, asked)


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


def _figures(difference: Interval) -> tuple[str, ...]:
    return f"{difference.value:+.4g}", f"{difference.low:+.4g} … {difference.high:+.4g}"


def _experimented(experiment: Experiment, asked: str) -> Check:
    name = experiment.id
    if experiment.split_p_value < TRUSTED_SPLIT:
        note = f"the experiment {name} did not split its traffic as asked (p = {experiment.split_p_value:.2g})"
        return Check(asked=asked, holds=False, note=note)
    if breached := [one.guardrail.metric for one in experiment.guardrails if one.state == "breached"]:
        note = f"the experiment {name} breached its guardrail on {', '.join(breached)}"
        return Check(asked=asked, holds=False, note=note)
    found = next((one for one in experiment.metrics if one.verdict == "worse"), None)
    if found and found.difference:
        change, ends = _figures(found.difference)
        note = f"the experiment {name} found {found.metric} worse by {change}, interval {ends}"
        return Check(asked=asked, holds=False, note=note)
    return Check(asked=asked, holds=True, note=f"the experiment {name} found nothing worse")
