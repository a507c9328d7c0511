"""Alembic's entry: runs the migrations inside the transaction that `sandbox.ledger.database.migrate` opened."""

from __future__ import annotations

from alembic import context

from sandbox.audit.log import leaves
from sandbox.ledger.schema import metadata
from sandbox.registry.schema import institutions

TABLES = (leaves, institutions)
"""Importing them declares the log's and the registry's tables."""

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
