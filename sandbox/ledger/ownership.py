"""Who runs a charge: the sandbox that charged it, until that has ended and another takes the charge.

A run's result is taken from the owner alone, in the transaction that stores it. So a sandbox that was only thought to
have ended, stopped or cut off, can run on beside the new owner: nothing of it leaves.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, or_, select, update

from sandbox.errors import Fault
from sandbox.ledger.charges import Charge, State, find_charge, pending
from sandbox.ledger.presence import gone
from sandbox.ledger.schema import charges

_OWNER = select(charges.c.sandbox).where(charges.c.id == bindparam("charge"))
_OPEN_ELSEWHERE = select(func.count()).where(
    charges.c.state == State.AUTHORIZED,
    charges.c.follows.is_(None),
    or_(charges.c.sandbox.is_(None), charges.c.sandbox != bindparam("sandbox")),
)
_TAKE = update(charges).where(charges.c.id == bindparam("charge")).values(sandbox=bindparam("owner"))


def require_own(connection: Connection, charge: str, sandbox: int) -> None:
    """The charge is this sandbox's to run and to end. Faults when another took it."""
    if connection.scalar(_OWNER, {"charge": charge}) != sandbox:
        raise Fault("the charge is another sandbox's")


def open_elsewhere(connection: Connection, sandbox: int) -> bool:
    """Whether a charge without an end is another sandbox's."""
    return connection.scalar(_OPEN_ELSEWHERE, {"sandbox": sandbox}) != 0


def take(connection: Connection, charge: str, sandbox: int) -> Charge | None:
    """The open charge is this sandbox's from now on; None when it has ended, or another that lives runs it."""
    found = find_charge(connection, charge)
    if found is None or found.state is not State.AUTHORIZED or found.follows is not None:
        return None
    if found.sandbox is not None and found.sandbox != sandbox and not gone(connection, found.sandbox):
        return None
    connection.execute(_TAKE, {"charge": charge, "owner": sandbox})
    return found


def take_left(connection: Connection, sandbox: int) -> tuple[Charge, ...]:
    """Every open charge of sandboxes that have ended is this one's from now on, oldest first."""
    left = [each for each in pending(connection) if each.sandbox != sandbox]
    return tuple(each for each in left if take(connection, each.id, sandbox) is not None)
