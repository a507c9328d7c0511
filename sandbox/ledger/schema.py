"""The one database: registry, ledger, stored releases and log, so that one transaction covers a charge and its leaf.

Losses are integers in the units of `sandbox.privacy.loss`; times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("notion", Text, nullable=False),
    Column("rho_limit", BigInteger, nullable=False),
    Column("rho_spent", BigInteger, nullable=False, default=0),
    Column("delta_limit", BigInteger, nullable=False),
    Column("delta_spent", BigInteger, nullable=False, default=0),
    Column("epsilon_limit", BigInteger, nullable=False),
    Column("epsilon_spent", BigInteger, nullable=False, default=0),
    UniqueConstraint("kind", "name"),
    CheckConstraint("kind IN ('licence', 'dataset', 'domain')", name="kind"),
    CheckConstraint("notion IN ('zcdp', 'pure')", name="notion"),
    CheckConstraint("rho_spent >= 0 AND rho_spent <= rho_limit", name="rho"),
    CheckConstraint("delta_spent >= 0 AND delta_spent <= delta_limit", name="delta"),
    CheckConstraint("epsilon_spent >= 0 AND epsilon_spent <= epsilon_limit", name="epsilon"),
)
"""What may ever be lost and what has been. A pure licence account counts ε alone, every other (ρ, δ) alone."""

charges = Table(
    "charges",
    metadata,
    Column("id", Text, primary_key=True),
    Column("institution", Text, ForeignKey("institutions.id"), nullable=False),
    Column("person", Text, ForeignKey("people.id"), nullable=False),
    Column("key_id", Text, ForeignKey("keys.id"), nullable=False),
    Column("licence", Text, ForeignKey("licences.id"), nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("request_digest", Text, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("identity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("incident", Boolean, nullable=False, default=False),
    Column("follows", Text, ForeignKey("charges.id")),
    Column("copies", Text, ForeignKey("charges.id")),
    Column("authorized_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("authorized_leaf", BigInteger, nullable=False),
    Column("final_leaf", BigInteger),
    Column("sandbox", BigInteger),
    UniqueConstraint("person", "idempotency_key"),
    CheckConstraint("state IN ('authorized', 'released', 'failed')", name="state"),
    CheckConstraint("attempts >= 0 AND attempts <= 3", name="attempts"),
    CheckConstraint("(state = 'authorized') = (finished_at IS NULL)", name="finished"),
    Index("ix_charges_identity", "identity", "licence"),
    Index("ix_charges_state", "state"),
    Index("ix_charges_licence", "licence", "authorized_at"),
    Index("ix_charges_follows", "follows"),
)
"""One row per accepted request. A repeat `follows` the charge that paid; a request whose answer another licence has
already been given `copies` that charge's release and pays its own licence's account. `sandbox` is the leaf of the start
of the sandbox that runs it."""

charge_lines = Table(
    "charge_lines",
    metadata,
    Column("charge", Text, ForeignKey("charges.id"), primary_key=True),
    Column("account", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("rho", BigInteger, nullable=False),
    Column("delta", BigInteger, nullable=False),
    Column("epsilon", BigInteger, nullable=False),
    CheckConstraint("rho >= 0 AND delta >= 0 AND epsilon >= 0", name="loss"),
)

charge_snapshots = Table(
    "charge_snapshots",
    metadata,
    Column("charge", Text, ForeignKey("charges.id"), primary_key=True),
    Column("dataset", Text, ForeignKey("datasets.name"), primary_key=True),
    Column("snapshot", Text, ForeignKey("snapshots.id"), nullable=False),
)

releases = Table(
    "releases",
    metadata,
    Column("charge", Text, ForeignKey("charges.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Column("leaf", BigInteger, nullable=False),
)
"""The canonical bytes that left under a charge, one for each query, and the leaf that says so."""

measured_relations = Table(
    "measured_relations",
    metadata,
    Column("charge", Text, ForeignKey("charges.id"), primary_key=True),
    Column("measure", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("relation", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Index("ix_measured_relations_relation", "relation"),
)
"""What the measures of a charge gave, noise included: what later queries of the same licence can be computed from.
`relation` is what was measured on which snapshots, `number` the first
query that reads it."""

restarts = Table(
    "log_restarts",
    metadata,
    Column("leaf", BigInteger, primary_key=True, autoincrement=False),
)
"""The leaves by which the log was begun anew after a loss: from the first on no account is opened or raised."""

nonces = Table(
    "nonces",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("nonce", Text, primary_key=True),
)
"""A nonce is unique for as long as its key could sign, so that the log shows no nonce of a key twice."""
