"""Versions as others rely on them: aliases with their rules and history, deprecation, differences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from jupyter_modeldeploy.errors import Conflict, InvalidInput
from jupyter_modeldeploy.records import AliasPage, ApprovalRule, Check, Deprecation, Model, Moved, MoveRequest, Version
from jupyter_modeldeploy.records.registry import Proof
from jupyter_modeldeploy.records.version_diffs import VersionDiff
from jupyter_modeldeploy.registry import differences, moving, rules
from jupyter_modeldeploy.store.aliases import standing
from jupyter_modeldeploy.workspace import following
from jupyter_modeldeploy.workspace.room import Room

PRODUCTION = "production"


class Registry(Room):
    def promote(
        self,
        ref: str,
        alias: str = PRODUCTION,
        reason: str = "",
        expected: int | None = None,
        follow: bool = False,
        services: Sequence[str] = (),
        dry_run: bool = False,
    ) -> Moved:
        """Point an alias at a version, as its rule allows; where that wants a second person's word, this asks for it.

        Running services stay with the versions that they serve, and the result names them; with `follow` those that
        serve the version before are switched in the same action, or the `services` that are named. `expected` is the
        version that the alias pointed at when you decided, 0 for none. With `dry_run` nothing is done, and the result's
        `checks` tell what the rule asks and whether it holds.

        Raises Conflict where somebody moved it meanwhile or a condition does not hold, with the figures; Forbidden for
        who may not; ServiceFailed where a service cannot be switched, and then nothing is moved."""
        version = self._store.versions.get(ref)
        before = self._store.models.get(version.model).aliases.get(alias)
        names = following.chosen(self._store, version.model, before, follow, services)
        by = self._store.settings.person
        moved = moving.promote(self._store, version, alias, by, reason, expected, names, dry_run)
        return following.followed(self._store, moved, names)

    def set_alias(self, name: str, alias: str, number: int) -> Model:
        """Point an alias at a version, and nothing else. Raises as `promote` does, and Conflict where a second person
        must approve it."""
        version = self._store.versions.get(f"{name}@{number}")
        if self._store.aliases.rule(name, alias).second_person:
            raise Conflict(
                f"A second person approves where {name}@{alias} points.",
                f"Ask for it: modeldeploy models promote {version.ref} --alias {alias}.",
            )
        moving.promote(self._store, version, alias, self._store.settings.person)
        return self._store.models.get(name)

    def rollback(
        self,
        name: str,
        alias: str = PRODUCTION,
        reason: str = "",
        expected: int | None = None,
        follow: bool = False,
        services: Sequence[str] = (),
    ) -> Moved:
        """Point an alias at where it pointed before; again, at where it pointed before that. With `follow` the services
        that followed it go back to how they were, and those that serve the version are switched.

        Raises Conflict where it never pointed elsewhere, else as `promote` does."""
        before = self._store.models.get(name).aliases.get(alias)
        undone = standing(self._store.aliases.moves(name, alias))
        names = following.chosen(self._store, name, before, follow, services)
        expected = before or 0 if expected is None else expected
        moved = moving.roll_back(self._store, name, alias, self._store.settings.person, reason, expected)
        return following.followed(self._store, moved, names, undone)

    def remove_alias(self, name: str, alias: str, reason: str = "", expected: int | None = None) -> Moved:
        """Let an alias point at nothing; `rollback` brings it back. Raises as that does."""
        moved = moving.remove(self._store, name, alias, self._store.settings.person, reason, expected)
        return following.followed(self._store, moved, [])

    def alias(self, name: str, alias: str = PRODUCTION) -> AliasPage:
        """Where an alias points, its history, its rule and the requests to move it, each the newest first."""
        return moving.page(self._store, name, alias)

    def aliases(self, name: str) -> Sequence[AliasPage]:
        """Every alias that a model has, had or has a rule for. Raises NotFound."""
        return [moving.page(self._store, name, alias) for alias in self._store.aliases.named(name)]

    def set_rule(
        self,
        name: str,
        alias: str = PRODUCTION,
        conditions: Sequence[str] = (),
        proof: Proof = "none",
        movers: Sequence[str] = (),
        second_person: bool = False,
        approvers: Sequence[str] = (),
        reason: str = "",
        units: int = 100,
        margin: float | None = None,
    ) -> AliasPage:
        """Say what must hold before an alias moves, in place of its rule so far: `conditions` such as `accuracy >= 0.9`
        and `accuracy >= production - 0.005`, a `proof` that the version is not worse, who may move it, and whether a
        second person approves. Without any of these nothing is asked.

        An experiment proves with `units` of each version at least, where the metric that decides is better or, with a
        `margin`, certain to be worse by no more than that share of the base's figure.

        Raises InvalidInput for what cannot be read, Forbidden for who may not change the rule."""
        rule = ApprovalRule(
            conditions=list(conditions),
            proof=proof,
            units=units,
            margin=margin,
            movers=list(movers),
            second_person=second_person or bool(approvers),
            approvers=list(approvers),
        )
        moving.set_rule(self._store, name, alias, rule, self._store.settings.person, reason)
        return self.alias(name, alias)

    def check_conditions(self, name: str, conditions: Sequence[str]) -> Sequence[Check]:
        """What conditions of a rule would say of the model's latest version, each in turn; of one that cannot be read,
        how it is written. Nothing is set. Raises NotFound for a model without a version."""
        return rules.tried(self._store, conditions, self._store.versions.get(name))

    def approve(self, request: str, note: str = "") -> Moved:
        """Do what another asked for, by the id of the request; the services that were to follow are switched. Raises
        Forbidden for who asked and who may not approve, Conflict where it does not hold any more."""
        asked = self._store.aliases.request(request)
        names = following.running(self._store, asked.follow)
        moved = moving.approve(self._store, request, self._store.settings.person, note)
        return following.followed(self._store, moved, names)

    def refuse(self, request: str, note: str = "") -> MoveRequest:
        """Decide that what was asked for is not done, or take back what one has asked oneself."""
        return moving.refuse(self._store, request, self._store.settings.person, note)

    def deprecate(self, ref: str, reason: str, successor: str | None = None) -> Version:
        """Say that a version should not be used for anything new, why, and what to use instead. It can be loaded as
        before; whoever loads, serves or promotes it is told. Raises InvalidInput without a reason."""
        if not reason.strip():
            raise InvalidInput(f"No reason to deprecate {ref}.", "Say why: whoever uses it is told.")
        by = self._store.settings.person
        said = Deprecation(by=by, at=datetime.now(UTC), reason=reason, successor=successor)
        if successor is not None and self._store.versions.get(successor).ref == self._store.versions.get(ref).ref:
            raise InvalidInput(f"{ref} cannot take its own place.", "Name another version.")
        return self._store.versions.deprecate(ref, said)

    def undeprecate(self, ref: str) -> Version:
        """Take that back. Raises Conflict for a version that is not deprecated."""
        version = self._store.versions.get(ref)
        if version.deprecated is None:
            raise Conflict(f"{version.ref} is not deprecated.", "There is nothing to take back.")
        return self._store.versions.deprecate(ref, None)

    def diff(self, before: str, after: str) -> VersionDiff:
        """What changes from one version to another: files, figures, what callers meet and what of it breaks them,
        settings and lineage. In a notebook it shows itself. Raises NotFound."""
        return differences.diff(self._store, self._store.versions.get(before), self._store.versions.get(after))
