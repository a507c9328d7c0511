"""The schema of the main job: registry, ledger, stored releases and log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("notion", sa.Text(), nullable=False),
        sa.Column("rho_limit", sa.BigInteger(), nullable=False),
        sa.Column("rho_spent", sa.BigInteger(), nullable=False),
        sa.Column("delta_limit", sa.BigInteger(), nullable=False),
        sa.Column("delta_spent", sa.BigInteger(), nullable=False),
        sa.Column("epsilon_limit", sa.BigInteger(), nullable=False),
        sa.Column("epsilon_spent", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('licence', 'dataset', 'domain')", name=op.f("ck_accounts_kind")),
        sa.CheckConstraint("notion IN ('zcdp', 'pure')", name=op.f("ck_accounts_notion")),
        sa.CheckConstraint("delta_spent >= 0 AND delta_spent <= delta_limit", name=op.f("ck_accounts_delta")),
        sa.CheckConstraint("epsilon_spent >= 0 AND epsilon_spent <= epsilon_limit", name=op.f("ck_accounts_epsilon")),
        sa.CheckConstraint("rho_spent >= 0 AND rho_spent <= rho_limit", name=op.f("ck_accounts_rho")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("kind", "name", name=op.f("uq_accounts_kind_name")),
    )
    op.create_table(
        "bundles",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("adopted_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('current', 'superseded')", name=op.f("ck_bundles_state")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_bundles")),
    )
    op.create_index(
        "ix_bundles_current",
        "bundles",
        ["state"],
        unique=True,
        sqlite_where=sa.text("state = 'current'"),
        postgresql_where=sa.text("state = 'current'"),
    )
    op.create_table(
        "datasets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit_domain", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_datasets")),
    )
    op.create_table(
        "institutions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_institutions")),
    )
    op.create_table(
        "log_bodies",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_log_bodies")),
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_checkpoints")),
    )
    op.create_table(
        "log_hashes",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("level", "position", name=op.f("pk_log_hashes")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_head_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_head")),
    )
    op.create_table(
        "log_leaves",
        sa.Column("leaf", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("leaf", name=op.f("pk_log_leaves")),
    )
    op.create_table(
        "nonces",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "nonce", name=op.f("pk_nonces")),
    )
    op.create_table(
        "licences",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'suspended', 'revoked')", name=op.f("ck_licences_state")),
        sa.ForeignKeyConstraint(["institution"], ["institutions.id"], name=op.f("fk_licences_institution")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licences")),
        sa.UniqueConstraint("digest", name=op.f("uq_licences_digest")),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["institution"], ["institutions.id"], name=op.f("fk_people_institution")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_table(
        "snapshots",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("card_version", sa.Integer(), nullable=False),
        sa.Column("card_digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('current', 'superseded', 'withdrawn')", name=op.f("ck_snapshots_state")),
        sa.ForeignKeyConstraint(["dataset"], ["datasets.name"], name=op.f("fk_snapshots_dataset")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshots")),
    )
    op.create_index(
        "ix_snapshots_current",
        "snapshots",
        ["dataset"],
        unique=True,
        sqlite_where=sa.text("state = 'current'"),
        postgresql_where=sa.text("state = 'current'"),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_keys_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("public", name=op.f("uq_keys_public")),
    )
    op.create_index("ix_keys_person", "keys", ["person"], unique=False)
    op.create_table(
        "charges",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("incident", sa.Boolean(), nullable=False),
        sa.Column("follows", sa.Text(), nullable=True),
        sa.Column("copies", sa.Text(), nullable=True),
        sa.Column("authorized_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("authorized_leaf", sa.BigInteger(), nullable=False),
        sa.Column("final_leaf", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(state = 'authorized') = (finished_at IS NULL)", name=op.f("ck_charges_finished")),
        sa.CheckConstraint("state IN ('authorized', 'released', 'failed')", name=op.f("ck_charges_state")),
        sa.CheckConstraint("attempts >= 0 AND attempts <= 3", name=op.f("ck_charges_attempts")),
        sa.ForeignKeyConstraint(["copies"], ["charges.id"], name=op.f("fk_charges_copies")),
        sa.ForeignKeyConstraint(["follows"], ["charges.id"], name=op.f("fk_charges_follows")),
        sa.ForeignKeyConstraint(["institution"], ["institutions.id"], name=op.f("fk_charges_institution")),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"], name=op.f("fk_charges_key_id")),
        sa.ForeignKeyConstraint(["licence"], ["licences.id"], name=op.f("fk_charges_licence")),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_charges_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charges")),
        sa.UniqueConstraint("person", "idempotency_key", name=op.f("uq_charges_person_idempotency_key")),
    )
    op.create_index("ix_charges_follows", "charges", ["follows"], unique=False)
    op.create_index("ix_charges_identity", "charges", ["identity", "licence"], unique=False)
    op.create_index("ix_charges_licence", "charges", ["licence", "authorized_at"], unique=False)
    op.create_index("ix_charges_state", "charges", ["state"], unique=False)
    op.create_table(
        "charge_lines",
        sa.Column("charge", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("rho", sa.BigInteger(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("epsilon", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("rho >= 0 AND delta >= 0 AND epsilon >= 0", name=op.f("ck_charge_lines_loss")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_charge_lines_account")),
        sa.ForeignKeyConstraint(["charge"], ["charges.id"], name=op.f("fk_charge_lines_charge")),
        sa.PrimaryKeyConstraint("charge", "account", name=op.f("pk_charge_lines")),
    )
    op.create_table(
        "charge_snapshots",
        sa.Column("charge", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["charge"], ["charges.id"], name=op.f("fk_charge_snapshots_charge")),
        sa.ForeignKeyConstraint(["dataset"], ["datasets.name"], name=op.f("fk_charge_snapshots_dataset")),
        sa.ForeignKeyConstraint(["snapshot"], ["snapshots.id"], name=op.f("fk_charge_snapshots_snapshot")),
        sa.PrimaryKeyConstraint("charge", "dataset", name=op.f("pk_charge_snapshots")),
    )
    op.create_table(
        "releases",
        sa.Column("charge", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["charge"], ["charges.id"], name=op.f("fk_releases_charge")),
        sa.PrimaryKeyConstraint("charge", name=op.f("pk_releases")),
    )
