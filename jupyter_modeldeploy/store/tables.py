"""The tables. A row's keys are columns; the rest of its record is one JSON document, since only whole records are
read and written. `migrations/` builds the same tables step by step; a test holds the two together."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import JSON, Column, DateTime, Dialect, Float, Index, Integer, MetaData, String, Table, TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC, also from SQLite, which forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


metadata = MetaData()

models = Table(
    "models",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("record", JSON, nullable=False),
)

versions = Table(
    "versions",
    metadata,
    Column("model", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("lineage_hash", String(64), nullable=False, index=True),
    Column("record", JSON, nullable=False),
)

alias_moves = Table(
    "alias_moves",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", String(64), nullable=False),
    Column("alias", String(64), nullable=False),
    Column("record", JSON, nullable=False),
    Index("ix_alias_moves_model_alias", "model", "alias"),
    sqlite_autoincrement=True,
)

alias_rules = Table(
    "alias_rules",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", String(64), nullable=False),
    Column("alias", String(64), nullable=False),
    Column("record", JSON, nullable=False),
    Index("ix_alias_rules_model_alias", "model", "alias"),
    sqlite_autoincrement=True,
)

alias_requests = Table(
    "alias_requests",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("model", String(64), nullable=False, index=True),
    Column("alias", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("record", JSON, nullable=False),
)

datasets = Table(
    "datasets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("record", JSON, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("state", String(16), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("record", JSON, nullable=False),
)

metrics = Table(
    "metrics",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job", String(32), nullable=False),
    Column("name", String(64), nullable=False),
    Column("step", Integer, nullable=False),
    Column("value", Float, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_metrics_job_name_step", "job", "name", "step", unique=True),
)

leases = Table(
    "leases",
    metadata,
    Column("ticket", Integer, primary_key=True),
    Column("device", String(32), nullable=False, index=True),
    Column("job", String(32), nullable=False, unique=True),
    Column("process", JSON, nullable=False),
    sqlite_autoincrement=True,
)

services = Table(
    "services",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("record", JSON, nullable=False),
)

experiments = Table(
    "experiments",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("record", JSON, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("key", String(128), nullable=False),
    Column("action", String(8), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_changes_kind_key", "kind", "key"),
    sqlite_autoincrement=True,
)
