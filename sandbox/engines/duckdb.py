"""DuckDB over a snapshot's files: locked down before the first job, and silent about why one failed.

The only module beside the load that imports the engine. It runs in a worker that can be killed at any time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime
from fractions import Fraction

import duckdb

from sandbox.plan.nodes import Scalar, Type
from sandbox.workers.job import Job, Limits, Rows, Table

STORED = {
    Type.BOOLEAN: "BOOLEAN",
    Type.INTEGER: "BIGINT",
    Type.DOUBLE: "DOUBLE",
    Type.TEXT: "VARCHAR",
    Type.DATE: "DATE",
    Type.TIMESTAMP: "TIMESTAMP",
}


_AT_ONCE = 10_000
"""Rows taken from the engine at a time."""


class EngineError(Exception):
    """A job failed. It carries no text: what an engine says can hold values of records."""

    def __init__(self, *, memory: bool = False) -> None:
        super().__init__()
        self.memory = memory
        """Whether memory ran out."""


class Session:
    """One engine over the files of a plan's data sets: `private{k}` and `public{k}`, attached read-only, then locked.

    Nothing can be attached, read, written, loaded or set afterwards. Every job has a connection of its own.
    """

    def __init__(self, parts: Sequence[tuple[str | None, str]], limits: Limits) -> None:
        """`parts` are the paths of each data set's private file, if held, and of its public one.

        Raises EngineError.
        """
        try:
            self._connection = duckdb.connect(":memory:")
            for number, (private, public) in enumerate(parts):
                if private is not None:
                    self._attach(private, f"private{number}")
                self._attach(public, f"public{number}")
            for statement in _lock(limits):
                self._connection.execute(statement)
        except duckdb.Error as error:
            raise EngineError(memory=isinstance(error, duckdb.OutOfMemoryException)) from None

    def _attach(self, path: str, catalog: str) -> None:
        quoted = path.replace("'", "''")
        self._connection.execute(f"ATTACH '{quoted}' AS {catalog} (READ_ONLY)")

    def run(self, job: Job) -> Rows:
        """The job's rows, of the types and at most the number that it declares. Raises EngineError."""
        return Rows(tuple(self.rows(job)))

    def rows(self, job: Job) -> Iterator[tuple[Scalar, ...]]:
        """As `run`, one after the other; raises EngineError whenever it does not go on."""
        try:
            with closing(self._connection.cursor()) as cursor:
                for table in job.tables:
                    create(cursor, table)
                cursor.execute(job.sql, [_bound(value) for value in job.parameters])
                if [str(column[1]) for column in cursor.description or ()] != [STORED[type_] for type_ in job.columns]:
                    raise EngineError
                left = job.max_rows
                while rows := cursor.fetchmany(_AT_ONCE):
                    left -= len(rows)
                    if left < 0:
                        raise EngineError
                    yield from (tuple(map(_plain, job.columns, row)) for row in rows)
        except duckdb.Error as error:
            raise EngineError(memory=isinstance(error, duckdb.OutOfMemoryException)) from None


def _lock(limits: Limits) -> tuple[str, ...]:
    """In this order: the other way round would leave external access on."""
    return (
        "SET GLOBAL TimeZone = 'UTC'",
        "SET GLOBAL temp_directory = ''",
        "SET GLOBAL enable_external_access = false",
        "SET GLOBAL disabled_filesystems = 'LocalFileSystem'",
        f"SET GLOBAL threads = {limits.threads}",
        f"SET GLOBAL memory_limit = '{limits.megabytes}MiB'",
        "SET GLOBAL lock_configuration = true",
    )


def create(cursor: duckdb.DuckDBPyConnection, table: Table) -> None:
    """The table, in its rows' order, for this connection only. Names are generated ones."""
    columns = ", ".join(f'"{name}" {STORED[type_]}' for name, type_ in table.columns)
    cursor.execute(f'CREATE TEMP TABLE "{table.name}" ({columns})')
    if not table.rows:
        return
    lists = [[_bound(row[place]) for row in table.rows] for place in range(len(table.columns))]
    unnested = ", ".join(
        f"UNNEST(CAST(${place} AS {STORED[type_]}[]))" for place, (_, type_) in enumerate(table.columns, 1)
    )
    cursor.execute(f'INSERT INTO "{table.name}" SELECT {unnested}', lists)


def _bound(value: Scalar) -> bool | int | float | str | date | datetime | None:
    """A value as the engine takes it: a DOUBLE is the nearest 64-bit number."""
    return float(value) if isinstance(value, Fraction) else value


def _plain(type_: Type, value: object) -> Scalar:
    """A value as the plan language knows it. Raises EngineError for one outside it."""
    match type_, value:
        case _, None:
            return None
        case Type.DOUBLE, float() if math.isfinite(value):
            return Fraction(value)
        case Type.BOOLEAN, bool():
            return value
        case Type.INTEGER, int():
            return value
        case Type.TEXT, str():
            return value
        case Type.TIMESTAMP, datetime():
            return value
        case Type.DATE, date():
            return value
        case _:
            raise EngineError
