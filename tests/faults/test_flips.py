"""A thousand bits flipped, one at a time, in all that is kept: each is found out.

In sealed files, an exported log and its checkpoint a bit is any bit of the file. In the database it is a bit of a value
of any row and column that the log tells of (`UNTOLD` are the others): a page of SQLite has bytes that nothing reads.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import create_engine, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from sandbox.__main__ import _parser
from sandbox.audit.export import export
from sandbox.audit.verify import verify
from sandbox.datasets.dictionary import Dictionary
from sandbox.datasets.intake import dictionary_folder
from sandbox.errors import Refusal
from sandbox.ledger.reconciliation import UNTOLD, at_one_moment, differences
from sandbox.ledger.schema import accounts
from sandbox.registry import acts
from sandbox.state import StateFolder
from sandbox.workers.job import Side
from sandbox.workers.pool import FailureKind, WorkerFailure
from tests.privacy.test_batches import body as batch
from tests.support.answers import InProcess
from tests.support.broker_world import DEPARTMENT, LOG, BrokerWorld, broker_world, query
from tests.support.processes import Deployment
from tests.support.records import FULL

SEED = 20261125
COUNT = "SELECT COUNT(*) AS n FROM persons"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small history with an act of almost each kind."""
    folder = tmp_path_factory.mktemp("flips") / "world"
    folder.mkdir()
    with broker_world(folder, FULL, lambda _: InProcess()) as found:
        _live(found)
        with found.broker.engine.begin() as connection:
            assert differences(connection, LOG.public, DEPARTMENT.public_key()) == []
            export(connection, LOG.public, folder / "exported")
    return folder


def _live(world: BrokerWorld) -> None:
    spend = {"rho": "1"}
    assert world.ask(query(COUNT, spend), idempotency="first").status == 200
    assert world.ask(query(COUNT, spend)).status == 200
    assert world.ask(query(f"{COUNT} WHERE income > 5", spend, licence="P1").replace(b"rho", b"epsilon")).status == 200
    assert world.ask(query("SELECT COUNT(*) * 2 AS n FROM persons", spend)).status == 200
    assert world.ask(query(COUNT, spend, licence="L2")).status == 200
    assert (
        world.ask(batch((COUNT, "SELECT city, COUNT(*) AS n FROM persons GROUP BY 1")), "/v1/queries:batch").status
        == 200
    )
    assert world.ask(query("SELECT income FROM persons", spend)).status == 422
    assert world.ask(query(COUNT, spend), "/v1/estimates").status == 200
    _fail(world)
    world.add_person("zhao", "elsewhere", 4_000_000_000_000)
    for act, name in (
        (acts.suspend_licence, "L2"),
        (acts.revoke_person, "mallory"),
        (acts.revoke_institution, "elsewhere"),
    ):
        world.act(act, name)


def _fail(world: BrokerWorld) -> None:
    def failing(*_: object) -> None:
        raise WorkerFailure(FailureKind.ENGINE)

    runs = world.broker.runs
    object.__setattr__(runs, "run", failing)
    assert world.ask(query("SELECT COUNT(*) AS n FROM visits", {"rho": "1"})).status == 500
    object.__setattr__(runs, "run", world.engine)


def test_flips_of_the_database(world: Path) -> None:
    """400 of them; the database is compared with its log, as `vitrine audit check` does."""
    random = Random(SEED)
    with closing(sqlite3.connect(world / "vitrine.db")) as kept:
        with _copied(kept) as database:
            places = _places(database)
            assert not _differs(database)
        for number in range(400):
            with _copied(kept) as database:
                place = _flipped(database, random, places)
                assert _differs(database), f"flip {number}: {place}"
    assert len({(table, column) for table, column, _ in places}) >= 75


@contextmanager
def _copied(kept: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)) as database:
        kept.backup(database)
        yield database


def _differs(database: sqlite3.Connection) -> bool:
    try:
        with create_engine("sqlite://", creator=lambda: database, poolclass=StaticPool).connect() as connection:
            return bool(differences(connection, LOG.public, DEPARTMENT.public_key()))
    except SQLAlchemyError:
        return True  # a value that is none of its column's cannot be read


Place = tuple[str, str, int]


def _places(database: sqlite3.Connection) -> list[Place]:
    """Table, column and number of the row of every value that is told of."""
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [
        (table, column, row)
        for table in sorted(tables)
        if table != "alembic_version"
        for _, column, *_ in database.execute(f"PRAGMA table_info({table})")
        if column not in UNTOLD.get(table, ()) and column not in {"revoked_at", "time"}
        for row in range(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    ]


def _flipped(database: sqlite3.Connection, random: Random, places: list[Place]) -> Place:
    """One bit of one value is another; a flip that a unique index would not hold is drawn again."""
    columns = sorted({(table, column) for table, column, _ in places})
    database.execute("PRAGMA ignore_check_constraints = ON")
    while True:
        table, column = random.choice(columns)
        place = random.choice([each for each in places if each[:2] == (table, column)])
        keys = [name for _, name, _, _, _, key in database.execute(f"PRAGMA table_info({table})") if key]
        of = f"SELECT {', '.join(keys)}, {column} FROM {table} LIMIT 1 OFFSET {place[2]}"
        *key, value = database.execute(of).fetchone()
        where = " AND ".join(f"{name} IS ?" for name in keys)
        try:
            database.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (_other(random, value), *key))
        except sqlite3.IntegrityError:
            continue
        return place


