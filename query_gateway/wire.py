"""The bodies of answers. They describe only: the gateway passes bodies on unread."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from query_gateway.request_wire import (
    SpendEpsilon,
    SpendRho,
)
from query_gateway.shapes import Digest, Exact, Shape, Text


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
    more: int | None = Field(default=None, description="How many more such queries the account affords; null: any.")


class EstimatedColumn(Shape):
    """The error to expect in a column of the answer."""

    name: str
    type: str
    half_width: float | None = Field(
        description="Of the interval; null where it depends on private counts, or bounds are still to be chosen."
    )
    half_width_per_row: float | None = Field(description="Of a total whose clip is to be chosen: per row of its norm.")
    assumed: bool = Field(description="Whether it rests on the expected size.")


class ClipInForce(Shape):
    """The norm that a unit's values of some statistics are scaled down to, over all groups."""

    statistics: list[str]
    norm: Literal["l1", "l2"]
    rows: float | None = Field(description="In an estimate null where it is chosen privately when the query runs.")


class BoundsInForce(Shape):
    """What one unit's contribution to a measure is cut to."""

    measure: str
    groups: int
    rows: int
    fold: bool
    minimum_frequency: int = Field(default=1, description="Groups of fewer units are withheld, by their noisy count.")
    clips: list[ClipInForce] = Field(description="Where there are any, they cut, and the rows above are what can be.")


class EstimatedNotice(Shape):
    """A noisy number that an answer tells of itself: of units that bounds cut, or of private groups that there are."""

    kind: Literal["binding_units", "existing_groups"]
    half_width: int
    loss: Amounts


class EstimatedMeasure(BoundsInForce):
    """A measure of the plan."""

    cells: int | None = Field(description="Groups, where they are public.")
    private_keys: bool = Field(description="Whether the groups themselves are private and released by a threshold.")
    choice: Amounts | None = Field(description="What choosing bounds privately costs, of the charge; null: no choice.")
    notices: list[EstimatedNotice] = Field(description="Numbers that the answer will tell of itself.")


class AccuracyInForce(Shape):
    """The accuracy that was asked, and what its price assumes."""

    half_width: Exact | None
    relative: Exact | None
    confidence: Exact
    column: str | None
    expected_value: Exact | None
    expected_size: int | None


class ReleaseName(Shape):
    """An earlier release of the licence."""

    id: str
    digest: Digest


class Reusable(Shape):
    """Earlier releases of the licence that the query can be computed from."""

    releases: list[ReleaseName]
    charge: Amounts = Field(description="Nothing.")
    used: bool = Field(description="Whether they are as exact as the spend asked; if not, a smaller spend uses them.")
    columns: list[EstimatedColumn] | None = Field(default=None, description="As exact as they are; of one query alone.")


class Price(Shape):
    """What a request would cost."""

    charge: Amounts = Field(description="Nothing where earlier releases of the licence are used.")
    fresh: Amounts = Field(description="With fresh noise.")
    reuse: Reusable | None = Field(description="Null where it cannot be computed from earlier releases.")
    epsilon_at_delta: Exact | None = Field(description="The ε that the charge amounts to at the licence's δ.")
    spend: SpendEpsilon | SpendRho = Field(description="As asked, or found for the accuracy asked.")
    accuracy: AccuracyInForce | None
    confidence: float = Field(description="Of the half-widths.")
    affordable: bool
    more: int | None = Field(description="How many such queries the accounts afford; null: any.")
    balance: list[Balance]
    measures: list[EstimatedMeasure]


class EstimateAnswer(Price):
    """What a query would cost and how exact it would be. Free: nothing is charged, no data are touched."""

    columns: list[EstimatedColumn]


class EstimatedQuery(Shape):
    """A query of a batch."""

    columns: list[EstimatedColumn]
    measures: list[str] = Field(description="That it reads; those that several read are measured and paid for once.")


class BatchEstimate(Price):
    """What several queries would cost together, and how exact each would be."""

    queries: list[EstimatedQuery]


class Column(Shape):
    """A column of the answer."""

    name: str
    type: str
    measured: bool = Field(description="Whether it is a number that noise takes part in.")
    no_interval: Literal["type", "kind", "noise", "size"] | None = Field(
        default=None, description="Where noise takes part in it and no cell has an interval: why."
    )


class Part(Shape):
    """A statistic that noise is added to."""

    statistic: str
    kind: str
    granularity: Exact = Field(description="Size of a step of its totals.")
    values: int | None = Field(default=None, description="Distinct values of one unit that count for one group.")


class Selection(Shape):
    """The private choice of a clip's norm."""

    measure: str
    statistic: str
    mechanism: str
    scale: float
    sensitivity: float
    metric: str
    loss: Amounts


class Mechanism(Selection):
    """One draw of noise."""

    parts: list[Part]
    level: int | None = Field(
        default=None, description="Of the grouping set that it is over, as its rows tell it; else over all groups."
    )
    threshold: int | None


class PerGroup(Selection):
    """A choice of each group."""

    groups: str = Field(description="Times the loss of one choice that a person can cause with all groups.")


