"""The schema's history gives the schema that the code declares, and databases are opened so that commits last."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from sandbox.audit.log import leaves
from sandbox.errors import Refusal
from sandbox.ledger.charges import State, StoredRelease, find_charge, find_releases
from sandbox.ledger.database import begin_write, is_shared, journal, migrate, open_database, upgrade
from sandbox.ledger.schema import accounts, metadata
from sandbox.registry.schema import institutions
from tests.support.postgres import Server

DECLARED = {accounts.name, institutions.name, leaves.name}


def described(engine: Engine) -> dict[str, Any]:
    """What the comparison of columns, keys and indexes leaves out."""
    look, where = inspect(engine), f"{engine.dialect.name}_where"
    return {
        table: {
            "checks": sorted((check["name"] or "", check["sqltext"]) for check in look.get_check_constraints(table)),
            "keys": look.get_pk_constraint(table),
            "foreign": sorted(str(one) for one in look.get_foreign_keys(table)),
            "unique": sorted(str(one) for one in look.get_unique_constraints(table)),
            "indexes": sorted(
                (one["name"] or "", one["column_names"], one["unique"], str(one.get("dialect_options", {}).get(where)))
                for one in look.get_indexes(table)
            ),
            "columns": [(one["name"], str(one["type"]), one["nullable"]) for one in look.get_columns(table)],
        }
        for table in sorted(look.get_table_names())
        if table != "alembic_version"
    }


def test_the_migrations_give_the_declared_schema(ledger: str, twin: str) -> None:
    migrated = open_database(ledger)
    migrate(migrated)
    migrate(migrated)
    declared = open_database(twin)
    metadata.create_all(declared)
    with migrated.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert described(migrated) == described(declared)
    assert set(described(migrated)) >= DECLARED
    migrated.dispose()
    declared.dispose()


@pytest.fixture
def twin(ledger: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the same kind, without any table."""
    if not is_shared(ledger):
        yield f"sqlite:///{tmp_path / 'twin.db'}"
    else:
        server: Server = request.getfixturevalue("server")
        with server.made("") as url:
            yield url


OLD = (
    "INSERT INTO institutions VALUES ('i', 'I', 1, NULL)",
    "INSERT INTO people VALUES ('p', 'i', 'analyst', 1, NULL)",
    "INSERT INTO keys VALUES ('k', 'p', :raw, 1, 2, NULL)",
    "INSERT INTO licences VALUES ('l', 'i', :raw, 'd', 'active', 1, 2, 1)",
    "INSERT INTO charges VALUES ('c','i','p','k','l','key','d',:raw,'same','released',0,:no,NULL,NULL,1,2,3,4)",
    "INSERT INTO releases VALUES ('c', :raw, 'digest', 4)",
)


def test_what_an_older_version_kept_is_kept(twin: str) -> None:
    """Every step of the schema's history, from rows of the first."""
    engine = open_database(twin)
    with begin_write(engine) as connection, connection.begin():
        upgrade(connection, "0001")
        for statement in OLD:
            values = {name: each for name, each in (("raw", b"\x00\xff"), ("no", False)) if f":{name}" in statement}
            connection.execute(text(statement), values)
    migrate(engine)
    with engine.connect() as connection:
        assert find_releases(connection, "c") == (StoredRelease("c", 0, b"\x00\xff", "digest", 4),)
        found = find_charge(connection, "c")
        assert found is not None
        assert (found.state, found.request, found.final_leaf) == (State.RELEASED, b"\x00\xff", 4)
    engine.dispose()


def test_schemas_brought_up_to_date_at_the_same_time_are_brought_once(server: Server) -> None:
    with server.made("") as url, ThreadPoolExecutor(4) as threads:

        def start(_: int) -> None:
            engine = open_database(url)
            migrate(engine)
            engine.dispose()

        assert list(threads.map(start, range(4))) == [None] * 4


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