def _other(random: Random, value: object) -> object:
    match value:
        case None:
            return 0
        case int():
            return value ^ 1 << random.randrange(1 if value in {0, 1} else 40)
        case str() | bytes():
            data = bytearray(value.encode() if isinstance(value, str) else value)
            data[random.randrange(len(data))] ^= 1 << random.randrange(7)  # a text stays one
            return data.decode("utf-8", "replace") if isinstance(value, str) else bytes(data)
    raise TypeError(value)


def _flip(path: Path, random: Random) -> int:
    data = bytearray(path.read_bytes())
    place = random.randrange(8 * len(data))
    data[place // 8] ^= 1 << place % 8
    path.write_bytes(data)
    return place


def test_flips_of_an_exported_log_and_its_checkpoint(world: Path) -> None:
    """300 of them, a third in the checkpoint; `vitrine audit verify` finds each."""
    random, directory = Random(SEED), world / "exported"
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    assert verify(directory, LOG.public, DEPARTMENT.public_key()).ok
    for number in range(300):
        path = directory / "checkpoint" if number % 3 == 0 else random.choice(files)
        kept = path.read_bytes()
        place = _flip(path, random)
        assert not verify(directory, LOG.public, DEPARTMENT.public_key()).ok, f"flip {number}: bit {place} of {path}"
        path.write_bytes(kept)
    assert verify(directory, LOG.public, DEPARTMENT.public_key()).ok


def test_flips_of_sealed_files(template: Path, tmp_path: Path) -> None:
    """300 of them: parts and manifest of a snapshot, segments of the dictionary, sealed keys, the vault's key."""
    random, folder = Random(SEED), tmp_path / "state"
    shutil.copytree(template, folder)
    files = sorted([*folder.rglob("*.sealed"), folder / "vault" / "vault.key"])
    assert len(files) >= 8
    _open(folder)
    for number in range(300):
        path = files[number % len(files)]
        kept = path.read_bytes()
        place = _flip(path, random)
        with pytest.raises(Refusal) as refused:
            _open(folder)
        assert refused.value.code == "vault.damaged", f"flip {number}: bit {place} of {path}"
        path.write_bytes(kept)
    _open(folder)


def _open(folder: Path) -> None:
    """Everything that a start and a load open."""
    state = StateFolder(folder)
    store, vault = state.snapshots, state.vault
    for path in (folder / "vault").glob("*.sealed"):
        vault.secret(path.stem)
    for snapshot in (folder / "snapshots").iterdir():
        try:
            store.open(snapshot.name)
            store.part(snapshot.name, Side.PRIVATE)
        finally:
            store.close()
    for domain in dictionary_folder(folder).iterdir():
        with ExitStack() as stack, Dictionary.locked(domain, domain.name, vault) as dictionary:
            dictionary.open_segments(stack)


def test_an_honest_history_differs_nowhere(ledger: str, tmp_path: Path) -> None:
    """On either kind of database; a balance that was reset does."""
    with broker_world(tmp_path, FULL, lambda _: InProcess(), ledger) as found:
        _live(found)
        with at_one_moment(found.broker.engine) as connection, connection.begin():
            assert differences(connection, LOG.public, DEPARTMENT.public_key()) == []
            connection.execute(update(accounts).where(accounts.c.id == "licence:L1").values(rho_spent=0))
            (reset,) = differences(connection, LOG.public, DEPARTMENT.public_key())
    assert (reset.table, reset.row, reset.column) == ("accounts", "licence:L1", "rho_spent")


def test_the_operator_is_told(clinic: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    """`vitrine audit check`: status 1 for a balance that was reset, which row and column, and no value."""
    options = _parser().parse_args(["audit", "check", "--json", "--state", str(clinic.path)])
    assert options.run(options) == 0
    with closing(sqlite3.connect(clinic.path / "vitrine.db")) as database, database:
        database.execute("UPDATE accounts SET rho_limit = 2 * rho_limit WHERE id = 'licence:L1'")
    capsys.readouterr()
    assert options.run(options) == 1
    assert json.loads(capsys.readouterr().out) == [{"table": "accounts", "row": "licence:L1", "column": "rho_limit"}]
    with closing(sqlite3.connect(clinic.path / "vitrine.db")) as database, database:
        database.execute("UPDATE accounts SET rho_limit = rho_limit / 2 WHERE id = 'licence:L1'")


def test_a_damaged_snapshot_is_not_served(clinic: Deployment) -> None:
    (path,) = (clinic.path / "snapshots").glob("*/private.sealed")
    kept = path.read_bytes()
    _flip(path, Random(SEED))
    clinic.launch()
    clinic.ended(1)
    assert "vault.damaged" in clinic.said
    path.write_bytes(kept)
