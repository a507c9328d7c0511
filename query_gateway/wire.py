"""The bodies of requests and answers. They describe only: the gateway passes bodies on unread."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Exact = Annotated[str, Field(description="An exact decimal number.", examples=["0.5"])]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256, hex.")]


class Shape(BaseModel):
    """One object: exactly these fields."""

    model_config = ConfigDict(extra="forbid")


class Text(Shape):
    """In both languages."""

    zh: str
    en: str


class SpendEpsilon(Shape):
    """What the caller spends, as ε at the licence's δ."""

    epsilon: Exact | float


class SpendRho(Shape):
    """What the caller spends, as ρ of zero-concentrated differential privacy."""

    rho: Exact | float


class Bounds(Shape):
    """How much one unit may contribute."""

    groups: int = Field(ge=1, description="Groups that one unit touches.")
    rows: int = Field(ge=1, description="Rows of one unit in one group.")


class QueryBody(Shape):
    """A query. Everything that is charged or decided is read from these signed bytes."""

    licence: str
    scenario: str
    dataset: str
    sql: str = Field(examples=["SELECT edlevel, COUNT(*) AS records FROM records GROUP BY edlevel"])
    spend: SpendEpsilon | SpendRho
    bounds: Bounds | None = Field(default=None, description="Left out: as the card declares.")
    expected_size: int | None = Field(
        default=None, description="Rows that a group is assumed to have, for the half-widths of an estimate."
    )


class Amounts(Shape):
    """A privacy loss."""

    rho: Exact | None
    delta: Exact
    epsilon: Exact | None


class Spent(Amounts):
    """A side of a balance."""

    epsilon_at_delta: Exact | None = Field(description="The ε that ρ amounts to at the account's whole δ.")


class Balance(Shape):
    """One account. What is spent never comes back."""

    account: str
    kind: Literal["licence", "dataset", "domain"]
    spent: Spent
    limit: Spent
    more: int | None = Field(default=None, description="How many more such queries the account affords.")


class EstimatedColumn(Shape):
    """The error to expect in a column of the answer."""

    name: str
    half_width: float | None = Field(description="Of the interval; null where it depends on private counts.")
    assumed: bool = Field(description="Whether it rests on the expected size.")


class EstimateAnswer(Shape):
    """What a query would cost and how exact it would be. Free: nothing is charged, no data are touched."""

    charge: Amounts
    columns: list[EstimatedColumn]
    affordable: bool
    more: int
    balance: list[Balance]
    cells: int | None = Field(description="Groups of the answer, where they are known beforehand.")
    bounds: list[BoundsInForce]


class BoundsInForce(Shape):
    """What one unit's contribution to a measure is cut to."""

    measure: str
    groups: int
    rows: int
    fold: bool


class Column(Shape):
    """A column of the answer."""

    name: str
    type: str
    measured: bool = Field(description="Whether noise was added to it.")


class Mechanism(Shape):
    """One draw of noise."""

    measure: str
    statistic: str
    mechanism: str
    scale: Exact
    sensitivity: Exact
    loss: Amounts


class Privacy(Shape):
    """What was guaranteed, and how."""

    notion: str
    rho: Exact | None
    delta: Exact
    epsilon: Exact | None
    unit_domain: str
    mechanisms: list[Mechanism]
    bounds: list[BoundsInForce]


Cell = bool | int | float | str | None


class Release(Shape):
    """What left the sandbox. Its canonical JSON has the digest of the receipt."""

    dataset: str
    snapshot: Digest
    provider: Text
    acquired: str
    card_version: int
    columns: list[Column]
    rows: list[list[Cell]]
    intervals: list[list[tuple[float, float] | None]] = Field(description="Of each cell.")
    confidence: float
    privacy: Privacy


class Receipt(Shape):
    """The proof that the release stands in the log."""

    index: int
    entry: str
    proof: list[str]
    checkpoint: str


class QueryAnswer(Shape):
    """A released query."""

    id: str
    state: Literal["released"]
    digest: Digest
    release: Release
    charge: Amounts
    balance: list[Balance]
    receipt: Receipt


class QueryPending(Shape):
    """A query that is charged and under way: ask again at `Location`, or send the same request again."""

    id: str
    state: Literal["authorized"]


class Catalogue(Shape):
    """The data sets that the caller's institution may know of."""

    datasets: list[dict[str, object]]


class PastQuery(Shape):
    """A charged request."""

    model_config = ConfigDict(extra="allow")

    id: str
    time: int = Field(description="Milliseconds since 1970.")
    state: Literal["authorized", "released", "failed"]
    scenario: str
    dataset: str
    sql: str
    charge: Amounts | dict[str, object]


class History(Shape):
    """The caller's own charged requests, newest first."""

    queries: list[PastQuery]


class LicenceState(Shape):
    """A licence and what is left of it."""

    model_config = ConfigDict(extra="allow")

    id: str
    state: str
    institution: str
    not_after: str
    scenarios: list[dict[str, object]]
    grants: list[dict[str, object]]
    balance: list[Balance] | Balance


class Licences(Shape):
    """The licences of the caller's institution."""

    licences: list[LicenceState]


class Entries(Shape):
    """Entries of the log, base64."""

    model_config = ConfigDict(extra="allow")


class Proof(Shape):
    """A proof of the log's tree, base64."""

    model_config = ConfigDict(extra="allow")


class Health(Shape):
    """Whether the parts answer."""

    gateway: Literal["ok"]
    sandbox: Literal["ok", "unreachable"]


class PlaceInSql(Shape):
    """Characters [start, end) of the SQL; line and column are counted from 1."""

    start: int
    end: int
    line: int
    column: int
    fragment: str


class ProblemDocument(Shape):
    """Why a request was not carried out (RFC 9457). Made from request, card and policy only, never from data."""

    type: str
    title: str
    status: int
    code: str = Field(examples=["sql.unsupported"])
    detail: str = Field(description="In the language of Accept-Language.")
    detail_en: str
    detail_zh: str
    place: PlaceInSql | None = None
    rewrite: str | None = Field(default=None, description="A query that would be accepted.")
    id: str | None = Field(default=None, description="The charge, when one was made.")
    trace: str | None = Field(default=None, description="To name to the operator.")


class ProblemCode(Shape):
    """One code of the closed list."""

    code: str
    status: int
    en: str
    zh: str
