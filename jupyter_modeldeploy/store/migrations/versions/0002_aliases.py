"""The history of aliases, their rules, and requests to move them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for table in ("alias_moves", "alias_rules"):
        op.create_table(
            table,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("model", sa.String(64), nullable=False),
            sa.Column("alias", sa.String(64), nullable=False),
            sa.Column("record", sa.JSON, nullable=False),
            sqlite_autoincrement=True,
        )
        op.create_index(f"ix_{table}_model_alias", table, ["model", "alias"])
    op.create_table(
        "alias_requests",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("model", sa.String(64), nullable=False, index=True),
        sa.Column("alias", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
    )
