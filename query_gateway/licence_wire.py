"""The bodies of licences: what is granted, and what is left of it."""

from __future__ import annotations

from pydantic import Field

from query_gateway.shapes import Digest, Exact, Shape, Text
from query_gateway.wire import Balance


class Scenario(Shape):
    """What the data may be used for."""

    id: str
    title: Text


class Grant(Shape):
    """Columns that may be used."""

    dataset: str
    table: str
    columns: list[str]


class LicenceState(Shape):
    """A licence and what is left of it."""

    id: str
    institution: str
    mode: str
    agreement: Digest
    outputs: list[str]
    not_before: str
    not_after: str
    notion: str
    minimum_frequency: int | None = Field(default=None, description="No group of fewer units is released.")
    budget: dict[str, Exact | None]
    scenarios: list[Scenario]
    grants: list[Grant]
    state: str
    digest: Digest
    balance: list[Balance]


class Licences(Shape):
    """The licences of the caller's institution."""

    licences: list[LicenceState]
