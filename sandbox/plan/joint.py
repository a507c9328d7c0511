"""Plans that are asked together: measures of the same rows by the same group keys are one, with the columns of all.

It only proposes, like a front end: the plans that come out are judged anew by `check`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sandbox.plan.lineage import sources
from sandbox.plan.naming import Names
from sandbox.plan.nodes import (
    Aggregate,
    Constants,
    Distinct,
    Filter,
    Fold,
    Group,
    Join,
    Limit,
    Mark,
    Measure,
    Output,
    Project,
    Relation,
    Released,
    Scan,
    ScanColumn,
    Sort,
    Union,
    UnionColumn,
    Window,
    Windowed,
)
from sandbox.plan.plan import Label, Plan

Named = TypeVar("Named", ScanColumn, Output, UnionColumn, Fold, Windowed, Aggregate)


def joint(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """The same plans in one namespace, each with the measures of all; what they measure alike is one.

    The first plan keeps its names.
    """
    kept = dict[str, Measure]()
    taken = set[str]()
    renamed = []
    for plan in plans:
        names = _Free(taken=taken)
        for measure in plan.measures:
            own = names.measure(measure)
            found, same = next(filter(None, (_united(each, own) for each in kept.values())), (own, {}))
            kept[found.name] = found
            names.known = {name: same.get(now, now) for name, now in names.known.items()}
        labels = tuple(Label(names.new(label.name), label.label) for label in plan.labels)
        renamed.append((names.relation(plan.answer), labels))
    return tuple(Plan(tuple(kept.values()), answer, labels) for answer, labels in renamed)


def _united(one: Measure, other: Measure) -> tuple[Measure, dict[str, str]] | None:
    """The first measure with what the second one asks as well, and what names of the second one are in it; None where
    rows or group keys differ."""
    merging = _Merging()
    source = merging.both(one.source, other.source)
    if source is None or len(one.keys) != len(other.keys):
        return None
    if merging.matched(one.keys, other.keys, merging.output) != one.keys:
        return None
    if not _alike(one, other, merging):
        return None
    aggregates = merging.matched(one.aggregates, other.aggregates, merging.aggregate)
    return replace(one, source=source, aggregates=aggregates), {**merging.known, other.name: one.name}


def _alike(one: Measure, other: Measure, merging: _Merging) -> bool:
    """Whether both have the same grouping sets, or none; told by the same numbers, so of keys in the same order."""
    if one.levels is None or other.levels is None:
        return one.levels is other.levels
    merging.known[other.levels.name] = one.levels.name
    order = [merging.new(key.name) for key in other.keys] == [key.name for key in one.keys]
    return order and tuple(tuple(map(merging.new, each)) for each in other.levels.sets) == one.levels.sets


@dataclass(slots=True)
class _Free(Names):
    """Keeps the names that no other plan has, and gives the others new ones."""

    taken: set[str] = field(default_factory=set)

    def new(self, name: str) -> str:
        if name not in self.known:
            prefix, number, found = name.rstrip("0123456789"), len(self.taken), name
            while found in self.taken:
                number += 1
                found = f"{prefix}{number}"
            self.taken.add(found)
            self.known[name] = found
        return self.known[name]


@dataclass(slots=True)
class _Merging(Names):
    """Unites two relations of one shape, node by node: the columns of both, equal ones once. `known` are the names of
    the second one that the first has others for."""

    def new(self, name: str) -> str:
        return self.known.get(name, name)

    def matched(
        self, ours: tuple[Named, ...], theirs: Iterable[Named], written: Callable[[Named], Named]
    ) -> tuple[Named, ...]:
        """Ours, and those of theirs that we lack."""
        known = {replace(each, name=""): each.name for each in reversed(ours)}
        found = list(ours)
        for each in theirs:
            own = written(each)
            name = known.setdefault(replace(own, name=""), own.name)
            if name == own.name:
                found.append(own)
            self.known[each.name] = name
        return tuple(found)

    def both(self, one: Relation, other: Relation) -> Relation | None:
        """The relation with the columns of both; None where the rows are not those of one."""
        if type(one) is not type(other):
            return None
        below = [self.both(*pair) for pair in zip(sources(one), sources(other), strict=True)]
        found = [each for each in below if each is not None]
        return self._over(found, one, other) if len(found) == len(below) else None

    def _over(self, below: Sequence[Relation], one: Relation, other: Relation) -> Relation | None:
        """The operator over what it reads, which is united by now."""
        match one, other:
            case (Scan(), Scan()) if (one.dataset, one.table) == (other.dataset, other.table):
                return replace(one, columns=self.matched(one.columns, other.columns, self.column))
            case (Released(), Released()) if one == self.relation(other):
                return one
            case (Constants(), Constants()) if one.rows == other.rows:
                self.known |= dict(zip(other.columns, one.columns, strict=True))
                return one
            case (Filter(), Filter()) if one.predicate == self.expression(other.predicate):
                return Filter(below[0], one.predicate)
            case Project(), Project():
                return Project(below[0], self.matched(one.outputs, other.outputs, self.output))
            case Join(), Join():
                ours = one.kind, one.unit, one.condition
                alike = ours == (other.kind, other.unit, self.optional(other.condition))
                return replace(one, left=below[0], right=below[1]) if alike else None
            case (Mark(), Mark()) if (one.unit, one.condition) == (other.unit, self.optional(other.condition)):
                self.known[other.name] = one.name
                return replace(one, source=below[0], other=below[1])
            case Union(), Union():
                return Union(below[0], below[1], self.matched(one.columns, other.columns, self.pair))
            case (Sort(), Sort()) if one.terms == self.orders(other.terms):
                return Sort(below[0], one.terms)
            case (Limit(), Limit()) if (one.count, one.offset) == (other.count, other.offset):
                return replace(one, source=below[0])
            case (Distinct(), Distinct()) if below[0] == one.source == self.relation(other.source):
                return one
            case (Group(), Group()) if len(one.keys) == len(other.keys):
                keys = self.matched(one.keys, other.keys, self.output)
                return (
                    Group(below[0], keys, self.matched(one.folds, other.folds, self.fold)) if keys == one.keys else None
                )
            case Window(), Window():
                return Window(below[0], self.matched(one.functions, other.functions, self.windowed))
        return None
