"""Nonces: each signed request acts once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from sandbox.errors import Refusal
from sandbox.ledger.schema import nonces


@dataclass(frozen=True, slots=True)
class Nonce:
    """The nonce of one signature by one key."""

    key_id: str
    value: str
    expires: int
    """Milliseconds; no signature with this nonce is accepted after it."""


def consume(connection: Connection, nonce: Nonce, at: int) -> None:
    """The nonce is used up; those that can no longer be replayed are forgotten.

    Refuses: identity.replayed.
    """
    connection.execute(delete(nonces).where(nonces.c.expires < at))
    used = connection.scalar(
        select(nonces.c.expires).where(nonces.c.key_id == nonce.key_id, nonces.c.nonce == nonce.value)
    )
    if used is not None or nonce.expires < at:
        raise Refusal("identity.replayed")
    connection.execute(nonces.insert().values(key_id=nonce.key_id, nonce=nonce.value, expires=nonce.expires))
