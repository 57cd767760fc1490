"""Hand-overs that were followed by another one, and opt-outs said in a test call

Revision: 0007_handovers
Follows: 0006_messages
Made: 2026-11-23 05:30:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_handovers"
down_revision = "0006_messages"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "failed_handover",
        sa.Column("attempt_id", BIG_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("handover", sa.String(length=80), nullable=False),
        sa.Column("handover_result", sa.String(length=20), nullable=False),
        sa.Column("waited_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempt.id"], name=op.f("fk_failed_handover_attempt_id_attempt"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_failed_handover_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("attempt_id", "position", name=op.f("pk_failed_handover")),
    )
    op.create_index("ix_failed_handover_campaign", "failed_handover", ["campaign_id"])
    op.add_column("do_not_call", sa.Column("test_call", sa.Boolean(), nullable=False, server_default="0"))
    # Test calls noted the id of a campaign that no page shows.
    op.execute(
        "UPDATE do_not_call SET test_call = 1, campaign_id = NULL"
        " WHERE campaign_id IN (SELECT id FROM campaign WHERE test_of IS NOT NULL)"
    )


def downgrade() -> None:
    op.drop_table("failed_handover")
    with op.batch_alter_table("do_not_call") as batch:
        batch.drop_column("test_call")
