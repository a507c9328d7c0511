"""A whole plan: what is measured, and the public part over it."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.plan.nodes import Measure, Relation


@dataclass(frozen=True, slots=True)
class Label:
    """The analyst's name for a column of the answer: shown, never executed."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Measures in topological order, then the public part over what they release.

    A measure's source may read what measures before it release, as it reads any public relation: a scalar subquery is
    one row of it, joined on no condition.
    """

    measures: tuple[Measure, ...]
    answer: Relation
    """The public part: no private scan stands in it."""
    labels: tuple[Label, ...]
    """The answer's columns in order."""
