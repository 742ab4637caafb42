"""Move an alias as its rule allows: promote, ask and decide, roll back, remove."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from jupyter_modeldeploy.errors import Conflict, Forbidden, InvalidInput
from jupyter_modeldeploy.records import (
    AliasPage,
    ApprovalRule,
    Check,
    Deprecation,
    Moved,
    MoveRequest,
    RuleChange,
    Version,
)
from jupyter_modeldeploy.registry import rules
from jupyter_modeldeploy.registry.conditions import parse
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.store.aliases import standing

SHOWN_MOVES = 100

Allowed = Callable[[int | None, ApprovalRule], None]


def promote(
    store: Store,
    version: Version,
    alias: str,
    by: str,
    reason: str = "",
    expected: int | None = None,
    follow: Sequence[str] = (),
    dry_run: bool = False,
    experiment: str = "",
) -> Moved:
    """Point the alias at `version`, or ask for it where the rule wants a second person's word; `follow` is kept with
    that request, and so is the `experiment` that this promotes. An alias that points there already stays as it is.

    `expected` is the version that it pointed at when the decision was made, 0 for none. Raises Conflict where that has
    changed, and where a condition of the rule does not hold, with the figures; Forbidden for who may not move it."""
    name = version.model
    before = store.models.get(name).aliases.get(alias)
    check_expected(f"{name}@{alias}", expected, before)
    rule = store.aliases.rule(name, alias)
    former = store.versions.get(f"{name}@{before}") if before is not None else None
    found = rules.checks(store, rule, version, former, by, experiment)
    moved = Moved(
        model=name, alias=alias, before=before, after=version.number, checks=found, warnings=_warnings(version)
    )
    if before == version.number:
        return moved.model_copy(update={"warnings": [*moved.warnings, f"{name}@{alias} is @{before} already."]})
    if dry_run:
        return moved
    _refuse_failed(version, alias, found, rules.who(rule, by))
    if not rule.second_person:
        move = store.aliases.move(name, alias, version.number, by, reason, as_seen(f"{name}@{alias}", before, rule))
        return moved.model_copy(update={"move": move})
    request = MoveRequest(
        id=uuid.uuid4().hex[:12],
        model=name,
        alias=alias,
        number=version.number,
        before=before,
        by=by,
        at=datetime.now(UTC),
        reason=reason,
        follow=list(follow),
        experiment=experiment,
    )
    return moved.model_copy(update={"request": store.aliases.ask(request)})


def approve(store: Store, request_id: str, by: str, note: str = "") -> Moved:
    """Do what was asked for. Raises Forbidden for who may not approve it, Conflict where it was decided, where the
    alias has moved since, and where a condition holds no more."""
    request = store.aliases.request(request_id)
    name, alias = request.model, request.alias
    rule = store.aliases.rule(name, alias)
    if by == request.by:
        raise Forbidden(f"{by} asked for it.", "A second person approves; who asked can only refuse it.")
    _refuse_stranger(rule, by)
    before = store.models.get(name).aliases.get(alias)
    check_expected(f"{name}@{alias}", request.before or 0, before)
    version = store.versions.get(f"{name}@{request.number}")
    former = store.versions.get(f"{name}@{before}") if before is not None else None
    found = rules.checks(store, rule, version, former, request.by, request.experiment)
    _refuse_failed(version, alias, found, rules.who(rule, request.by))
    decided = _decided(request, "approved", by, note)
    seen = as_seen(f"{name}@{alias}", before, rule)
    move = store.aliases.move(name, alias, version.number, request.by, request.reason, seen, decided)
    moved = Moved(model=name, alias=alias, before=before, after=version.number, move=move, request=decided)
    return moved.model_copy(update={"checks": found, "warnings": _warnings(version)})


def refuse(store: Store, request_id: str, by: str, note: str = "") -> MoveRequest:
    """Decide that it is not done; who asked may take it back so. Raises as `approve` does."""
    request = store.aliases.request(request_id)
    if by != request.by:
        _refuse_stranger(store.aliases.rule(request.model, request.alias), by)
    return store.aliases.refuse(_decided(request, "refused", by, note))


def roll_back(store: Store, name: str, alias: str, by: str, reason: str = "", expected: int | None = None) -> Moved:
    """Go back one step, and with every call one more. What was approved before needs no second approval, but who may
    not move the alias may not do this either. Raises as `promote` does."""
    move = store.aliases.roll_back(name, alias, by, reason, _only_movers(f"{name}@{alias}", expected, by))
    version = store.versions.get(f"{name}@{move.after}")
    warnings = _warnings(version)
    return Moved(model=name, alias=alias, before=move.before, after=move.after, move=move, warnings=warnings)


def remove(store: Store, name: str, alias: str, by: str, reason: str = "", expected: int | None = None) -> Moved:
    """Let the alias point at nothing; a rollback brings it back. Raises as `promote` does, and Conflict where its rule
    wants a second person, whom that would pass by."""
    allowed = _only_movers(f"{name}@{alias}", expected, by, removing=True)
    move = store.aliases.move(name, alias, None, by, reason, allowed)
    return Moved(model=name, alias=alias, before=move.before, after=None, move=move)


def set_rule(store: Store, name: str, alias: str, rule: ApprovalRule, by: str, reason: str = "") -> RuleChange:
    """Put a rule into force. Raises InvalidInput for what cannot be read or asks for nothing, Forbidden for who is
    neither the model's owner nor named by the rule before, where that names anybody."""
    _check_readable(rule)
    owner = store.models.get(name).owner

    def allowed(former: ApprovalRule) -> None:
        named = {*former.movers, *former.approvers}
        if named and by not in {owner, *named}:
            names = ", ".join(sorted({owner, *named}))
            raise Forbidden(f"{by} may not change the rule of {name}@{alias}.", f"These may: {names}.")

    change = RuleChange(model=name, alias=alias, rule=rule, by=by, at=datetime.now(UTC), reason=reason)
    return store.aliases.set_rule(change, allowed)


