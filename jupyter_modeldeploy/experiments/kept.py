"""The file that holds what was counted of a service's units: SQLite, for one writer at a time and any readers.

A unit, and the id of an outcome, is known by a digest alone: whose requests they were is not kept."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from jupyter_modeldeploy.errors import Conflict, ModelDeployError, StorageFull, Unavailable
from jupyter_modeldeploy.experiments import noted

CACHE_KIB = 64 * 1024
WAIT_S, POLL_S = 30.0, 0.01
CHUNK_ROWS = 50_000
MOST_OF_A_UNIT = 256
"""Latencies that are kept of one unit; of a busier one these stand for it."""

LAYOUT = 1
"""Of the tables, as SQLite's `user_version` tells it."""
KEPT_TABLES = """
CREATE TABLE IF NOT EXISTS segments (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS losses (
    at INTEGER NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (at, kind)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS arms (
    number INTEGER PRIMARY KEY, stage INTEGER NOT NULL, version TEXT NOT NULL, share REAL NOT NULL,
    halvings INTEGER NOT NULL DEFAULT 0, experiment TEXT NOT NULL DEFAULT '', UNIQUE (stage, version, experiment));
CREATE TABLE IF NOT EXISTS attributes (number INTEGER PRIMARY KEY, document TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS exposures (
    arm INTEGER NOT NULL, unit INTEGER NOT NULL, requests INTEGER NOT NULL, errors INTEGER NOT NULL,
    microseconds INTEGER NOT NULL, confidence INTEGER NOT NULL, confidences INTEGER NOT NULL,
    first_at INTEGER NOT NULL, attributes INTEGER NOT NULL, PRIMARY KEY (arm, unit)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS busy ON exposures (arm, unit) WHERE requests > :most;
CREATE TABLE IF NOT EXISTS samples (
    arm INTEGER NOT NULL, unit INTEGER NOT NULL, place INTEGER NOT NULL, microseconds INTEGER NOT NULL,
    PRIMARY KEY (arm, unit, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests (request INTEGER PRIMARY KEY, unit INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outcomes (
    number INTEGER PRIMARY KEY, identity BLOB UNIQUE, unit INTEGER NOT NULL, metric TEXT NOT NULL, value REAL NOT NULL,
    at INTEGER NOT NULL, received INTEGER NOT NULL, before INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS outcomes_by_metric ON outcomes (metric, before);
CREATE TABLE IF NOT EXISTS repeats (number INTEGER PRIMARY KEY, count INTEGER NOT NULL);
"""


