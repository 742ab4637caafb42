"""Which rows of what is counted have changed, so that every process that looks reads those alone that are new to it.

Triggers note them in the tables `noted_…` with the number of the fold that changed them. Of a fold with very many, and
after very many folds, they are forgotten: who has not looked since reads all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

FOLDS, ROWS = 128, 20_000
"""Of so many folds rows are noted, where each changed so many units at most."""
_KINDS = {
    "units": ("exposures", "arm, unit", ("INSERT new", "UPDATE new")),
    "samples": ("samples", "arm, unit", ("INSERT new", "DELETE old")),
    "requests": ("requests", "request", ("INSERT new", "UPDATE new")),
    "outcomes": ("outcomes", "number, metric, before", ("INSERT new", "UPDATE old", "UPDATE new")),
}
"""Of which table what is noted at which changes, as it was or as it is then."""
_COUNT = "INSERT INTO counters VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET count = "


def tables() -> Iterator[str]:
    """What makes the tables and their triggers; `changed_…` are this connection's own."""
    for kind, (table, columns, changes) in _KINDS.items():
        yield (
            f"CREATE TABLE IF NOT EXISTS noted_{kind} (fold, {columns}, PRIMARY KEY (fold, {columns})) WITHOUT ROWID;"
            f"CREATE TEMP TABLE changed_{kind} ({columns}, PRIMARY KEY ({columns})) WITHOUT ROWID;"
        )
        for event, row in (change.split() for change in changes):
            values = ", ".join(f"{row}.{column}" for column in columns.split(", "))
            yield (
                f"CREATE TRIGGER IF NOT EXISTS note_{kind}_{event}_{row} AFTER {event} ON {table} BEGIN "
                f"INSERT INTO noted_{kind} SELECT count, {values} FROM counters WHERE name = 'folds' "
                "ON CONFLICT DO NOTHING; END;"  # OR IGNORE would be overruled by the statement that it fires for
            )


def begin(connection: sqlite3.Connection) -> None:
    """What is changed from now on is of the next fold."""
    connection.execute(_COUNT + "count + excluded.count", ["folds", 1])


def end(connection: sqlite3.Connection) -> None:
    """Forget what is too much."""
    (number,) = connection.execute("SELECT count FROM counters WHERE name = 'folds'").fetchone()
    (rows,) = connection.execute("SELECT count(*) FROM noted_units WHERE fold = ?", [number]).fetchone()
    gone = number if rows > ROWS else number - FOLDS
    connection.execute(_COUNT + "max(count, excluded.count)", ["forgotten", max(0, gone)])
    for kind in _KINDS:
        connection.execute(f"DELETE FROM noted_{kind} WHERE fold <= ?", [gone])


def since(connection: sqlite3.Connection, seen: int) -> tuple[bool, int]:
    """Put into `changed_…` what has changed since the fold `seen`. Whether that is known, and the latest fold."""
    known = dict(connection.execute("SELECT name, count FROM counters WHERE name IN ('folds', 'forgotten')"))
    for kind, (_, columns, _) in _KINDS.items():
        connection.execute(f"DELETE FROM changed_{kind}")
        connection.execute(
            f"INSERT OR IGNORE INTO changed_{kind} SELECT {columns} FROM noted_{kind} WHERE fold > ?", [seen]
        )
    return seen >= known.get("forgotten", 0), known.get("folds", 0)
