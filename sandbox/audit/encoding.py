"""An entry's bytes: a 16-byte random salt and the canonical JSON of its record, less than 64 KiB together.

The salt keeps the content of a leaf from being guessed from its hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from sandbox.audit.entry import (
    AccountLimited,
    AccountOpened,
    Act,
    DatasetDestroyed,
    DatasetLoaded,
    DatasetWithdrawn,
    Entry,
    Estimated,
    Header,
    Limited,
    LogRestarted,
    QueryAuthorized,
    QueryDryRun,
    QueryFailed,
    QueryReleased,
    QueryRepeated,
    QueryReused,
    Read,
    Refused,
    ServiceStarted,
    ServiceStopped,
    StateRestored,
    VaultRotated,
)
from sandbox.audit.forms import Malformed, bodies, canonical, parse, read, write
from sandbox.audit.registry_acts import (
    InstitutionAdded,
    InstitutionRevoked,
    KeyRegistered,
    KeyRevoked,
    LicenceIssued,
    LicenceResumed,
    LicenceRevoked,
    LicenceSuspended,
    PersonAdded,
    PersonRevoked,
)

VERSION = 1
SALT_SIZE = 16
MAX_ENTRY = 65_535
"""Bytes, salt included: an entry bundle gives each entry a 16-bit length."""


class Signing(StrEnum):
    """Whether an act's entry carries the actor's signed request."""

    ALWAYS = "always"
    """An authenticated act of a person."""
    EITHER = "either"
    """Asked for by a signed request, or by the operator at the host's own terminal."""
    NEVER = "never"
    """The service's own."""


ACTS: Mapping[str, tuple[type[Act], Signing]] = {
    "query.authorized": (QueryAuthorized, Signing.ALWAYS),
    "query.released": (QueryReleased, Signing.NEVER),
    "query.failed": (QueryFailed, Signing.NEVER),
    "query.reused": (QueryReused, Signing.ALWAYS),
    "query.repeated": (QueryRepeated, Signing.ALWAYS),
    "query.dry_run": (QueryDryRun, Signing.ALWAYS),
    "estimate": (Estimated, Signing.ALWAYS),
    "refusal": (Refused, Signing.ALWAYS),
    "limited": (Limited, Signing.ALWAYS),
    "read": (Read, Signing.ALWAYS),
    "institution.added": (InstitutionAdded, Signing.EITHER),
    "person.added": (PersonAdded, Signing.EITHER),
    "institution.revoked": (InstitutionRevoked, Signing.EITHER),
    "person.revoked": (PersonRevoked, Signing.EITHER),
    "key.registered": (KeyRegistered, Signing.EITHER),
    "key.revoked": (KeyRevoked, Signing.EITHER),
    "licence.issued": (LicenceIssued, Signing.EITHER),
    "licence.suspended": (LicenceSuspended, Signing.EITHER),
    "licence.resumed": (LicenceResumed, Signing.EITHER),
    "licence.revoked": (LicenceRevoked, Signing.EITHER),
    "dataset.loaded": (DatasetLoaded, Signing.EITHER),
    "dataset.withdrawn": (DatasetWithdrawn, Signing.EITHER),
    "dataset.destroyed": (DatasetDestroyed, Signing.EITHER),
    "vault.rotated": (VaultRotated, Signing.EITHER),
    "state.restored": (StateRestored, Signing.EITHER),
    "log.restarted": (LogRestarted, Signing.EITHER),
    "account.opened": (AccountOpened, Signing.EITHER),
    "account.limited": (AccountLimited, Signing.EITHER),
    "service.started": (ServiceStarted, Signing.NEVER),
    "service.stopped": (ServiceStopped, Signing.NEVER),
}
"""The closed list of kinds."""

_KINDS = {kind: (name, signing) for name, (kind, signing) in ACTS.items()}
_BODIES = {kind: bodies(kind) for kind, _ in ACTS.values()}


def kind_of(entry: Entry) -> str:
    """The name of the entry's act."""
    return _KINDS[type(entry.act)][0]


def texts_of(entry: Entry) -> list[str]:
    """SHA-256 of the texts that stand beside the log for this entry."""
    return _BODIES[type(entry.act)](entry.act)


def encode(entry: Entry, salt: bytes) -> bytes:
    """The entry's bytes; Malformed when it is not of the schema or too large."""
    if len(salt) != SALT_SIZE:
        raise Malformed("the salt has 16 bytes")
    _check_signing(entry)
    head = write(entry.header)
    text = canonical({"version": VERSION, "act": kind_of(entry), "body": write(entry.act), "header": head})
    if SALT_SIZE + len(text) > MAX_ENTRY:
        raise Malformed("the entry is too large")
    return salt + text


def decode(data: bytes) -> Entry:
    """The entry that has exactly these bytes, or Malformed."""
    if not SALT_SIZE < len(data) <= MAX_ENTRY:
        raise Malformed("not the size of an entry")
    match parse(data[SALT_SIZE:]):
        case {"version": version, "act": str(kind), "header": header, "body": body, **rest}:
            if type(version) is not int or version != VERSION or rest or kind not in ACTS:
                raise Malformed("an entry of an unknown version or kind")
            entry = Entry(read(Header, header), read(ACTS[kind][0], body))
        case _:
            raise Malformed("not an entry")
    _check_signing(entry)
    return entry


def _check_signing(entry: Entry) -> None:
    """An act of a person carries who and the signed request, both or, where it may be, neither."""
    actor, request = entry.header.actor is not None, entry.header.request is not None
    match _KINDS[type(entry.act)][1]:
        case Signing.ALWAYS if not (actor and request):
            raise Malformed("an act of a person without the person's signed request")
        case Signing.EITHER if actor is not request:
            raise Malformed("an actor without a signed request, or a signed request without an actor")
        case Signing.NEVER if request:
            raise Malformed("a signed request in an entry of the service's own")
        case _:
            return
