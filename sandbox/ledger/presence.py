"""Which sandboxes live: on PostgreSQL each holds a lock that the database frees when its process or host is gone.

A sandbox is known by the leaf of its start. Nothing rests on the lock but who runs a charge again and when: what a run
may release is decided by the charge's own row (`sandbox.ledger.ownership`).
"""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

_HOLD = text("SELECT pg_try_advisory_lock(:sandbox)")
_SERVING = text("SELECT pg_advisory_lock_shared(-2)")
_FREE = text("SELECT pg_try_advisory_xact_lock(:sandbox)")
_NONE_SERVES = text("SELECT pg_try_advisory_xact_lock(-2)")


class Presence:
    """The word of one sandbox that it lives, until `close` or its end. On SQLite it is the lock of the state folder."""

    def __init__(self, engine: Engine, sandbox: int) -> None:
        self._engine = engine
        self._sandbox = sandbox
        self._connection: Connection | None = None
        self.renew()

    def renew(self) -> None:
        """Holds the lock again where its connection was lost; when the former one still holds it, the next time."""
        if self._engine.dialect.name != "postgresql" or self._holds():
            return
        self.close()
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # it ends with this object and never goes back to the pool
        if connection.scalar(_HOLD, {"sandbox": self._sandbox}):
            connection.execute(_SERVING)
            self._connection = connection
        else:
            connection.close()

    def close(self) -> None:
        """The sandbox runs nothing any more."""
        if self._connection is not None:
            with suppress(DBAPIError):
                self._connection.close()
            self._connection = None

    def _holds(self) -> bool:
        if self._connection is None:
            return False
        try:
            return self._connection.scalar(text("SELECT true")) is True
        except DBAPIError:
            return False


def gone(connection: Connection, sandbox: int) -> bool:
    """Whether that sandbox has ended or cannot be heard of. It cannot say that it lives before this transaction ends.

    SQLite is served by one sandbox at a time: every other has ended.
    """
    return connection.dialect.name != "postgresql" or connection.scalar(_FREE, {"sandbox": sandbox}) is True


def none_serves(connection: Connection) -> bool:
    """Whether no sandbox serves the database; none begins before this transaction ends."""
    return connection.dialect.name != "postgresql" or connection.scalar(_NONE_SERVES) is True
