"""The bodies of requests."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from query_gateway.shapes import Exact, Shape


class Epsilon(Shape):
    """A loss as ε at the licence's δ."""

    epsilon: Exact | float


class Rho(Shape):
    """A loss as ρ of zero-concentrated differential privacy."""

    rho: Exact | float


class Split(Shape):
    """How a spend is split over the columns of the answer."""

    weights: dict[str, Exact | float] | None = Field(
        default=None, description="What squared errors of columns weigh, by name; those left out weigh 1."
    )


class SpendEpsilon(Epsilon, Split):
    """What the caller spends, as ε at the licence's δ."""


class SpendRho(Rho, Split):
    """What the caller spends, as ρ of zero-concentrated differential privacy."""


class Accuracy(Split):
    """How exact the answer is to be; the least loss that gives it is found and spent."""

    confidence: Exact | float = Field(description="How sure the error is to be no more.", examples=["0.95"])
    column: str | None = Field(default=None, description="Left out: every column that is an aggregate as measured.")
    expected_size: int | None = Field(default=None, description="As the request's; in one of the two places.")
    at_most: Epsilon | Rho | None = Field(default=None, description="The most that it may cost.")


class SpendHalfWidth(Accuracy):
    """What makes half of each interval no more than this."""

    half_width: Exact | float


class SpendRelative(Accuracy):
    """What makes half of each interval no more than this share of what the value is at least."""

    relative: Exact | float
    expected_value: Exact | float | None = Field(default=None, description="Assumed; else by range and size.")


class Bounds(Shape):
    """How much one unit may contribute."""

    groups: int = Field(ge=1, description="Groups that one unit touches.")
    rows: int = Field(ge=1, description="Rows of one unit in one group.")


class Clip(Shape):
    """How much one unit may contribute in all: what is longer is scaled down, nothing of it is dropped."""

    clip: Exact | float = Field(description="Norm of a unit's values over all groups, in rows.")


class Asked(Shape):
    """What every request of data says."""

    licence: str
    scenario: str
    dataset: str
    spend: SpendEpsilon | SpendRho | SpendHalfWidth | SpendRelative
    bounds: Bounds | Clip | Literal["auto", "card"] = Field(
        default="auto", description="Left out beside an accuracy: `card`, as the card declares."
    )
    ranges: Literal["auto"] | None = Field(
        default=None, description="Sums of values of unknown range: how much of a person counts is chosen privately."
    )
    expected_size: int | None = Field(default=None, description="Rows that a group is assumed to have.")
    reuse: bool = Field(
        default=True,
        description="Answered at no charge from the licence's earlier releases, where they are as exact; false: never.",
    )
    dry_run: bool = Field(default=False, description="Run on dummy records made from the card alone: free.")


class QueryBody(Asked):
    """A query. Everything that is charged or decided is read from these signed bytes."""

    sql: str = Field(examples=["SELECT edlevel, COUNT(*) AS records FROM records GROUP BY edlevel"])


class BatchBody(Asked):
    """Several queries, planned and charged together: what they measure alike is measured and paid for once."""

    queries: list[str] = Field(min_length=1, max_length=16)
