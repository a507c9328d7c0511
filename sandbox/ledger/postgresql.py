"""PostgreSQL as the ledger: how its sessions are set, and what a server must be for commits to last and order to hold.

One statement decides who writes: every transaction that writes first locks the row of the log's head. Under READ
COMMITTED each later statement sees all that was committed before the lock was granted, so writers of all processes
follow one another as if there were one, and neither deadlocks nor serialization failures arise among them.
"""

from __future__ import annotations

import os

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from sandbox.errors import Refusal
from sandbox.hosts import is_this_host

OLDEST = 14
"""The oldest major version."""
CONNECTIONS = 48
"""The most connections of one process; more wait."""
_KEPT = 16
"""Connections that stay open."""
_WAIT = 60
"""Seconds that a statement waits for another's lock, and that a transaction may stand still: a process that was stopped
holds nobody up for longer."""
_SESSION = {
    "synchronous_commit": "on",
    "lock_timeout": f"{_WAIT}s",
    "idle_in_transaction_session_timeout": f"{_WAIT}s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
"""Whatever server, database or role say."""
_LINE = {
    "application_name": "vitrine",
    "client_encoding": "utf8",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""A host that is gone is found out in half a minute, from either end."""

_IN_THE_WAY = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: none arises among writers, but an administrator's statement may meet them."""

_SHOWN = text(
    "SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('fsync') AS fsync,"
    " current_setting('full_page_writes') AS full_page_writes, current_setting('synchronous_commit') AS commit,"
    " getdatabaseencoding() AS encoding, 'B'::text < 'a'::text AS ordered, pg_is_in_recovery() AS standby"
)


def open_postgresql(url: URL) -> Engine:
    """An engine whose commits are durable when they return, and whose connections are tried before they are used.

    Refuses state.database: what is said to another host could be read, or answered by others, on the way.
    """
    if _is_open(url):
        raise Refusal("state.database", {"what": "on another host it takes ?sslmode=verify-full"})
    options = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    return create_engine(
        url,
        connect_args={**_LINE, "options": options},
        isolation_level="READ COMMITTED",
        pool_size=_KEPT,
        max_overflow=CONNECTIONS - _KEPT,
        pool_timeout=_WAIT,
        pool_pre_ping=True,
    )


def is_undone(error: DBAPIError) -> bool:
    """Whether a transaction that failed before its commit was undone by no fault of its own: another was in its way, or
    its connection was lost."""
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _IN_THE_WAY


def _is_open(url: URL) -> bool:
    """Whether connections leave this host without a certificate that is checked. As libpq reads the URL and, where it
    says nothing, the environment."""

    def said(name: str, variable: str) -> str:
        found = url.query.get(name, os.environ.get(variable, ""))
        return found if isinstance(found, str) else ",".join(found)

    if said("sslmode", "PGSSLMODE") == "verify-full":
        return False
    if said("service", "PGSERVICE"):
        return True
    hosts = [*(url.host or said("host", "PGHOST")).split(","), *said("hostaddr", "PGHOSTADDR").split(",")]
    return not all(each == "" or each.startswith(("/", "@")) or is_this_host(each) for each in hosts)


def faults(connection: Connection) -> tuple[str, ...]:
    """Why this server or database cannot keep the ledger; nothing when it can."""
    found = connection.execute(_SHOWN).one()
    wrong = {
        f"PostgreSQL {found.version} is older than {OLDEST}": found.version < OLDEST,
        "fsync is off": found.fsync != "on",
        "full_page_writes is off": found.full_page_writes != "on",
        f"synchronous_commit is {found.commit}": found.commit != "on",
        f"its encoding is {found.encoding}, not UTF8": found.encoding != "UTF8",
        "it does not order texts by code point (locale C)": not found.ordered,
        "it is a standby": found.standby,
    }
    return tuple(fault for fault, there in wrong.items() if there)
