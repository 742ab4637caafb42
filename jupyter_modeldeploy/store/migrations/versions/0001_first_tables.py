"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def record() -> sa.Column[object]:
    return sa.Column("record", sa.JSON, nullable=False)


def upgrade() -> None:
    op.create_table("models", sa.Column("name", sa.String(64), primary_key=True), record())
    op.create_table(
        "versions",
        sa.Column("model", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("lineage_hash", sa.String(64), nullable=False, index=True),
        record(),
    )
    op.create_table(
        "datasets",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        record(),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, index=True),
        record(),
    )
    op.create_table(
        "metrics",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("job", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_metrics_job_name_step", "metrics", ["job", "name", "step"], unique=True)
    op.create_table(
        "leases",
        sa.Column("ticket", sa.Integer, primary_key=True),
        sa.Column("device", sa.String(32), nullable=False, index=True),
        sa.Column("job", sa.String(32), nullable=False, unique=True),
        sa.Column("process", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table("services", sa.Column("name", sa.String(64), primary_key=True), record())
    op.create_table(
        "experiments",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, index=True),
        record(),
    )
    op.create_table(
        "changes",
        sa.Column("sequence", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_kind_key", "changes", ["kind", "key"])
