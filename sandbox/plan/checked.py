"""What `check` knows of the tables and says of a plan: trusted by everything after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from sandbox.plan.nodes import Aggregate, Measure, Scalar, Type
from sandbox.plan.nodes import Relation as Node
from sandbox.plan.plan import Plan
from sandbox.plan.relations import Known
from sandbox.plan.values import Values


@dataclass(frozen=True, slots=True)
class PublicFacts:
    """What a snapshot's manifest says of one public table."""

    rows: int
    members: Mapping[str, tuple[Scalar, ...]]
    """Per column its distinct values without NULL, sorted: of every one-column key, of others while they are few."""
    multiplicity: Mapping[str, int]
    """Per column: the largest number of rows that share one value."""


@dataclass(frozen=True, slots=True)
class Relation:
    """What is known of a private relation from cards alone."""

    domain: str
    """Unit domain."""
    rows: int
    """At most this many rows per unit (rule 10)."""
    unit_keys: frozenset[frozenset[str]]
    """Sets of columns that name at most one row within a unit; the empty set means one row per unit."""
    values: Mapping[str, Values]
    """Per column name."""
    row_bytes: int
    """At most this many bytes per row (rule 2)."""


@dataclass(frozen=True, slots=True)
class GroupKey:
    """One part of a measure's group key."""

    name: str
    values: Values


@dataclass(frozen=True, slots=True)
class KeySet:
    """The group keys of a measure.

    `cells` is the public key set in release order, NULL members included where a part can be NULL; None when at least
    one part has no public value set: the keys are private and released by threshold (rule 23).
    """

    cells: tuple[tuple[Scalar, ...], ...] | None


@dataclass(frozen=True, slots=True)
class Level:
    """One grouping set of a measure, with the keys that its groups have."""

    places: tuple[int, ...]
    """Of its keys among the measure's."""
    number: int
    """What the column of levels says of its rows; 0 where all keys are in it."""
    key_set: KeySet


@dataclass(frozen=True, slots=True)
class CheckedAggregate:
    """An aggregate whose argument's values are known."""

    aggregate: Aggregate
    values: Values | None
    """Of the argument."""
    other: Values | None = None
    """Of the x of a pair."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Fixed point inside a unit: a value counts as a whole number of steps, held between two ends."""

    step: Fraction
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Folded:
    """What is known of a fold or a window function."""

    values: Values
    """Of its result."""
    grid: Grid | None
    """That its argument is added up on; None where nothing is added up but whole numbers, or where rows are public."""


@dataclass(frozen=True, slots=True)
class Given:
    """A public relation made of earlier releases, where it stands in a measure's source.

    It is computed before the measure, where there are no private rows, and held to `known` (rule 26): then it is a
    constant of the measure, on which neighbouring databases agree.
    """

    name: str
    """Of the table that the measure reads in its place."""
    relation: Node
    known: Known
    folded: Mapping[str, Folded]
    """Folds and window functions of the relation, by name."""


@dataclass(frozen=True, slots=True)
class CheckedMeasure:
    """A measure whose source is Private(unit) and obeys separability."""

    measure: Measure
    source: Relation
    keys: tuple[GroupKey, ...]
    key_set: KeySet
    """Of all keys together, by which a unit's contribution is cut."""
    levels: tuple[Level, ...]
    """What is released: by all keys, or by each of several sets of them."""
    aggregates: tuple[CheckedAggregate, ...]
    work: int
    """What one unit can cause the engine to do in this measure, from declared sizes alone (rule 2).

    Per operator its rows of the unit times one and the cost of its expressions; then per row of the source two for each
    statistic (AVG has two), a sort where a unit's values are chosen, one for each key, and the cost of keys, arguments
    and filters; that of statistics and one for each key once more per further level.
    Unit: row operations.
    """
    givens: tuple[Given, ...]
    """What it reads of earlier measures' releases."""
    folded: Mapping[str, Folded]
    """Folds and window functions of the source, by name."""


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """A card column that the plan reads."""

    dataset: str
    table: str
    column: str


@dataclass(frozen=True, slots=True)
class CheckedPlan:
    """A plan that may be priced and run."""

    plan: Plan
    measures: tuple[CheckedMeasure, ...]
    reads: tuple[ReadColumn, ...]
    """Every column read, unit keys included, sorted: what the policy judges."""
    answer: Mapping[str, Type]
    """Type of each column of the answer, by name, in the order of the labels."""
    folded: Mapping[str, Folded]
    """Folds and window functions of the public part, by name."""
