"""Caps of a trunk's day, and why a node is not used

Revision: 0005_trunk_caps
Follows: 0004_audit
Made: 2026-11-22 23:40:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_trunk_caps"
down_revision = "0004_audit"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("trunk") as table:
        table.add_column(sa.Column("minutes_per_day", sa.Integer(), nullable=True))
        table.add_column(sa.Column("price_per_minute", sa.Float(), nullable=True))
        table.add_column(sa.Column("spend_per_day", sa.Float(), nullable=True))
        table.add_column(sa.Column("costly_allowed", sa.Boolean(), nullable=False, server_default="0"))
    with op.batch_alter_table("node") as table:
        table.add_column(sa.Column("trouble", sa.String(length=40), nullable=False, server_default=""))
    op.create_table(
        "trunk_usage",
        sa.Column("trunk_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trunk_id"], ["trunk.id"], name=op.f("fk_trunk_usage_trunk_id_trunk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("trunk_id", "day", name=op.f("pk_trunk_usage")),
    )


def downgrade() -> None:
    op.drop_table("trunk_usage")
    with op.batch_alter_table("node") as table:
        table.drop_column("trouble")
    with op.batch_alter_table("trunk") as table:
        for name in ("costly_allowed", "spend_per_day", "price_per_minute", "minutes_per_day"):
            table.drop_column(name)