def test_every_session_of_postgresql_is_durable_whatever_the_database_says(server: Server) -> None:
    with server.made("") as url:
        name = make_url(url).database
        others = {"synchronous_commit": "off", "default_transaction_isolation": "serializable", "lock_timeout": "0"}
        for setting, other in others.items():
            server.run(f"ALTER DATABASE {name} SET {setting} = {other}")
        engine = open_database(url)
        migrate(engine)
        with engine.connect() as connection:
            for setting, value in (
                ("synchronous_commit", "on"),
                ("transaction_isolation", "read committed"),
                ("lock_timeout", "1min"),
                ("idle_in_transaction_session_timeout", "1min"),
            ):
                assert connection.scalar(text(f"SHOW {setting}")) == value
        engine.dispose()


def test_a_database_that_keeps_texts_otherwise_is_refused(server: Server) -> None:
    """Of another order than that of code points no database can be made here: this PostgreSQL has no ICU."""
    with server.made("ENCODING 'SQL_ASCII'") as url:
        assert refused_by(url) == "its encoding is SQL_ASCII, not UTF8"


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_may_lose_a_commit_is_refused(server: Server, setting: str) -> None:
    with server.made("") as url:
        with server.configured(setting, "off"):
            assert refused_by(url) == f"{setting} is off"
        engine = open_database(url)
        migrate(engine)
        engine.dispose()


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(Refusal, match=r"state\.database"):
        open_database("mysql://localhost/vitrine")


def refused_by(url: str) -> str:
    """What is said of the database."""
    engine = open_database(url)
    with pytest.raises(Refusal) as refused:
        migrate(engine)
    engine.dispose()
    assert refused.value.code == "state.database"
    return str(refused.value.detail["what"])


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
def test_the_database_itself_keeps_spent_within_limits(ledger: str, wrong: dict[str, object]) -> None:
    engine = open_database(ledger)
    migrate(engine)
    with begin_write(engine) as connection:
        with connection.begin():
            connection.execute(text(ACCOUNT.format(**SOUND)))
            connection.execute(text("DELETE FROM accounts"))
        with pytest.raises(IntegrityError), connection.begin():
            connection.execute(text(ACCOUNT.format(**{**SOUND, **wrong})))
    engine.dispose()


@pytest.mark.parametrize(
    ("rest", "opened"),
    [
        ("/v", True),
        ("localhost/v", True),
        ("127.0.0.1:5433/v", True),
        ("[::1]/v", True),
        ("/v?host=/run/postgresql", True),
        ("db.example/v?sslmode=verify-full", True),
        ("a.example,b.example/v?sslmode=verify-full", True),
        ("db.example/v", False),
        ("db.example/v?sslmode=require", False),
        ("db.example/v?sslmode=verify-ca", False),
        ("192.0.2.1/v", False),
        ("/v?host=db.example", False),
        ("/v?host=/run/postgresql&host=db.example:5432", False),
        ("localhost/v?hostaddr=192.0.2.1", False),
        ("localhost,db.example/v", False),
        ("/v?service=elsewhere", False),
        ("db.example/v?sslmode=disable&sslmode=verify-full", False),
    ],
)
def test_another_host_is_spoken_to_over_checked_tls_alone(
    monkeypatch: pytest.MonkeyPatch, rest: str, opened: bool
) -> None:
    """Nothing is connected to yet."""
    for variable in ("PGHOST", "PGHOSTADDR", "PGSSLMODE", "PGSERVICE"):
        monkeypatch.delenv(variable, raising=False)
    url = f"postgresql+psycopg://vitrine@{rest}"
    if opened:
        open_database(url).dispose()
        return
    with pytest.raises(Refusal) as caught:
        open_database(url)
    assert caught.value.code == "state.database"


def test_what_the_environment_says_of_the_host_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    monkeypatch.delenv("PGSSLMODE", raising=False)
    with pytest.raises(Refusal):
        open_database("postgresql+psycopg:///v")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    open_database("postgresql+psycopg:///v").dispose()
