"""Whether a decision still stands: read again inside the transaction that acts on it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from policies.rules import State
from sandbox.errors import Refusal
from sandbox.registry.schema import bundles, keys, licences, people, snapshots

_SIGNER = (
    select(keys.c.expires_at, keys.c.revoked_at)
    .join(people, people.c.id == keys.c.person)
    .where(
        keys.c.id == bindparam("key"),
        people.c.id == bindparam("person"),
        people.c.institution == bindparam("institution"),
    )
)
_LICENCE = select(licences.c.state, licences.c.not_before, licences.c.not_after).where(
    licences.c.id == bindparam("licence"),
    licences.c.digest == bindparam("digest"),
    licences.c.institution == bindparam("institution"),
)
_LICENCE_STATE = select(licences.c.state).where(licences.c.id == bindparam("licence"))
_BUNDLE_STATE = select(bundles.c.state).where(bundles.c.digest == bindparam("digest"))
_SNAPSHOT_STATES = select(snapshots.c.id, snapshots.c.state).where(
    snapshots.c.id.in_(bindparam("snapshots", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a decision rested on."""

    institution: str
    person: str
    key_id: str
    licence: str
    licence_digest: str
    """SHA-256 of the signed licence file, hex."""
    snapshots: tuple[tuple[str, str], ...]
    """(data set, snapshot id), one for each data set of the plan."""
    bundle: str
    """Digest of the policy bundle."""


def require_signer(connection: Connection, institution: str, person: str, key_id: str, at: int) -> None:
    """The signing key is in force and belongs to this person of this institution.

    Refuses: identity.unknown_key, identity.key_revoked, identity.key_expired.
    """
    row = connection.execute(_SIGNER, {"key": key_id, "person": person, "institution": institution}).one_or_none()
    if row is None:
        raise Refusal("identity.unknown_key")
    if row.revoked_at is not None:
        raise Refusal("identity.key_revoked")
    if at >= row.expires_at:
        raise Refusal("identity.key_expired")


def require_licence(connection: Connection, licence: str, digest: str, institution: str, at: int) -> None:
    """The licence is the file that was judged, active and within its term.

    Refuses: licence.unknown, licence.suspended, licence.revoked, licence.not_yet, licence.expired.
    """
    row = connection.execute(_LICENCE, {"licence": licence, "digest": digest, "institution": institution}).one_or_none()
    if row is None:
        raise Refusal("licence.unknown", {"licence": licence})
    _require_active(licence, row.state)
    if at < row.not_before:
        raise Refusal("licence.not_yet", {"licence": licence})
    if at >= row.not_after:
        raise Refusal("licence.expired", {"licence": licence})


def require_versions(connection: Connection, standing: Standing) -> None:
    """The snapshots and the policy bundle of the decision are still the current ones.

    Refuses: dataset.withdrawn, state.changed.
    """
    states = _states(connection, standing.snapshots)
    for dataset, snapshot in standing.snapshots:
        if states[snapshot] != "current":
            raise Refusal("state.changed", {"what": dataset})
    if connection.scalar(_BUNDLE_STATE, {"digest": standing.bundle}) != "current":
        raise Refusal("state.changed", {"what": "policy"})


def require_releasable(
    connection: Connection,
    institution: str,
    person: str,
    key_id: str,
    licence: str,
    used: tuple[tuple[str, str], ...],
) -> None:
    """Nothing that a charge rested on was suspended, revoked or withdrawn since. A term or snapshot that merely ended
    withholds nothing.

    Refuses: identity.unknown_key, identity.key_revoked, licence.*, dataset.withdrawn.
    """
    require_signer(connection, institution, person, key_id, at=0)
    _require_active(licence, connection.scalar(_LICENCE_STATE, {"licence": licence}))
    _states(connection, used)


def _require_active(licence: str, state: str | None) -> None:
    if state == State.SUSPENDED:
        raise Refusal("licence.suspended", {"licence": licence})
    if state != State.ACTIVE:
        raise Refusal("licence.revoked", {"licence": licence})


def _states(connection: Connection, used: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """The state of each snapshot, none of them withdrawn."""
    asked = {"snapshots": [snapshot for _, snapshot in used]}
    states = {row.id: row.state for row in connection.execute(_SNAPSHOT_STATES, asked)}
    for dataset, snapshot in used:
        if states.get(snapshot) in (None, State.WITHDRAWN):
            raise Refusal("dataset.withdrawn", {"dataset": dataset})
    return states
