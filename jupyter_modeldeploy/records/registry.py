"""Aliases of versions: where they pointed, who may move them, and what moving them came to."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Name, Record

Proof = Literal["none", "evaluation", "experiment", "either"]
AliasAction = Literal["promote", "roll back", "remove"]
MAX_UNITS = 10**9


class Followed(Record):
    """A service that was switched with an alias, and the revision of its spec that this made."""

    service: Name
    revision: int


class AliasMove(Record):
    """One move of an alias: `before` and `after` are versions' numbers, None where it pointed at none. `id` counts the
    moves of all aliases; `undoes` is the move that a rollback took back."""

    id: int
    model: Name
    alias: Name
    action: AliasAction
    before: int | None
    after: int | None
    by: str
    at: datetime
    reason: str = ""
    approved_by: str | None = None
    undoes: int | None = None
    followed: list[Followed] = Field(default_factory=list)


class ApprovalRule(Record):
    """What must hold before an alias moves to a version. Lists that are empty ask for nothing."""

    movers: list[str] = Field(default_factory=list, description="who may move it; without any, whoever works here")
    conditions: list[str] = Field(
        default_factory=list,
        max_length=20,
        description="what must hold of the version: accuracy >= 0.9, accuracy >= production - 0.005",
    )
    proof: Proof = Field(
        default="none", description="what must have compared it with the version before and speak for it"
    )
    units: int = Field(
        default=100, ge=1, le=MAX_UNITS, description="how many units, or rows, an experiment must have of each version"
    )
    margin: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="by what share of the figure an experiment may leave it worse: 0.01; else it must find it better",
    )
    second_person: bool = Field(default=False, description="whether somebody else must approve first")
    approvers: list[str] = Field(default_factory=list, description="who may approve; without any, any second person")

    @property
    def asks(self) -> bool:
        """Whether it asks for anything at all."""
        return self != ApprovalRule()


class RuleChange(Record):
    """A rule as it was set, by whom and why; the newest is in force."""

    model: Name
    alias: Name
    rule: ApprovalRule
    by: str
    at: datetime
    reason: str = ""


class Check(Record):
    """One thing that a rule asks for, whether it holds, and the figures in `note`; `hint` says what to do where it does
    not."""

    asked: str
    holds: bool
    note: str
    hint: str = ""

    @property
    def told(self) -> str:
        """The figures, and what to do."""
        return f"{self.note}. {self.hint}" if self.hint else self.note


class MoveRequest(Record):
    """Somebody's wish to move an alias, which a second person decides on. `before` is where the alias pointed then: it
    is refused where that has changed since."""

    id: str
    model: Name
    alias: Name
    number: int
    before: int | None
    by: str
    at: datetime
    reason: str = ""
    follow: list[Name] = Field(default_factory=list, description="services that are to be switched with it")
    experiment: str = Field(default="", description="the experiment whose candidate that promotes")
    state: Literal["open", "approved", "refused"] = "open"
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision: str = ""


class Serving(Record):
    """A running service that gave traffic to the version before when an alias moved, and whether it was switched with
    it. Where it was not, `command` switches it."""

    service: Name
    version: str
    followed: bool
    command: str = ""


class Moved(Record):
    """What a promotion, a rollback or a removal came to. There is no `move` where it only was looked at what would be
    (`dry run`) or where `request` waits for a second person. A service serves what it was told, not the alias:
    `services` says which still give traffic to the version before."""

    model: Name
    alias: Name
    before: int | None
    after: int | None
    move: AliasMove | None = None
    request: MoveRequest | None = None
    checks: list[Check] = Field(default_factory=list)
    services: list[Serving] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)

    def _repr_markdown_(self) -> str:
        """A notebook's view of it."""
        lines = [self.headline, *(f"- {'✓' if one.holds else '✗'} {one.told}" for one in self.checks)]
        lines += [f"- {one.service} serves {self.model}@{self.after} now" for one in self.services if one.followed]
        lines += [
            f"- {one.service} still serves {one.version}: `{one.command}`" for one in self.services if not one.followed
        ]
        return "\n".join([*lines, *(f"- {warning}" for warning in self.warnings)])

    @property
    def headline(self) -> str:
        """What happened, in a line."""
        moved = f"{self.model}@{self.alias}: {_pointed(self.before)} → {_pointed(self.after)}"
        if self.request is not None and self.move is None:
            return f"{moved} waits for a second person, request {self.request.id}"
        return moved if self.move is not None else f"{moved} was not done"


class AliasPage(Record):
    """An alias with its history, the newest first, and its rule with how that was changed. `rolls_back_to` is the
    version that a rollback leads to, None where there is none."""

    model: Name
    alias: Name
    number: int | None
    rolls_back_to: int | None = None
    moves: list[AliasMove] = Field(default_factory=list)
    rule: ApprovalRule = ApprovalRule()
    rules: list[RuleChange] = Field(default_factory=list)
    requests: list[MoveRequest] = Field(default_factory=list)

    def _repr_markdown_(self) -> str:
        """A notebook's view of it: the moves as a table."""
        rows = [("When", "Who", "What", "From", "To", "Why"), ("---",) * 6]
        rows += [
            (
                f"{one.at:%Y-%m-%d %H:%M}",
                one.by,
                one.action,
                _pointed(one.before),
                _pointed(one.after),
                one.reason.replace("|", "\\|"),
            )
            for one in self.moves
        ]
        head = f"**{self.model}@{self.alias}** is {_pointed(self.number)}\n\n"
        return head + "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _pointed(number: int | None) -> str:
    return "no version" if number is None else f"@{number}"