def _check_readable(rule: ApprovalRule) -> None:
    """Raise InvalidInput for a condition that cannot be read, and for what is said of experiments where none counts."""
    for text in rule.conditions:
        parse(text)
    nothing = ApprovalRule()
    if rule.proof in ("none", "evaluation") and (rule.units, rule.margin) != (nothing.units, nothing.margin):
        raise InvalidInput(
            "Units and a margin are of an experiment, and the rule asks for none.",
            "Ask for proof=experiment or either.",
        )


def page(store: Store, name: str, alias: str) -> AliasPage:
    """The alias with its history, at most the newest 100 moves. Raises NotFound for the model."""
    model = store.models.get(name)
    moves = store.aliases.moves(name, alias)
    last = standing(moves)
    return AliasPage(
        model=name,
        alias=alias,
        number=model.aliases.get(alias),
        rolls_back_to=last.before if last else None,
        moves=moves[::-1][:SHOWN_MOVES],
        rule=store.aliases.rule(name, alias),
        rules=store.aliases.rules(name, alias)[::-1][:SHOWN_MOVES],
        requests=[one for one in store.aliases.requests(name) if one.alias == alias][:SHOWN_MOVES],
    )


def as_seen(called: str, before: int | None, rule: ApprovalRule) -> Allowed:
    """Refuses a move where the alias or its rule is no more what was looked at."""

    def allowed(now: int | None, ruled: ApprovalRule) -> None:
        check_expected(called, before or 0, now)
        if ruled != rule:
            raise Conflict(f"The rule of {called} was changed meanwhile.", "Look again, then try again.")

    return allowed


def only_from(called: str, expected: int | None) -> Allowed:
    """Refuses a move where the alias is elsewhere by now; whoever may move it, what is taken back was allowed."""

    def allowed(now: int | None, rule: ApprovalRule) -> None:
        check_expected(called, expected, now)

    return allowed


def check_expected(called: str, expected: int | None, now: int | None) -> None:
    """Raise Conflict unless the alias points at the version `expected`: 0 for none, None where nothing is expected."""
    if expected is not None and expected != (now or 0):
        where = f"@{now}" if now else "no version"
        was = f"@{expected}" if expected else "no version"
        raise Conflict(f"{called} is {where} by now, not {was}.", "Somebody moved it meanwhile: look, then try again.")


def _only_movers(called: str, expected: int | None, by: str, removing: bool = False) -> Allowed:
    def allowed(now: int | None, rule: ApprovalRule) -> None:
        check_expected(called, expected, now)
        mover = rules.who(rule, by)
        if not mover.holds:
            raise Forbidden(f"{called} stays as it is: {mover.note}.", "Ask one of them.")
        if removing and rule.second_person:
            raise Conflict(f"{called} has a rule that asks for a second person.", "Change the rule before removing it.")

    return allowed


def _refuse_failed(version: Version, alias: str, found: Sequence[Check], mover: Check) -> None:
    if not (failed := [check for check in found if not check.holds]):
        return
    message = f"{version.ref} does not become {version.model}@{alias}: {'; '.join(check.note for check in failed)}."
    if not mover.holds:
        raise Forbidden(message, "Ask one of them.")
    raise Conflict(
        message, " ".join(check.hint for check in failed if check.hint) or "The rule of the alias asks for it."
    )


def _refuse_stranger(rule: ApprovalRule, by: str) -> None:
    if rule.approvers and by not in rule.approvers:
        raise Forbidden(f"{by} may not decide on it.", f"These may: {', '.join(rule.approvers)}.")


def _decided(request: MoveRequest, state: str, by: str, note: str) -> MoveRequest:
    decided = {"state": state, "decided_by": by, "decided_at": datetime.now(UTC), "decision": note}
    return request.model_copy(update=decided)


def _warnings(version: Version) -> list[str]:
    found = [deprecation(version.ref, version.deprecated)] if version.deprecated else []
    if version.verdict is not None and version.verdict.quarantined:
        found.append(f"{version.ref} is in quarantine, so nobody can load it.")
    return found


def deprecation(ref: str, said: Deprecation | None) -> str:
    """What to know before a deprecated version is used for anything new; '' for any other."""
    if said is None:
        return ""
    if said.successor:
        return f"{ref} is deprecated, use {said.successor} instead. {said.by} says why: {said.reason}"
    return f"{ref} is deprecated. {said.by} says why: {said.reason}"
