"""Trunks on several nodes, leases, draining, sounds for every node

Revision: 0002_nodes
Follows: 0001
Made: 2026-11-23 00:10:00.000000
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from config.database import UtcDateTime

revision = "0002_nodes"
down_revision = "0001"
branch_labels = None
depends_on = None

#: A table that SQLite makes anew keeps the promise that no id is ever given twice.
IDS_ONCE = {"sqlite_autoincrement": True}


def upgrade() -> None:
    op.create_table(
        "trunk_node",
        sa.Column("trunk_id", sa.Integer(), nullable=False),
        sa.Column("node_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trunk_id"], ["trunk.id"], name=op.f("fk_trunk_node_trunk_id_trunk"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["node_id"], ["node.id"], name=op.f("fk_trunk_node_node_id_node")),
        sa.PrimaryKeyConstraint("trunk_id", "node_id", name=op.f("pk_trunk_node")),
    )
    op.create_index(op.f("ix_trunk_node_node_id"), "trunk_node", ["node_id"], unique=False)
    op.execute("INSERT INTO trunk_node (trunk_id, node_id) SELECT id, node_id FROM trunk")
    last = _last_id("trunk")
    with op.batch_alter_table("trunk", table_kwargs=IDS_ONCE) as batch_op:
        batch_op.add_column(sa.Column("tokens", sa.Double(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("tokens_at", sa.Double(), nullable=True))
        batch_op.drop_constraint("fk_trunk_node_id_node", type_="foreignkey")
        batch_op.drop_column("node_id")
    _keep_last_id("trunk", last)
    with op.batch_alter_table("node") as batch_op:
        batch_op.add_column(sa.Column("draining", sa.Boolean(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("problem", sa.String(length=40), server_default="", nullable=False))
        batch_op.add_column(sa.Column("problem_detail", sa.String(length=300), server_default="", nullable=False))
        batch_op.add_column(sa.Column("key_print", sa.String(length=16), server_default="", nullable=False))
        batch_op.add_column(sa.Column("lease_owner", sa.String(length=200), server_default="", nullable=False))
        batch_op.add_column(sa.Column("lease_number", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("lease_until", UtcDateTime(), nullable=True))
    op.create_table(
        "sound_file",
        sa.Column("stem", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("stem", name=op.f("pk_sound_file")),
    )
    op.create_table(
        "sound_part",
        sa.Column("stem", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"), nullable=False),
        sa.ForeignKeyConstraint(
            ["stem"], ["sound_file.stem"], name=op.f("fk_sound_part_stem_sound_file"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("stem", "number", name=op.f("pk_sound_part")),
    )


def downgrade() -> None:
    op.drop_table("sound_part")
    op.drop_table("sound_file")
    with op.batch_alter_table("node") as batch_op:
        for name in (
            *("lease_until", "lease_number", "lease_owner", "key_print"),
            *("problem_detail", "problem", "draining"),
        ):
            batch_op.drop_column(name)
    last = _last_id("trunk")
    with op.batch_alter_table("trunk", table_kwargs=IDS_ONCE) as batch_op:
        batch_op.add_column(sa.Column("node_id", sa.Integer(), nullable=True))
        batch_op.drop_column("tokens_at")
        batch_op.drop_column("tokens")
    first = "COALESCE((SELECT MIN(node_id) FROM trunk_node WHERE trunk_id = trunk.id), (SELECT MIN(id) FROM node))"
    op.execute(f"UPDATE trunk SET node_id = {first}")  # noqa: S608 - no value in it
    with op.batch_alter_table("trunk", table_kwargs=IDS_ONCE) as batch_op:
        batch_op.alter_column("node_id", existing_type=sa.Integer(), nullable=False)
        batch_op.create_foreign_key(op.f("fk_trunk_node_id_node"), "node", ["node_id"], ["id"])
    _keep_last_id("trunk", last)
    op.drop_table("trunk_node")


def _last_id(table: str) -> int:
    """The last id that SQLite gave in a table; a table made anew would forget those of deleted rows."""
    if op.get_bind().dialect.name != "sqlite":
        return 0
    query = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    return int(op.get_bind().execute(query, {"name": table}).scalar() or 0)


def _keep_last_id(table: str, last: int) -> None:
    if last == 0:
        return
    connection = op.get_bind()
    connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table})
    connection.execute(
        sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), {"name": table, "last": last}
    )
