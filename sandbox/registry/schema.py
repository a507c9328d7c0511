"""The registry's tables: institutions, people, signing keys, licences, data sets, snapshots and policy bundles."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from sandbox.ledger.schema import metadata

_CURRENT = text("state = 'current'")

institutions = Table(
    "institutions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("institution", Text, ForeignKey("institutions.id"), nullable=False),
    Column("roles", Text, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)
"""Roles are one text, sorted and separated by single spaces."""

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False),
    Column("public", LargeBinary, nullable=False, unique=True),
    Column("registered_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index("ix_keys_person", "person"),
)

licences = Table(
    "licences",
    metadata,
    Column("id", Text, primary_key=True),
    Column("institution", Text, ForeignKey("institutions.id"), nullable=False),
    Column("file", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    CheckConstraint("state IN ('active', 'suspended', 'revoked')", name="state"),
)

datasets = Table(
    "datasets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("unit_domain", Text, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", Text, primary_key=True),
    Column("dataset", Text, ForeignKey("datasets.name"), nullable=False),
    Column("card_version", Integer, nullable=False),
    Column("card_digest", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sealed_at", BigInteger, nullable=False),
    CheckConstraint("state IN ('current', 'superseded', 'withdrawn')", name="state"),
    Index("ix_snapshots_current", "dataset", unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT),
)

bundles = Table(
    "bundles",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("adopted_at", BigInteger, nullable=False),
    CheckConstraint("state IN ('current', 'superseded')", name="state"),
    Index("ix_bundles_current", "state", unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT),
)
