"""Nonces: each signed request acts once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, or_, select

from sandbox.errors import Refusal
from sandbox.ledger.schema import nonces
from sandbox.registry.schema import keys

_USED = select(nonces.c.nonce).where(nonces.c.key_id == bindparam("key"), nonces.c.nonce == bindparam("value"))
_USE = nonces.insert()


@dataclass(frozen=True, slots=True)
class Nonce:
    """The nonce of one signature by one signing key."""

    key_id: str
    value: str


def used(connection: Connection, nonce: Nonce) -> bool:
    """Whether the nonce is used up."""
    return connection.scalar(_USED, {"key": nonce.key_id, "value": nonce.value}) is not None


def consume(connection: Connection, nonce: Nonce) -> None:
    """The nonce is used up.

    Refuses: identity.replayed.
    """
    if used(connection, nonce):
        raise Refusal("identity.replayed")
    connection.execute(_USE, {"key_id": nonce.key_id, "nonce": nonce.value})


def purge(connection: Connection, at: int) -> None:
    """Nonces are forgotten of signing keys that can never sign again."""
    gone = select(keys.c.id).where(or_(keys.c.expires_at <= at, keys.c.revoked_at.is_not(None)))
    connection.execute(delete(nonces).where(nonces.c.key_id.in_(gone)))
