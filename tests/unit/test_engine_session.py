"""The engine session: files by descriptor, locked before the first job, silent about why one failed."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Iterator
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

from sandbox.engines.duckdb import EngineError, Session
from sandbox.plan.nodes import Scalar, Type
from sandbox.workers.job import Job, Limits, Table

LIMITS = Limits(threads=2, megabytes=200)
T = Type.TEXT


@contextlib.contextmanager
def session_in(folder: Path) -> Iterator[Session]:
    """A session over two small files, which are gone from the folder by then."""
    descriptors = []
    for name in ("private", "public"):
        path = folder / f"{name}.db"
        with duckdb.connect(str(path)) as engine:
            engine.execute(f"CREATE TABLE t0 AS SELECT range AS c0, '{name}' AS c1 FROM range(10)")
        descriptors.append(os.open(path, os.O_RDONLY))
        path.unlink()
    private, public = (f"/proc/self/fd/{descriptor}" for descriptor in descriptors)
    yield Session([(private, public), (None, public)], LIMITS)
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with session_in(tmp_path) as found:
        yield found


def job(
    sql: str, *columns: Type, parameters: tuple[Scalar, ...] = (), tables: tuple[Table, ...] = (), rows: int = 100
) -> Job:
    return Job(sql, parameters, tables, columns, rows, 10.0)


def test_every_part_is_attached_under_its_number(session: Session) -> None:
    sources = ", ".join(f"(FROM {one}.main.t0 WHERE c0 = 0) {one}" for one in ("private0", "public0", "public1"))
    sql = f"SELECT private0.c1, public0.c1, public1.c1 FROM {sources}"
    assert session.run(job(sql, T, T, T)).rows == (("private", "public", "public"),)
    with pytest.raises(EngineError):
        session.run(job("SELECT c1 FROM private1.main.t0", T))


VALUES: tuple[tuple[Type, Scalar], ...] = (
    (Type.BOOLEAN, True),
    (Type.INTEGER, -(2**63)),
    (Type.DOUBLE, Fraction(1, 10)),
    (Type.TEXT, "O'Brien 内科 $1"),
    (Type.DATE, date(1, 1, 1)),
    (Type.TIMESTAMP, datetime.fromisoformat("9999-12-31T23:59:59.999999")),
)


def test_values_go_in_and_come_back(session: Session) -> None:
    types, values = zip(*VALUES, strict=True)
    names = {Type.INTEGER: "BIGINT", Type.TEXT: "VARCHAR"}
    sql = "SELECT " + ", ".join(f"CAST(${i} AS {names.get(one, one)})" for i, one in enumerate(types, 1))
    exact = tuple(Fraction(float(one)) if isinstance(one, Fraction) else one for one in values)
    assert session.run(job(sql, *types, parameters=values)).rows == (exact,)
    assert session.run(job(sql, *types, parameters=(None,) * len(types))).rows == ((None,) * len(types),)


def test_released_tables_keep_their_order_and_last_one_job(session: Session) -> None:
    types, values = zip(*VALUES, strict=True)
    rows = (values, (None,) * len(values), values)
    table = Table("m1", tuple((f"c{i}", one) for i, one in enumerate(types)), rows)
    found = session.run(job('FROM "temp".main."m1"', *types, tables=(table,))).rows
    assert [row[3] for row in found] == ["O'Brien 内科 $1", None, "O'Brien 内科 $1"]
    assert session.run(
        job('SELECT count(*) FROM "temp".main."m1"', Type.INTEGER, tables=(Table("m1", (("c", T),), ()),))
    ).rows == ((0,),)
    with pytest.raises(EngineError):
        session.run(job('FROM "temp".main."m1"', *types))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/passwd'",
        "ATTACH '/tmp/elsewhere.db' AS elsewhere",
        "COPY (SELECT 1) TO '/tmp/elsewhere.csv'",
        "SET threads = 8",
        "SET GLOBAL enable_external_access = true",
        "SET lock_configuration = false",
        "SET TimeZone = 'Asia/Shanghai'",
        "INSTALL httpfs",
        "LOAD '/tmp/elsewhere.duckdb_extension'",
        "INSERT INTO private0.main.t0 VALUES (1, 'x')",
        "DROP TABLE public0.main.t0",
        "PRAGMA temp_directory='/tmp'",
    ],
)
def test_nothing_outside_can_be_reached_or_set(session: Session, sql: str) -> None:
    with pytest.raises(EngineError):
        session.run(job(sql, T))


@pytest.mark.parametrize(
    ("sql", "columns", "rows"),
    [
        ("SELECT 1 // (c0 - 5) FROM private0.main.t0", (Type.INTEGER,), 100),
        ("SELECT CAST('secret' AS BIGINT)", (Type.INTEGER,), 100),
        ("SELECT error('secret')", (T,), 100),
        ("SELECT nothing", (T,), 100),
        ("SELECT 1::INTEGER", (Type.INTEGER,), 100),
        ("SELECT 1::HUGEINT", (Type.INTEGER,), 100),
        ("SELECT 'x'", (Type.INTEGER,), 100),
        ("SELECT 'x', 'y'", (T,), 100),
        ("SELECT 'nan'::DOUBLE", (Type.DOUBLE,), 100),
        ("SELECT '-infinity'::DOUBLE", (Type.DOUBLE,), 100),
        ("SELECT c0 FROM private0.main.t0", (Type.INTEGER,), 9),
    ],
)
def test_a_failure_carries_no_text(session: Session, sql: str, columns: tuple[Type, ...], rows: int) -> None:
    with pytest.raises(EngineError) as failed:
        session.run(job(sql, *columns, rows=rows))
    assert not failed.value.memory
    assert str(failed.value) == ""
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__ or failed.value.__context__ is None
    assert "secret" not in "".join(traceback.format_exception_only(failed.value))
    assert session.run(job("SELECT 'alive'", T)).rows == (("alive",),)


def test_memory_that_runs_out_is_told_apart(session: Session) -> None:
    sql = "SELECT count(*) FROM (SELECT DISTINCT a.range * 100000 + b.range FROM range(100000) a, range(1000) b)"
    with pytest.raises(EngineError) as failed:
        session.run(job(sql, Type.INTEGER))
    assert failed.value.memory


def test_sessions_run_in_utc_with_binary_collation(session: Session) -> None:
    """Rule 15."""
    sql = "SELECT current_setting('TimeZone'), CAST('a' < 'B' AS VARCHAR), CAST(NULL < 1 AS VARCHAR)"
    assert session.run(job(sql, T, T, T)).rows == (("UTC", "false", None),)


def test_an_engine_that_cannot_start_says_no_more() -> None:
    with pytest.raises(EngineError):
        Session([(None, "/proc/self/fd/9999")], LIMITS)
