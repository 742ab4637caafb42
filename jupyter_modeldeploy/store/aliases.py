"""Aliases: where each points, every move that it made, the rule for moving it, and who asked to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, insert, select, update

from jupyter_modeldeploy.errors import Conflict, NotFound
from jupyter_modeldeploy.records import AliasMove, ApprovalRule, MoveRequest, Record, RuleChange
from jupyter_modeldeploy.records.registry import AliasAction
from jupyter_modeldeploy.store import tables
from jupyter_modeldeploy.store.changes import append
from jupyter_modeldeploy.store.database import Database, scalar, scalars
from jupyter_modeldeploy.store.models import model_row, save_model, version_row

Kept = TypeVar("Kept", bound=Record)


class Aliases:
    def __init__(self, database: Database) -> None:
        self._database = database

    def move(
        self,
        name: str,
        alias: str,
        number: int | None,
        by: str,
        reason: str = "",
        allowed: Callable[[int | None, ApprovalRule], None] | None = None,
        request: MoveRequest | None = None,
    ) -> AliasMove:
        """Point `name@alias` at a version, or at none, and keep that it was done. Digits alone and `latest` are taken
        by the versions themselves.

        `allowed` is called with where it points and the rule in force, with no write of another in between: what it
        raises stops the move. `request` is written with it, as it was decided. Raises NotFound for a version that is
        not there, Conflict for a word that cannot be an alias and for a request that somebody has decided."""
        _check_word(alias)
        action: AliasAction = "remove" if number is None else "promote"
        with self._database.write() as connection:
            before = model_row(connection, name).aliases.get(alias)
            if number is None and before is None:
                raise NotFound(f"{name!r} has no alias {alias!r}.", "There is nothing to remove.")
            if allowed is not None:
                allowed(before, _rule(connection, name, alias))
            if request is not None:
                _decide(connection, request)
            approver = request.decided_by if request is not None else None
            return _written(connection, name, alias, action, number, by=by, reason=reason, approved_by=approver)

    def roll_back(
        self,
        name: str,
        alias: str,
        by: str,
        reason: str = "",
        allowed: Callable[[int | None, ApprovalRule], None] | None = None,
    ) -> AliasMove:
        """Point the alias at where it pointed before its last move that was not rolled back yet; again, at where it
        pointed before that. Raises Conflict where it never pointed elsewhere, and as `move` does."""
        with self._database.write() as connection:
            before = model_row(connection, name).aliases.get(alias)
            undone = standing(_records(connection, tables.alias_moves, AliasMove, name, alias))
            if undone is None or undone.before is None:
                raise Conflict(f"{name}@{alias} never pointed elsewhere.", "There is nothing to go back to.")
            if allowed is not None:
                allowed(before, _rule(connection, name, alias))
            return _written(connection, name, alias, "roll back", undone.before, by=by, reason=reason, undoes=undone.id)

    def note_followed(self, move: AliasMove) -> None:
        """Keep which services were switched with a move."""
        with self._database.write() as connection:
            row = update(tables.alias_moves).where(tables.alias_moves.c.id == move.id)
            connection.execute(row.values(record=move.model_dump(mode="json")))
            append(connection, "model", move.model, "updated")

    def moves(self, name: str, alias: str) -> list[AliasMove]:
        """Oldest first."""
        with self._database.read() as connection:
            return _records(connection, tables.alias_moves, AliasMove, name, alias)

    def named(self, name: str) -> list[str]:
        """Every alias that the model has, had or has a rule for, sorted. Raises NotFound."""
        with self._database.read() as connection:
            found = set(model_row(connection, name).aliases)
            for table in (tables.alias_moves, tables.alias_rules):
                found.update(scalars(connection, select(table.c.alias).where(table.c.model == name).distinct()))
        return sorted(found)

    def rule(self, name: str, alias: str) -> ApprovalRule:
        """The rule in force; one that asks for nothing where none was set."""
        with self._database.read() as connection:
            return _rule(connection, name, alias)

    def rules(self, name: str, alias: str) -> list[RuleChange]:
        """Every rule that was set, oldest first."""
        with self._database.read() as connection:
            return _records(connection, tables.alias_rules, RuleChange, name, alias)

    def set_rule(self, change: RuleChange, allowed: Callable[[ApprovalRule], None]) -> RuleChange:
        """Put a rule into force, whether or not the alias ever pointed anywhere. `allowed` is called with the one
        before, as that of `move` is. Raises NotFound for the model, Conflict for a word that cannot be an alias."""
        _check_word(change.alias)
        with self._database.write() as connection:
            model_row(connection, change.model)
            allowed(_rule(connection, change.model, change.alias))
            values = {"model": change.model, "alias": change.alias, "record": change.model_dump(mode="json")}
            connection.execute(insert(tables.alias_rules).values(**values))
            append(connection, "model", change.model, "updated")
        return change

    def ask(self, request: MoveRequest) -> MoveRequest:
        """Keep a request. Raises Conflict where one for the same version is open."""
        with self._database.write() as connection:
            version_row(connection, request.model, request.number)
            for other in _requests(connection, request.model):
                same = (other.alias, other.number, other.state) == (request.alias, request.number, "open")
                if same:
                    raise Conflict(
                        f"{other.by} asked for the same on {other.at:%Y-%m-%d %H:%M}, request {other.id}.",
                        f"A second person decides: modeldeploy models approve {other.id}.",
                    )
            values = {"id": request.id, "model": request.model, "alias": request.alias, "created_at": request.at}
            record = request.model_dump(mode="json")
            connection.execute(insert(tables.alias_requests).values(**values, record=record))
            append(connection, "model", request.model, "updated")
        return request

    def refuse(self, request: MoveRequest) -> MoveRequest:
        """Write a request as it was decided. Raises Conflict where somebody has decided it already."""
        with self._database.write() as connection:
            _decide(connection, request)
            append(connection, "model", request.model, "updated")
        return request

    def request(self, request_id: str) -> MoveRequest:
        with self._database.read() as connection:
            return _request(connection, request_id)

    def requests(self, name: str) -> list[MoveRequest]:
        """Those of a model, the newest first."""
        with self._database.read() as connection:
            return _requests(connection, name)


def _check_word(alias: str) -> None:
    if alias.isdigit() or alias == "latest":
        raise Conflict(f"{alias!r} cannot be an alias.", "Use a word such as 'production'.")


def standing(moves: Sequence[AliasMove]) -> AliasMove | None:
    """The last move that no rollback has undone."""
    stack: list[AliasMove] = []
    for move in moves:
        if move.action != "roll back":
            stack.append(move)
        elif stack:
            stack.pop()
    return stack[-1] if stack else None


def _written(
    connection: Connection, name: str, alias: str, action: AliasAction, after: int | None, **told: Any
) -> AliasMove:
    model = model_row(connection, name)
    aliases = {other: number for other, number in model.aliases.items() if other != alias}
    if after is not None:
        version_row(connection, name, after)
        aliases[alias] = after
    unnumbered = {"model": name, "alias": alias, "record": {}}
    inserted = connection.execute(insert(tables.alias_moves).values(**unnumbered)).inserted_primary_key
    assert inserted is not None  # a single row has one
    move = AliasMove(
        id=inserted[0],
        model=name,
        alias=alias,
        action=action,
        before=model.aliases.get(alias),
        after=after,
        at=datetime.now(UTC),
        **told,
    )
    row = update(tables.alias_moves).where(tables.alias_moves.c.id == move.id)
    connection.execute(row.values(record=move.model_dump(mode="json")))
    save_model(connection, model.model_copy(update={"aliases": aliases}))
    return move


def _records(connection: Connection, table: Table, kind: type[Kept], name: str, alias: str) -> list[Kept]:
    query = select(table.c.record).where(table.c.model == name, table.c.alias == alias).order_by(table.c.id)
    return [kind.model_validate(row) for row in scalars(connection, query)]


def _rule(connection: Connection, name: str, alias: str) -> ApprovalRule:
    rules = tables.alias_rules
    newest = select(rules.c.record).where(rules.c.model == name, rules.c.alias == alias).order_by(rules.c.id.desc())
    row = scalar(connection, newest.limit(1))
    return RuleChange.model_validate(row).rule if row else ApprovalRule()


def _request(connection: Connection, request_id: str) -> MoveRequest:
    requests = tables.alias_requests
    row = scalar(connection, select(requests.c.record).where(requests.c.id == request_id))
    if row is None:
        raise NotFound(f"No request {request_id!r}.", "See those of a model: modeldeploy models aliases NAME.")
    return MoveRequest.model_validate(row)


def _requests(connection: Connection, name: str) -> list[MoveRequest]:
    requests = tables.alias_requests
    query = select(requests.c.record).where(requests.c.model == name).order_by(requests.c.created_at.desc())
    return [MoveRequest.model_validate(row) for row in scalars(connection, query)]


def _decide(connection: Connection, request: MoveRequest) -> None:
    former = _request(connection, request.id)
    if former.state != "open":
        raise Conflict(f"The request {request.id} was {former.state} by {former.decided_by}.", "Ask again.")
    requests = tables.alias_requests
    row = update(requests).where(requests.c.id == request.id)
    connection.execute(row.values(record=request.model_dump(mode="json")))