class QuantileBounds(Shape):
    """What a person counts for at most in a quantile."""

    groups: int
    rows: int


class Quantile(PerGroup):
    """The private choice of a median, quantile, least or greatest value, and of its interval."""

    fraction: str = Field(description="Of the rows, the part that is below, exactly.")
    moved: int = Field(description="By how many steps the rank of a least or greatest value is moved inward.")
    steps_per_row: int
    buckets: int = Field(description="Values that were chosen among.")
    granularity: str = Field(description="Between two of them, exactly.")
    first: str = Field(description="The least of them, exactly.")
    bounds: QuantileBounds
    interval: PerGroup | None


class Truncation(Shape):
    """How many people had more than a measure's bounds allow, with noise."""

    measure: str
    statistic: str
    units: int
    interval: list[float] = Field(description="Of the number.")
    binding: bool = Field(description="Whether the noisy number stands out from its noise: then wider bounds help.")


class Withheld(Shape):
    """How many groups of a measure with private group keys there are beyond those shown, with noise."""

    measure: str
    statistic: str
    groups: int
    interval: list[float] = Field(description="Of the number.")
    some: bool = Field(description="Whether the noisy number stands out from its noise.")


class Noise(Shape):
    """The noise that is in some statistics."""

    statistic: str
    parts: list[Part]
    mechanism: str
    scale: float


class Reused(Shape):
    """An earlier release of the licence that a measure is computed from, in place of being measured."""

    measure: str
    release: ReleaseName
    from_: str = Field(alias="from", description="The release's own measure.")
    cells: int = Field(description="The most groups of the release that are added up to one.")
    mechanisms: list[Noise]


class Privacy(Amounts):
    """What was guaranteed, and how."""

    notion: str
    unit_domains: list[str]
    accuracy: AccuracyInForce | None = Field(default=None, description="Where one was asked; values are assumed.")
    mechanisms: list[Mechanism]
    selections: list[Selection]
    quantiles: list[Quantile]
    bounds: list[BoundsInForce]
    reused: list[Reused] = Field(default=[], description="Then nothing was measured, and nothing was lost.")


class Source(Shape):
    """The data that were asked."""

    dataset: str
    snapshot: str = Field(description="Keyed digest.")
    card_version: int
    card: Digest
    provider: Text
    source: Text
    acquired: str


Cell = bool | int | float | str | None


class Release(Shape):
    """What left the sandbox. Its canonical JSON has the digest of the receipt."""

    dummy: bool = Field(description="Whether the rows come from dummy records: a dry run's, about nobody.")
    snapshots: list[Source]
    columns: list[Column]
    rows: list[list[Cell]]
    intervals: list[list[tuple[float, float] | None]] = Field(description="Of each cell.")
    confidence: float
    truncation: list[Truncation] = Field(default=[], description="Of each measure whose bounds could cut anyone.")
    withheld: list[Withheld] = Field(default=[], description="Of each measure with private group keys.")
    privacy: Privacy


class Receipt(Shape):
    """The proof that the release stands in the log."""

    index: int
    entry: str
    proof: list[str]
    checkpoint: str


class Released(Shape):
    """A release and the proof of it."""

    digest: Digest
    release: Release
    receipt: Receipt


class Charged(Shape):
    """What a request was charged."""

    id: str
    state: Literal["released", "dry_run"]
    charge: Amounts
    price: Amounts | None = Field(default=None, description="Of a dry run: what the query would be charged.")
    balance: list[Balance]


class QueryAnswer(Charged, Released):
    """A released query, or a dry run."""


class BatchAnswer(Charged):
    """Released queries, or a dry run of them: one charge, all or nothing."""

    answers: list[Released] = Field(description="In the order of the queries.")


class QueryPending(Shape):
    """A query that is charged and under way: ask again at `Location`, or send the same request again."""

    id: str
    state: Literal["authorized"]


class Catalogue(Shape):
    """The data sets that can be asked, each as its card says."""

    datasets: list[dict[str, object]]


class PastQuery(Shape):
    """A charged request, or a free repeat."""

    id: str
    time: int = Field(description="Milliseconds since 1970.")
    person: str
    state: Literal["authorized", "released", "failed"]
    repeat: bool
    licence: str
    scenario: str
    dataset: str
    sql: str
    charge: Amounts | None = Field(description="Null for a repeat.")


class History(Shape):
    """The caller's own requests, newest first."""

    queries: list[PastQuery]


class SignedCheckpoint(Shape):
    """The newest tree head."""

    checkpoint: str | None = Field(description="A C2SP signed note.")


class Entries(Shape):
    """Entries of the log."""

    start: int
    entries: list[str] = Field(description="Base64, salt included.")
    bodies: dict[str, str] = Field(description="Base64 of the texts first named by one of them, by SHA-256.")


class Proof(Shape):
    """A proof of the log's tree (RFC 6962)."""

    proof: list[str] = Field(description="Base64 hashes.")


class Health(Shape):
    """Whether the parts answer."""

    gateway: Literal["ok"]
    sandbox: Literal["ok", "storage", "unreachable"]
