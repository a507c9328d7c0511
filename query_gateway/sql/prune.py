"""Drops what a plan computes and nothing uses, and numbers the rest in order: equal queries give equal plans."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sandbox.errors import Span
from sandbox.plan.naming import Names
from sandbox.plan.nodes import (
    Call,
    Constants,
    Distinct,
    Expression,
    Filter,
    Group,
    Join,
    Limit,
    Mark,
    Measure,
    Order,
    Project,
    Ref,
    Relation,
    Released,
    Scan,
    Sort,
    Union,
    Window,
)
from sandbox.plan.plan import Label, Plan


def prune(plan: Plan, spans: Mapping[str, Span], mentioned: Collection[str]) -> tuple[Plan, dict[str, Span]]:
    """The plan without unused columns, aggregates and measures, and the places under the new names.

    Scan columns in `mentioned` stay: the query reads them, though no expression holds them.
    """
    needed = _Needed(mentioned)
    answer = needed.relation(plan.answer, {label.name for label in plan.labels})
    measures = [needed.measure(one) for one in reversed(plan.measures) if one.name in needed.released]
    names = Names()
    renamed = [names.measure(measure) for measure in reversed(measures)]
    answer = names.relation(answer)
    labels = tuple(Label(names.new(label.name), label.label) for label in plan.labels)
    places = {}
    for name, span in spans.items():
        stem, dot, part = name.partition(".")
        if stem in names.known:
            places[names.known[stem] + dot + part] = span
    return Plan(tuple(renamed), answer, labels), places


def refs(expression: Expression) -> Iterator[str]:
    """The columns that an expression reads."""
    match expression:
        case Ref(name):
            yield name
        case Call(_, arguments):
            for argument in arguments:
                yield from refs(argument)


def shown(relation: Relation) -> tuple[str, ...]:
    """The columns that a relation has; of a released one, those that something reads decide."""
    match relation:
        case Scan(columns=found):
            return tuple(one.name for one in found)
        case Project(outputs=outputs):
            return tuple(one.name for one in outputs)
        case Group(_, keys, folds):
            return (*(key.name for key in keys), *(fold.name for fold in folds))
        case Window(source, functions):
            return (*shown(source), *(one.name for one in functions))
        case Join(left, right):
            return shown(left) + shown(right)
        case Mark(source, _, name):
            return (*shown(source), name)
        case Union(columns=pairs):
            return tuple(pair.name for pair in pairs)
        case Constants(columns=names):
            return names
        case Filter() | Sort() | Limit() | Distinct():
            return shown(relation.source)
        case Released():
            return ()


def _read(*expressions: Expression | None) -> Iterator[str]:
    for expression in expressions:
        if expression is not None:
            yield from refs(expression)


def _terms(order: tuple[Order, ...]) -> Iterator[Expression]:
    return (one.expression for one in order)


@dataclass(slots=True)
class _Needed:
    """Drops from a relation the columns that nothing above it needs."""

    mentioned: Collection[str]
    released: dict[str, set[str]] = field(default_factory=dict)
    """Columns needed of each measure."""

    def measure(self, measure: Measure) -> Measure:
        wanted = self.released[measure.name]
        aggregates = [one for one in measure.aggregates if one.name in wanted] or list(measure.aggregates[:1])
        below = {name for key in measure.keys for name in refs(key.expression)}
        for aggregate in aggregates:
            for part in (aggregate.argument, aggregate.other, aggregate.filter):
                below |= set() if part is None else set(refs(part))
        return replace(measure, source=self.relation(measure.source, below), aggregates=tuple(aggregates))

    def relation(self, relation: Relation, wanted: set[str]) -> Relation:
        match relation:
            case Scan(columns=columns):
                kept = [one for one in columns if one.name in wanted or one.name in self.mentioned]
                return replace(relation, columns=tuple(kept))
            case Released(measure):
                self.released.setdefault(measure, set()).update(wanted)
                return relation
            case Filter(source, predicate):
                return Filter(self.relation(source, wanted | set(refs(predicate))), predicate)
            case Project(source, outputs):
                made = tuple(output for output in outputs if output.name in wanted)
                below = {name for output in made for name in refs(output.expression)}
                return Project(self.relation(source, below), made)
            case Join(left, right, kind, unit, condition):
                below = wanted | (set() if condition is None else set(refs(condition)))
                return Join(self.relation(left, below), self.relation(right, below), kind, unit, condition)
            case Mark(source, other, name, unit, condition):
                if name not in wanted:
                    return self.relation(source, wanted)
                below = wanted | (set() if condition is None else set(refs(condition)))
                return Mark(self.relation(source, below), self.relation(other, below), name, unit, condition)
            case Union(left, right, columns):
                kept_pairs = tuple(one for one in columns if one.name in wanted)
                lefts, rights = {one.left for one in kept_pairs}, {one.right for one in kept_pairs}
                return Union(self.relation(left, lefts), self.relation(right, rights), kept_pairs)
            case Constants(names, rows):
                places = [place for place, name in enumerate(names) if name in wanted]
                return Constants(
                    tuple(names[place] for place in places),
                    tuple(tuple(row[place] for place in places) for row in rows),
                )
            case Sort(source, terms):
                below = wanted | {name for term in terms for name in refs(term.expression)}
                return Sort(self.relation(source, below), terms)
            case Limit(source, count, offset):
                return Limit(self.relation(source, wanted), count, offset)
            case Distinct(source):
                return Distinct(self.relation(source, wanted | set(shown(source))))
            case Group(source, keys, folds):
                used = tuple(fold for fold in folds if fold.name in wanted) or folds[: 0 if keys else 1]
                below = {name for key in keys for name in refs(key.expression)}
                below |= {name for fold in used for name in _read(fold.argument, fold.filter, *_terms(fold.order))}
                return Group(self.relation(source, below), keys, used)
            case Window(source, functions):
                seen = tuple(one for one in functions if one.name in wanted)
                below = wanted - {one.name for one in functions}
                for one in seen:
                    below |= set(_read(one.argument, one.filter, *one.partition, *_terms(one.order)))
                inner = self.relation(source, below)
                return Window(inner, seen) if seen else inner
