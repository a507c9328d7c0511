"""Opens the one database and brings its schema up to date. SQLite is the embedded default, PostgreSQL the other."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

from sandbox.errors import Fault, Refusal
from sandbox.ledger.postgresql import faults, open_postgresql
from sandbox.ledger.presence import none_serves

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
_WAL_IS_SAFE = (3, 51, 3)
"""Older versions of SQLite can corrupt the database when a WAL is reset."""
_DRIVERS = ("sqlite", "postgresql+psycopg")
_ALONE = text("SELECT pg_advisory_xact_lock(-1)")
"""Whoever looks at the schema in order to change it does so alone."""
_STORAGE = frozenset({errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EFBIG})
"""Errors of a file system that cannot be written."""
_BUSY = 60.0
"""Seconds that a connection waits for another's lock."""


def open_database(url: str) -> Engine:
    """An engine whose commits are durable when they return.

    Refuses state.database: neither SQLite nor PostgreSQL, or its driver is not installed.
    """
    parsed = make_url(url)
    if parsed.drivername not in _DRIVERS:
        raise Refusal("state.database", {"what": f"{parsed.drivername}; known are {', '.join(_DRIVERS)}"})
    if is_shared(url):
        try:
            return open_postgresql(parsed)
        except ModuleNotFoundError as error:
            raise Refusal("state.database", {"what": f"{error.name} is not installed"}) from None
    if parsed.database:
        os.close(os.open(parsed.database, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(parsed, connect_args={"timeout": _BUSY, "isolation_level": None})
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def is_shared(url: str) -> bool:
    """Whether several sandboxes may serve this database at the same time: PostgreSQL. SQLite is for one."""
    return make_url(url).get_backend_name() == "postgresql"


def copy_database(url: str, target: Path) -> None:
    """A copy of an embedded database in a new file, as it stands in one transaction, while others may write it."""
    engine = open_database(url)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    copy = sqlite3.connect(target)
    try:
        with engine.connect() as connection:
            opened = connection.connection.driver_connection
            if not isinstance(opened, sqlite3.Connection):
                raise Fault("only an embedded database is copied")
            opened.backup(copy)
    finally:
        copy.close()
        engine.dispose()


def place(url: str) -> str:
    """Where the database is, without who opens it and by which secret."""
    parsed = make_url(url)
    return f"{parsed.get_backend_name()}://{parsed.host or ''}:{parsed.port or ''}/{parsed.database or ''}"


def begin_write(engine: Engine) -> Connection:
    """A connection whose transactions take the write lock as they begin."""
    return engine.connect().execution_options(vitrine_write=True)


def migrate(engine: Engine) -> None:
    """The schema is the newest one.

    Refuses state.database: the server is not one whose commits last; state.busy: a sandbox serves an older schema.
    """
    with begin_write(engine) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            unfit = faults(connection)
            if unfit:
                raise Refusal("state.database", {"what": "; ".join(unfit)})
            connection.execute(_ALONE)
        if not _is_newest(connection):
            if not none_serves(connection):
                raise Refusal("state.busy")
            upgrade(connection, "head")


def upgrade(connection: Connection, revision: str) -> None:
    """The schema is that of a revision, within the caller's transaction."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _is_newest(connection: Connection) -> bool:
    known = MigrationContext.configure(connection).get_current_revision()
    return known is not None and known == ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def journal(version: tuple[int, ...]) -> tuple[str, str]:
    """Journal mode and synchronous level that lose no commit with this version of SQLite."""
    return ("WAL", "FULL") if version >= _WAL_IS_SAFE else ("PERSIST", "EXTRA")


def is_storage(error: Exception) -> bool:
    """Whether what failed is where the state is kept: a disk that is full, read-only or broken, a database away.

    Nothing of data, and nothing of what was asked, makes the difference.
    """
    if isinstance(error, OSError):
        return error.errno in _STORAGE
    return isinstance(error, OperationalError | InterfaceError | InternalError)


def cause(error: Exception) -> str:
    """What the operator's log says of an error: its kind, and the database's own words when that takes no work."""
    name = type(error).__name__
    return f"{name}: {error.orig}" if isinstance(error, OperationalError) else name


def _set_pragmas(connection: Any, _record: object) -> None:
    mode, synchronous = journal(sqlite3.sqlite_version_info)
    for pragma in (f"journal_mode={mode}", f"synchronous={synchronous}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("vitrine_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
