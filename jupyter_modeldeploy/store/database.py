"""The database: one engine, reads that see one state, writes that are whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Engine, Select, create_engine, event, func, inspect, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from jupyter_modeldeploy.errors import Conflict, ModelDeployError, StorageFull, Unavailable

SCHEMA = "0002"
"""The newest migration. Alembic is imported only when the database is not there yet, or older."""

BUSY_TIMEOUT_S = 30
MOST_DIGITS = 15
"""Of a version's number: more do not fit into every database's columns."""


def scalar(connection: Connection, query: Select[Any]) -> Any:
    """The first column of the first row, or None."""
    return connection.execute(query).scalar()


def scalars(connection: Connection, query: Select[Any]) -> list[Any]:
    """The first column of every row."""
    return list(connection.execute(query).scalars())


def refuse_twin(connection: Connection, names: Column[str], name: str) -> None:
    """Raise Conflict where a name differs from `name` in case only: many disks would take both folders for one."""
    twin = scalar(connection, select(names).where(func.lower(names) == name.lower(), names != name))
    if twin is not None:
        raise Conflict(f"{name!r} differs from {twin!r} only in case.", f"Write {twin!r}, or choose another name.")


class Database:
    """The metadata at `url`, migrated to this release's schema."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S} if "sqlite" in url else {})
        if self.engine.dialect.name == "sqlite":
            _make_sqlite_transactional(self.engine)
        self._migrate()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A look at one state. Raises StorageFull where the disk is too full even for that."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except OperationalError as error:
            raise _clear(error) from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its start. Raises StorageFull with nothing changed."""
        try:
            with self.engine.connect().execution_options(modeldeploy_write=True) as connection, connection.begin():
                yield connection
        except OperationalError as error:
            raise _clear(error) from error

    def written(self) -> tuple[object, ...]:
        """Differs from what it was whenever something was written since, but for two writes within the file system's
        clock tick; costs two looks at files and no query."""
        return tuple(_written(Path(f"{self.engine.url.database}{suffix}")) for suffix in ("", "-wal"))

    def close(self) -> None:
        self.engine.dispose()

    def _migrate(self) -> None:
        try:
            if self._schema() == SCHEMA:
                return
            from alembic import command
            from alembic.config import Config

            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            with self.write() as connection:  # the lock: of two first users one migrates, the other finds it done
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except OperationalError as error:
            raise _clear(error) from error

    def _schema(self) -> str | None:
        with self.read() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = scalar(connection, select(text("version_num")).select_from(text("alembic_version")))
        if found is not None and found > SCHEMA:
            raise Unavailable(
                f"The workspace was written by a newer release (schema {found}, this release knows {SCHEMA}).",
                "Upgrade jupyter_modeldeploy or set JUPYTER_MODELDEPLOY_ROOT to another folder.",
            )
        return found


def _written(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size


def _make_sqlite_transactional(engine: Engine) -> None:
    """Take BEGIN away from the sqlite3 module, which would start transactions late and lose the lock in between."""

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write: Any = connection.get_execution_options().get("modeldeploy_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _clear(error: OperationalError) -> ModelDeployError:
    reason = str(error.orig)
    if "full" in reason or "disk I/O" in reason:
        return StorageFull(
            "The disk is full: writing the workspace's database failed.",
            "Free some space, then try again. Nothing was changed.",
        )
    if "locked" in reason:
        return Unavailable(
            f"The workspace's database was locked for {BUSY_TIMEOUT_S} s.",
            "Another process holds it. A network file system may lack locks: then move JUPYTER_MODELDEPLOY_ROOT.",
        )
    return ModelDeployError(f"The workspace's database failed: {reason}.")
