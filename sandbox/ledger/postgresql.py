"""PostgreSQL as the ledger: how its sessions are set, and what a server must be for commits to last and order to hold.

One statement decides who writes: every transaction that writes first locks the row of the log's head. Under READ
COMMITTED each later statement sees all that was committed before the lock was granted, so writers of all processes
follow one another as if there were one, and neither deadlocks nor serialization failures arise among them.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL

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

_SHOWN = text(
    "SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('fsync') AS fsync,"
    " current_setting('full_page_writes') AS full_page_writes, current_setting('synchronous_commit') AS commit,"
    " getdatabaseencoding() AS encoding, 'B'::text < 'a'::text AS ordered, pg_is_in_recovery() AS standby"
)


def open_postgresql(url: URL) -> Engine:
    """An engine whose commits are durable when they return, and whose connections are tried before they are used."""
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
