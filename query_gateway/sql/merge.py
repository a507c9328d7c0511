"""Puts measures in the order in which they read one another, and makes one of those that measure the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sandbox.plan.lineage import releases
from sandbox.plan.naming import Names
from sandbox.plan.nodes import Aggregate, Measure, Relation


@dataclass(frozen=True, slots=True)
class Merged:
    """Measures in topological order, the public part that reads them, and the names that others stand for now."""

    measures: tuple[Measure, ...]
    answer: Relation
    names: Mapping[str, str]


def merge(measures: Sequence[Measure], answer: Relation) -> Merged:
    """Measures of equal relations by equal group keys are one, with the aggregates of all: each is paid for once."""
    kept = dict[object, Measure]()
    own = dict[object, Names]()
    renamed, fixed = _Renamed(), dict[str, str]()
    for asked in _ordered(measures):
        measure = renamed.measure(asked)
        names = Names(known=dict(fixed))
        keys = [key.name for key in measure.keys]
        sets = None if measure.levels is None else [tuple(map(keys.index, one)) for one in measure.levels.sets]
        expressions = tuple(names.expression(key.expression) for key in measure.keys)
        form = names.relation(measure.source), expressions, None if sets is None else frozenset(sets)
        if form in kept:
            measure = kept[form] = _united(kept[form], own[form], measure, names, renamed)
        else:
            kept[form], own[form] = measure, names
        # what is released has one name in every form
        columns = [*keys, *told_by(measure), *(one.name for one in measure.aggregates)]
        fixed |= {name: f"released {name}" for name in (measure.name, *columns)}
    return Merged(tuple(kept.values()), renamed.relation(answer), renamed.known)


def told_by(measure: Measure) -> list[str]:
    """The column that tells the grouping sets of a measure, where it has some."""
    return [] if measure.levels is None else [measure.levels.name]


def _ordered(measures: Sequence[Measure]) -> list[Measure]:
    """Each after those that its source reads."""
    named, found = {measure.name: measure for measure in measures}, dict[str, Measure]()

    def visit(measure: Measure) -> None:
        for name in releases(measure.source):
            if name not in found:
                visit(named[name])
        found[measure.name] = measure

    for measure in measures:
        if measure.name not in found:
            visit(measure)
    return list(found.values())


def _united(first: Measure, ours: Names, other: Measure, theirs: Names, renamed: _Renamed) -> Measure:
    """The first of two measures of the same, with the other's aggregates; `renamed` learns where they are now."""
    back = {short: name for name, short in ours.known.items()}
    renamed.known |= {name: back[short] for name, short in theirs.known.items() if back.get(short, name) != name}
    renamed.known[other.name] = first.name
    renamed.known |= {one.name: key.name for one, key in zip(other.keys, first.keys, strict=True)}
    renamed.known |= dict(zip(told_by(other), told_by(first), strict=True))
    known = {replace(one, name=""): one.name for one in first.aggregates}
    added = list[Aggregate]()
    for one in other.aggregates:
        argument = None if one.argument is None else renamed.expression(one.argument)
        condition = None if one.filter is None else renamed.expression(one.filter)
        second = None if one.other is None else renamed.expression(one.other)
        moved = replace(one, argument=argument, other=second, filter=condition)
        name = known.setdefault(replace(moved, name=""), one.name)
        if name == one.name:
            added.append(moved)
        else:
            renamed.known[one.name] = name
    return replace(first, aggregates=(*first.aggregates, *added))


@dataclass(slots=True)
class _Renamed(Names):
    """Renames what has another name by now."""

    def new(self, name: str) -> str:
        return self.known.get(name, name)
