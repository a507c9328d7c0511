"""Requests answered from what the same licence was released before: post-processing, at no charge.

Looks at the licence's own releases alone (rule 8), of the snapshots that a fresh answer would be made from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import sha256

from policies.canonical import canonical_json
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.checked import CheckedAggregate
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.calibrate import PricedMeasure
from sandbox.privacy.derivation import Derived, derive
from sandbox.privacy.kept import Kept
from sandbox.queries.preparation import Prepared, bounded


@dataclass(frozen=True, slots=True)
class Source:
    """A measured relation of an earlier release of the licence."""

    charge: str
    digest: str
    """Of the release, SHA-256, hex."""
    authorization: int
    """Leaf of the charge."""
    kept: Kept


@dataclass(frozen=True, slots=True)
class Taken:
    """A measure as it is computed from an earlier release."""

    source: Source
    derived: Derived

    @property
    def families(self) -> Mapping[str, tuple[str, ...]]:
        """Of each of the measure's statistics, which noise is in it: that of an earlier one."""
        of = self.derived.statistics.items()
        return {name: (self.source.charge, self.source.kept.measure, kept) for name, kept in of}


@dataclass(frozen=True, slots=True)
class Reuse:
    """Where every measure of a request is had from, in the plan's order."""

    measures: tuple[Taken, ...]

    @property
    def enough(self) -> bool:
        """Whether nothing is noisier than the spend asked would make it."""
        return all(each.derived.enough for each in self.measures)

    @property
    def sources(self) -> tuple[Source, ...]:
        """One for each release that is used, in the order of the log."""
        found = {each.source.charge: each.source for each in self.measures}
        return tuple(sorted(found.values(), key=lambda each: each.authorization))

    def identity(self, prepared: Prepared) -> str:
        """What makes two answers by reuse the same: the query and the relations it is computed from."""
        used = [[each.source.charge, each.source.kept.measure] for each in self.measures]
        return sha256(canonical_json({"query": prepared.identity, "reused": used})).hexdigest()


def find_reuse(prepared: Prepared, sources: Callable[[str], Sequence[Source]]) -> Reuse | None:
    """How the request is computed from earlier releases; None where any measure of it is not.

    `sources` tells the licence's measured relations of a relation, newest first. Of several the least noisy is used.
    """
    found = list[Taken]()
    for priced in prepared.priced.measures:
        best = min(_taken(prepared, priced, sources), key=_noise, default=None)
        if best is None:
            return None
        found.append(best)
    return Reuse(tuple(found)) if found else None


def _taken(prepared: Prepared, priced: PricedMeasure, sources: Callable[[str], Sequence[Source]]) -> Iterator[Taken]:
    subject = prepared.subject(priced.bounded.checked.measure)
    if subject is None:
        return
    variants = [priced.bounded, *_centred(prepared, priced.bounded)]
    for source in sources(subject.relation):
        for variant in variants:
            derived = derive(subject, priced, variant, source.kept)
            if derived is not None:
                yield Taken(source, derived)
                break


def _noise(taken: Taken) -> tuple[bool, Fraction, int]:
    squares = [Fraction(step.scale) ** 2 for step in taken.derived.priced.measurements]
    return not taken.derived.enough, sum(squares, Fraction(0)), taken.source.authorization


def _centred(prepared: Prepared, found: BoundedMeasure) -> list[BoundedMeasure]:
    """The measure with its sums had from centred ones and counts, as they are where rows are counted beside them."""
    sums = [each for each in found.checked.aggregates if each.aggregate.function is AggregateFunction.SUM]
    if not sums or found.fold:
        return []
    counts = [replace(each.aggregate, name=f"{each.aggregate.name}n", function=AggregateFunction.ROWS) for each in sums]
    beside = tuple(CheckedAggregate(one, each.values) for one, each in zip(counts, sums, strict=True))
    counted = replace(found.checked, aggregates=(*found.checked.aggregates, *beside))
    made = bounded(counted, prepared.request, prepared.licence, prepared.cards, prepared.domains)
    names = {each.aggregate.name for each in found.checked.aggregates}
    estimates = tuple(each for each in made.estimates if each.aggregate in names)
    used = {name for each in estimates for name in each.parts} | {made.existence, made.frequency}
    statistics = tuple(each for each in made.statistics if each.name in used)
    return [replace(made, checked=found.checked, estimates=estimates, statistics=statistics)]
