"""A charge is run by one sandbox of several, and the log's head is there from the start, so that it can be locked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("charges", sa.Column("sandbox", sa.BigInteger(), nullable=True))
    connection = op.get_bind()
    if connection.scalar(sa.text("SELECT count(*) FROM log_head")) == 0:
        connection.execute(sa.text("INSERT INTO log_head (id, size, time) VALUES (1, 0, 0)"))
