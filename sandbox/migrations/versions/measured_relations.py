"""What measures gave is kept, so that later queries of the same licence can be computed from it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "measured_relations",
        sa.Column("charge", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["charge"], ["charges.id"], name=op.f("fk_measured_relations_charge")),
        sa.PrimaryKeyConstraint("charge", "measure", name=op.f("pk_measured_relations")),
    )
    op.create_index("ix_measured_relations_relation", "measured_relations", ["relation"], unique=False)
