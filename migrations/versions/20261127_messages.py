"""Messages made of blocks, what callees do at their steps, hand-over, machines and the do-not-call list

Revision: 0006_messages
Follows: 0005_trunk_caps
Made: 2026-11-23 02:00:00
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from config.database import UtcDateTime

revision = "0006_messages"
down_revision = "0005_trunk_caps"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, length: int, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False, server_default=default)


def _added() -> dict[str, tuple[sa.Column[Any], ...]]:
    """New columns by table; made anew for each use, since a column object belongs to one table."""
    return {
        "campaign": (
            sa.Column("message", sa.JSON(none_as_null=True), nullable=True),
            _text("message_version", 16),
            _text("machines", 12, "off"),
            sa.Column("test_of", sa.Integer(), nullable=True),
            _text("machines_doubtful", 8, "human"),
        ),
        "contact": (
            sa.Column("prompts", sa.JSON(none_as_null=True), nullable=True),
            _text("prepared", 16),
            _text("prepare_code", 40),
            _text("prepare_column", 200),
        ),
        "attempt": (
            _text("reached_by", 10),
            _text("machine", 12),
            _text("machine_cause", 60),
            _text("handover", 80),
            _text("handover_result", 20),
            sa.Column("waited_s", sa.Float(), nullable=True),
            sa.Column("talked_s", sa.Float(), nullable=True),
        ),
        "sound_file": (sa.Column("made", sa.Boolean(), nullable=False, server_default="0"),),
        "trunk": (sa.Column("amd", sa.JSON(none_as_null=True), nullable=True),),
    }


def upgrade() -> None:
    # Column by column, not as a batch: on SQLite a batch copies the table, and contacts may be millions.
    for table, columns in _added().items():
        for column in columns:
            op.add_column(table, column)
    op.create_table(
        "attempt_step",
        sa.Column("attempt_id", BIG_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("result", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("value", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempt.id"], name=op.f("fk_attempt_step_attempt_id_attempt"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_attempt_step_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("attempt_id", "position", name=op.f("pk_attempt_step")),
    )
    op.create_index("ix_attempt_step_campaign", "attempt_step", ["campaign_id", "step", "result"])
    op.create_table(
        "preparation",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        _text("holder", 16),
        sa.Column("beat_at", UtcDateTime(), nullable=True),
        _text("problem", 40),
        sa.Column("words", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("fallbacks", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_preparation_campaign_id_campaign"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_preparation")),
    )
    op.create_table(
        "speech_setting",
        sa.Column("engine", sa.String(length=20), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("engine", name=op.f("pk_speech_setting")),
    )
    op.create_table(
        "do_not_call",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        _text("created_by", 255),
        _text("comment", 200),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_do_not_call")),
    )


def downgrade() -> None:
    op.drop_table("do_not_call")
    op.drop_table("speech_setting")
    op.drop_table("preparation")
    op.drop_table("attempt_step")
    for table, columns in _added().items():
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column.name)
