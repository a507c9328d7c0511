"""A ledger that has lost charges: it is closed, so that nothing is paid twice over, and says so in the log."""

from __future__ import annotations

from sqlalchemy import Connection, update

from sandbox.audit.entry import Entry, Header, LogRestarted
from sandbox.audit.log import append
from sandbox.ledger.charges import pending
from sandbox.ledger.schema import accounts, restarts
from sandbox.ledger.transactions import withhold


def restart_log(connection: Connection, header: Header, former: str, told: int | None) -> int:
    """Every account is closed at what is known to be spent, what is open is withheld, and the log says so; the number
    of entries before.

    What was open may have been answered by what is lost: run again, it would be released with other noise.
    """
    for charge in pending(connection):
        withhold(connection, charge.id, header.time)
    connection.execute(
        update(accounts).values(
            rho_limit=accounts.c.rho_spent, delta_limit=accounts.c.delta_spent, epsilon_limit=accounts.c.epsilon_spent
        )
    )
    leaf = append(connection, Entry(header, LogRestarted(former, told)))
    connection.execute(restarts.insert().values(leaf=leaf))
    return leaf
