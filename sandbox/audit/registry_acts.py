"""Acts of the log about institutions, people, their signing keys and their licences."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.audit.forms import Body, Milliseconds, Name, PublicKey
from sandbox.audit.records import OpenedAccount


@dataclass(frozen=True, slots=True)
class InstitutionAdded:
    institution: Name
    title: Name


@dataclass(frozen=True, slots=True)
class PersonAdded:
    person: Name
    institution: Name
    roles: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class InstitutionRevoked:
    """An institution, with its people and their signing keys, acts no more."""

    institution: Name


@dataclass(frozen=True, slots=True)
class PersonRevoked:
    """A person, with their signing keys, acts no more."""

    person: Name
    institution: Name


@dataclass(frozen=True, slots=True)
class KeyRegistered:
    key: Name
    person: Name
    public_key: PublicKey
    expires: Milliseconds


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    key: Name
    person: Name


@dataclass(frozen=True, slots=True)
class LicenceIssued:
    licence: Name
    institution: Name
    file: Body
    """The signed licence."""
    opened: tuple[OpenedAccount, ...]


@dataclass(frozen=True, slots=True)
class LicenceSuspended:
    licence: Name


@dataclass(frozen=True, slots=True)
class LicenceResumed:
    licence: Name


@dataclass(frozen=True, slots=True)
class LicenceRevoked:
    licence: Name
