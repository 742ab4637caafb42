"""The sequence of writes: who has seen number N asks for what came since and is never behind for long.

A change says which noun to read again, not what it became, so an older update of the same noun is dropped when a
newer one is appended: the table stays as small as the workspace has nouns, and whoever resumes late misses nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, delete, func, insert, select

from jupyter_modeldeploy.records import Change
from jupyter_modeldeploy.store.database import Database
from jupyter_modeldeploy.store.tables import changes

Kind = Literal["model", "version", "dataset", "job", "metrics", "service", "experiment", "device"]
"""`metrics` are the series and samples of a job, whose id is the key."""
Action = Literal["created", "updated", "deleted"]


def append(connection: Connection, kind: Kind, key: str, action: Action) -> None:
    """Add a change in the transaction that makes it."""
    same = (changes.c.kind == kind) & (changes.c.key == key) & (changes.c.action == "updated")
    connection.execute(delete(changes).where(same))
    connection.execute(insert(changes).values(kind=kind, key=key, action=action, at=datetime.now(UTC)))


class Changes:
    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self) -> int:
        """The highest sequence number so far; 0 when nothing was ever written."""
        with self._database.read() as connection:
            return connection.execute(select(func.max(changes.c.sequence))).scalar() or 0

    def written(self) -> object:
        """Differs from what it was whenever there may be more changes, for whoever looks often: see Database."""
        return self._database.written()

    def since(self, sequence: int, limit: int = 500) -> list[Change]:
        """The changes after `sequence`, oldest first."""
        query = select(changes).where(changes.c.sequence > sequence).order_by(changes.c.sequence).limit(limit)
        with self._database.read() as connection:
            return [Change.model_validate(dict(row)) for row in connection.execute(query).mappings()]
