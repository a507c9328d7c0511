"""The schema's history gives the schema that the code declares, and SQLite is opened so that commits last."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from sandbox.audit.log import leaves
from sandbox.ledger.database import begin_write, journal, migrate, open_database
from sandbox.ledger.schema import accounts, metadata
from sandbox.registry.schema import institutions

DECLARED = {accounts.name, institutions.name, leaves.name}


def described(engine: Engine) -> dict[str, Any]:
    """What the comparison of columns, keys and indexes leaves out."""
    look = inspect(engine)
    return {
        table: {
            "checks": sorted((check["name"] or "", check["sqltext"]) for check in look.get_check_constraints(table)),
            "keys": look.get_pk_constraint(table),
            "foreign": sorted(str(one) for one in look.get_foreign_keys(table)),
            "unique": sorted(str(one) for one in look.get_unique_constraints(table)),
            "indexes": sorted(
                (one["name"] or "", one["column_names"], one["unique"], str(one["dialect_options"].get("sqlite_where")))
                for one in look.get_indexes(table)
            ),
            "columns": [(one["name"], str(one["type"]), one["nullable"]) for one in look.get_columns(table)],
        }
        for table in sorted(look.get_table_names())
        if table != "alembic_version"
    }


def test_the_migrations_give_the_declared_schema(tmp_path: Path) -> None:
    migrated = open_database(f"sqlite:///{tmp_path / 'migrated.db'}")
    migrate(migrated)
    migrate(migrated)
    declared = create_engine("sqlite://")
    metadata.create_all(declared)
    with migrated.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert described(migrated) == described(declared)
    assert set(described(migrated)) >= DECLARED
    migrated.dispose()
    declared.dispose()


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((3, 40, 1), ("PERSIST", "EXTRA")),
        ((3, 51, 2), ("PERSIST", "EXTRA")),
        ((3, 51, 3), ("WAL", "FULL")),
        ((3, 52, 0), ("WAL", "FULL")),
        ((4, 0, 0), ("WAL", "FULL")),
    ],
)
def test_the_journal_fits_the_version_of_sqlite(version: tuple[int, ...], expected: tuple[str, str]) -> None:
    assert journal(version) == expected


def test_every_connection_is_durable_and_checks_foreign_keys(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'vitrine.db'}")
    mode, _ = journal(sqlite3.sqlite_version_info)
    with engine.connect() as first, engine.connect() as second:
        for connection in (first, second):
            assert connection.scalar(text("PRAGMA journal_mode")) == mode.lower()
            assert (
                connection.scalar(text("PRAGMA synchronous"))
                == {"FULL": 2, "EXTRA": 3}[journal(sqlite3.sqlite_version_info)[1]]
            )
            assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    assert stat.S_IMODE((tmp_path / "vitrine.db").stat().st_mode) == 0o600
    engine.dispose()


ACCOUNT = "INSERT INTO accounts VALUES ('a', '{kind}', 'n', '{notion}', {rl}, {rs}, {dl}, {ds}, {el}, {es})"
SOUND = {"kind": "licence", "notion": "zcdp", "rl": 10, "rs": 10, "dl": 5, "ds": 0, "el": 0, "es": 0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"rs": 11},
        {"rs": -1},
        {"ds": 6},
        {"ds": -1},
        {"es": 1},
        {"es": -1},
        {"kind": "other"},
        {"notion": "none"},
    ],
)
def test_the_database_itself_keeps_spent_within_limits(tmp_path: Path, wrong: dict[str, object]) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'vitrine.db'}")
    migrate(engine)
    with begin_write(engine) as connection:
        with connection.begin():
            connection.execute(text(ACCOUNT.format(**SOUND)))
            connection.execute(text("DELETE FROM accounts"))
        with pytest.raises(IntegrityError), connection.begin():
            connection.execute(text(ACCOUNT.format(**{**SOUND, **wrong})))
    engine.dispose()
