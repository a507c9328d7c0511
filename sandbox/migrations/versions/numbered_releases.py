"""A charge has a release for each of its queries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    connection = op.get_bind()
    stored = connection.execute(sa.text("SELECT charge, body, digest, leaf FROM releases")).mappings().all()
    op.drop_table("releases")
    releases = op.create_table(
        "releases",
        sa.Column("charge", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["charge"], ["charges.id"], name=op.f("fk_releases_charge")),
        sa.PrimaryKeyConstraint("charge", "number", name=op.f("pk_releases")),
    )
    op.bulk_insert(releases, [{**row, "number": 0} for row in stored])
