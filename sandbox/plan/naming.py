"""The names of a plan: written anew, each wherever it stands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sandbox.plan.grouping_sets import Levels
from sandbox.plan.nodes import (
    Aggregate,
    Call,
    Constants,
    Distinct,
    Expression,
    Filter,
    Fold,
    Group,
    Join,
    Limit,
    Literal,
    Mark,
    Measure,
    Order,
    Output,
    Project,
    Ref,
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


@dataclass(slots=True)
class Names:
    """Renames in the order of evaluation: c1, c2, … of scans, and so on for every prefix."""

    known: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def new(self, name: str) -> str:
        if name not in self.known:
            prefix = name[0]
            self.counts[prefix] = self.counts.get(prefix, 0) + 1
            self.known[name] = f"{prefix}{self.counts[prefix]}"
        return self.known[name]

    def measure(self, measure: Measure) -> Measure:
        source = self.relation(measure.source)
        aggregates = tuple(map(self.aggregate, measure.aggregates))
        name, keys, levels = self.new(measure.name), tuple(map(self.output, measure.keys)), measure.levels
        if levels is not None:
            levels = Levels(self.new(levels.name), tuple(tuple(map(self.new, one)) for one in levels.sets))
        return Measure(name, source, keys, aggregates, levels)

    def aggregate(self, one: Aggregate) -> Aggregate:
        return replace(
            one,
            name=self.new(one.name),
            argument=self.optional(one.argument),
            filter=self.optional(one.filter),
            other=self.optional(one.other),
        )

    def column(self, one: ScanColumn) -> ScanColumn:
        return ScanColumn(self.new(one.name), one.column)

    def relation(self, relation: Relation) -> Relation:
        match relation:
            case Scan(dataset, table, columns):
                return Scan(dataset, table, tuple(map(self.column, columns)))
            case Released(measure):
                return Released(self.new(measure))
            case Filter(source, predicate):
                return Filter(self.relation(source), self.expression(predicate))
            case Project(source, outputs):
                return Project(self.relation(source), tuple(map(self.output, outputs)))
            case Join(left, right, kind, unit, condition):
                sides = self.relation(left), self.relation(right)
                return Join(*sides, kind, unit, self.optional(condition))
            case Mark(source, other, name, unit, condition):
                sides = self.relation(source), self.relation(other)
                tested = self.optional(condition)
                return Mark(*sides, self.new(name), unit, tested)
            case Union(left, right, columns):
                sides = self.relation(left), self.relation(right)
                return Union(*sides, tuple(map(self.pair, columns)))
            case Constants(names, rows):
                return Constants(tuple(map(self.new, names)), rows)
            case Sort(source, terms):
                below = self.relation(source)
                return Sort(below, self.orders(terms))
            case Limit(source, count, offset):
                return Limit(self.relation(source), count, offset)
            case Distinct(source):
                return Distinct(self.relation(source))
            case Group(source, keys, folds):
                below = self.relation(source)
                return Group(below, tuple(map(self.output, keys)), tuple(map(self.fold, folds)))
            case Window(source, functions):
                return Window(self.relation(source), tuple(map(self.windowed, functions)))

    def fold(self, fold: Fold) -> Fold:
        return replace(
            fold,
            name=self.new(fold.name),
            argument=self.optional(fold.argument),
            filter=self.optional(fold.filter),
            order=self.orders(fold.order),
        )

    def windowed(self, one: Windowed) -> Windowed:
        return replace(
            one,
            name=self.new(one.name),
            argument=self.optional(one.argument),
            filter=self.optional(one.filter),
            partition=tuple(map(self.expression, one.partition)),
            order=self.orders(one.order),
        )

    def orders(self, terms: tuple[Order, ...]) -> tuple[Order, ...]:
        return tuple(replace(one, expression=self.expression(one.expression)) for one in terms)

    def optional(self, expression: Expression | None) -> Expression | None:
        return None if expression is None else self.expression(expression)

    def pair(self, pair: UnionColumn) -> UnionColumn:
        return UnionColumn(self.new(pair.name), self.new(pair.left), self.new(pair.right))

    def output(self, output: Output) -> Output:
        return Output(self.new(output.name), self.expression(output.expression))

    def expression(self, expression: Expression) -> Expression:
        match expression:
            case Ref(name):
                return Ref(self.new(name))
            case Call(function, arguments):
                return Call(function, tuple(map(self.expression, arguments)))
            case Literal():
                return expression