class Kept:
    """The open file. Its tables hold whole numbers wherever sums are made, so that no order of adding shows. Raises
    Conflict for one that is damaged or of another layout.

    Writing raises StorageFull where there is no room, and Unavailable where it cannot be done now: nothing was written
    then."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
        try:
            self._write_ahead()
            self.connection.execute("PRAGMA synchronous = FULL")  # a segment is removed after it was counted
            self.connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            self.connection.execute("PRAGMA temp_store = MEMORY")
            self._lay_out(path)
        except sqlite3.DatabaseError as error:
            self.connection.close()
            raise (_told(error) or error) from None
        except Conflict:
            self.connection.close()
            raise
        self._seen = 0

    def _write_ahead(self) -> None:
        """SQLite itself does not wait where several change the journal of a new file at once."""
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                self.connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(POLL_S)

    def _lay_out(self, path: Path) -> None:
        """Tables and layout come in one transaction: who opens the file at the same time sees both or neither."""
        (tables,) = self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (layout,) = self.connection.execute("PRAGMA user_version").fetchone()
        if tables and layout != LAYOUT:
            message = f"What units did was counted by another release, in {path} (layout {layout}, not {LAYOUT})."
            raise Conflict(message, "Use that release, or move the file away: what comes then is counted anew.")
        script = KEPT_TABLES.replace(":most", str(MOST_OF_A_UNIT)) + "".join(noted.tables())
        if layout != LAYOUT:
            script = f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {LAYOUT}; COMMIT;"
        self.connection.executescript(script)

    @contextmanager
    def transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """All of it or nothing; no other writes meanwhile."""
        try:
            self.connection.execute(begin)
            yield self.connection
            self.connection.execute("COMMIT")
        except BaseException as error:
            if self.connection.in_transaction:  # where the disk is full SQLite has ended it
                self.connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.DatabaseError) and (told := _told(error)):
                raise told from error
            raise

    @contextmanager
    def fold(self) -> Iterator[sqlite3.Connection]:
        """A transaction whose changes are told to all who look."""
        with self.transaction() as connection:
            noted.begin(connection)
            yield connection
            noted.end(connection)

    @contextmanager
    def changes(self) -> Iterator[bool]:
        """Within it everything is read as it is at one time. The tables `changed_…` hold what has changed since the
        time before, whoever did it; False where that is not known any more."""
        with self.transaction("BEGIN") as connection:
            known, latest = noted.since(connection, self._seen)
            yield known
        self._seen = latest

    def change_outcomes(self, numbers: np.ndarray) -> None:
        """Have these among the changed ones, too."""
        self.connection.executemany(
            "INSERT OR IGNORE INTO changed_outcomes SELECT number, metric, before FROM outcomes WHERE number = ?",
            ([int(number)] for number in numbers),
        )

    def whole_numbers(self, query: str, parameters: Sequence[object], columns: int) -> np.ndarray:
        """int64[rows, columns]: what the query gives."""
        return self._fetched(query, parameters, columns, np.int64)

    def floats(self, query: str, parameters: Sequence[object]) -> np.ndarray:
        """float64[rows]: the one column that the query gives."""
        return self._fetched(query, parameters, 1, np.float64)[:, 0]

    def losses(self, kind: str, begun_at: float) -> int:
        """How many were lost in that way since `begun_at`, in seconds since the epoch."""
        query = "SELECT coalesce(sum(count), 0) FROM losses WHERE kind = ? AND at >= ?"
        return int(self.connection.execute(query, [kind, begun_at * 1000]).fetchone()[0])

    def close(self) -> None:
        self.connection.close()

    def _fetched(self, query: str, parameters: Sequence[object], columns: int, dtype: type) -> np.ndarray:
        cursor = self.connection.execute(query, parameters)
        chunks: list[np.ndarray] = [np.empty((0, columns), dtype)]
        while rows := cursor.fetchmany(CHUNK_ROWS):
            chunks.append(np.array(rows, dtype))
        return np.concatenate(chunks)


def _told(error: sqlite3.DatabaseError) -> ModelDeployError | None:
    """What to raise in its place, where that says more."""
    match error.sqlite_errorcode & 0xFF:
        case sqlite3.SQLITE_FULL:
            return StorageFull("What units did cannot be counted: the disk is full.", "Make room; nothing was lost.")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_IOERR:
            return Unavailable(f"What units did cannot be counted now: {error}.", "It is tried again.")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return Conflict(
                f"What units did cannot be read: {error}.",
                "Move exposures.sqlite in the service's folder away: what comes then is counted anew.",
            )
    return None


def unit_number(unit: str | None, request: str | None) -> int:
    """The number by which a unit is known; without a unit, that of the request, which is its own."""
    named = f"r{request}" if unit is None else f"u{unit}"
    return int.from_bytes(hashlib.blake2b(named.encode(), digest_size=8).digest(), "little", signed=True)


def identity(outcome_id: str | None, request: str | None, metric: str) -> bytes | None:
    """What makes two outcomes the same one: their id, else their request and metric; None where nothing does."""
    if outcome_id is None and request is None:
        return None
    named = f"i{outcome_id}" if outcome_id is not None else f"r{metric}\0{request}"
    return hashlib.blake2b(named.encode(), digest_size=16).digest()
