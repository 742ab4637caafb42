"""A rule held against a version: each thing that it asks for, whether it holds, and the figures."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_modeldeploy.errors import InvalidInput, NotFound
from jupyter_modeldeploy.records import ApprovalRule, Check, Version
from jupyter_modeldeploy.registry.conditions import Condition, parse
from jupyter_modeldeploy.registry.evidence import Evidence
from jupyter_modeldeploy.registry.proofs import proven
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
    found += [] if rule.proof == "none" else [proven(evidence, rule, version, before)]
    return found


def tried(store: Store, conditions: Sequence[str], version: Version) -> list[Check]:
    """Each condition held against a version, as it would be if the version became an alias; of one that cannot be read,
    how it is written."""
    evidence = Evidence(store)
    return [_tried(store, evidence, text, version) for text in conditions]


def _tried(store: Store, evidence: Evidence, text: str, version: Version) -> Check:
    try:
        return _held(store, evidence, parse(text), version)
    except InvalidInput as error:
        return Check(asked=text, holds=False, note=error.message, hint=error.hint)


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
