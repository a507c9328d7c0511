"""Judges a plan against the cards: kinds, types, units, sizes, ranges and group keys. What it returns is trusted.

Reads the plan, the cards and the public facts of a snapshot, nothing else (rule 3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import product

from policies.cards import DatasetCard
from policies.domains import UnitDomain
from sandbox.errors import Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.aggregates import CHOSEN, aggregate_cost, can_be_null, judged_aggregate, released_type
from sandbox.plan.checked import (
    CheckedAggregate,
    CheckedMeasure,
    CheckedPlan,
    Given,
    GroupKey,
    KeySet,
    Level,
    PublicFacts,
    Relation,
)
from sandbox.plan.decoding import NAME
from sandbox.plan.expressions import Judge, Judged
from sandbox.plan.givens import parts, released_values
from sandbox.plan.levels import TOTALS, judged_levels, released_keys, released_rows
from sandbox.plan.limits import ANSWER_ROWS, GIVEN_BYTES, Limits
from sandbox.plan.lineage import scans
from sandbox.plan.nodes import (
    Aggregate,
    Constants,
    Distinct,
    Expression,
    Filter,
    Group,
    Join,
    Limit,
    Mark,
    Measure,
    Output,
    Project,
    Released,
    Scan,
    Sort,
    Type,
    Union,
    Window,
)
from sandbox.plan.nodes import Relation as Node
from sandbox.plan.partitions import Partitions
from sandbox.plan.plan import Plan
from sandbox.plan.reads import reads
from sandbox.plan.relations import (
    Known,
    constant,
    distinct,
    filtered,
    joined,
    marked,
    projected,
    settled,
    united,
    worked,
)
from sandbox.plan.signatures import VALUES
from sandbox.plan.tables import Tables
from sandbox.plan.values import Values


def check(
    plan: Plan,
    cards: Mapping[str, DatasetCard],
    facts: Mapping[tuple[str, str], PublicFacts],
    domains: Mapping[str, UnitDomain],
    limits: Limits,
    *,
    open_ranges: bool = False,
) -> CheckedPlan:
    """The plan, judged anew whoever made it: `facts` by data set and table, `domains` by unit domain.

    `open_ranges` lets sums and averages be of values whose range is unknown: a clip will be chosen for them.
    Refuses: the codes `plan.*`.
    """
    checker = _Checker(plan, cards, facts, domains, limits, open_ranges=open_ranges)
    measures = tuple(checker.measure(measure) for measure in plan.measures)
    answer = checker.answer()
    return CheckedPlan(plan, measures, reads(plan, cards), answer, checker.partitions.folded)


class _Checker:
    """Judges one plan. What the measures checked so far release is what later ones and its public part may read."""

    def __init__(
        self,
        plan: Plan,
        cards: Mapping[str, DatasetCard],
        facts: Mapping[tuple[str, str], PublicFacts],
        domains: Mapping[str, UnitDomain],
        limits: Limits,
        *,
        open_ranges: bool,
    ) -> None:
        self.plan = plan
        self.open_ranges = open_ranges
        self.domains = domains
        self.limits = limits
        self.judge = Judge(limits)
        self.names = set[str]()
        self.tables = Tables(cards, facts, self._define)
        self.partitions = Partitions(self.judge, self._define, self.tables.table)
        self.joins = 0
        self.released = dict[str, Known]()
        """What measures release, as the public part knows it: noise is in no range."""
        self.entering = dict[str, Known]()
        """The same, as later measures know it (rule 26)."""
        self.found = dict[int, Known]()
        """Of the relations of the measure being judged, by identity."""
        self.public = False
        """Whether the plan's public part is being judged."""
        self._most("measures", len(plan.measures), limits.measures)
        public = scans(plan.answer)
        if any(self.tables.table(scan).private for scan in public):
            raise Refusal("plan.raw_rows")
        if not plan.measures and not public:
            raise Refusal("plan.invalid", {"what": "nothing is read"})

    def _most(self, what: str, found: int, limit: int) -> None:
        if found > limit:
            raise Refusal("plan.too_large", {"what": what, "limit": str(limit)})

    def _define(self, name: str) -> str:
        """A name that nothing else in the plan has."""
        if NAME.fullmatch(name) is None or name in self.names:
            raise Refusal("plan.invalid", {"what": f"the name {name[:20]} is taken or not a generated one"})
        self.names.add(name)
        return name

    def relation(self, node: Node) -> Known:
        """What is known of a relation. Refuses what is too large after any operator (rule 2)."""
        self.judge.count()
        known = self.found[id(node)] = self._operator(node)
        self._most("row bytes", known.row_bytes, self.limits.row_bytes)
        if known.domain is None:
            self._most("public rows", known.rows, self.limits.public_rows)
        else:
            self._most("rows per unit", known.rows, self.limits.rows_per_unit)
        return known

    def _operator(self, node: Node) -> Known:
        match node:
            case Scan():
                return worked(self.tables.scan(node), (), 0)
            case Released(measure):
                if measure not in self.released:
                    raise Refusal("plan.invalid", {"what": f"nothing released as {measure} is in reach"})
                return self.released[measure] if self.public else self.entering[measure]
            case Filter(source, predicate):
                known = self.relation(source)
                cost = self.judge.condition(predicate, known.columns).cost
                return worked(filtered(known, predicate), (known,), cost)
            case Project(source, outputs):
                known = self.relation(source)
                found = self._outputs(outputs, known.columns)
                columns = {name: one.values for name, one in found.items()}
                cost = sum(one.cost for one in found.values())
                return worked(settled(projected(known, outputs, columns)), (known,), cost)
            case Join(left, right, kind, unit, condition):
                one, other = self._sides(left, right)
                found_pairs = joined(one, other, kind, unit, condition)
                return worked(found_pairs, (one, other), self._matching(condition, one, other))
            case Mark(source, right, name, unit, condition):
                one, other = self._sides(source, right)
                known, pairs = marked(one, other, self._define(name), unit, condition)
                what, most = "rows per unit", self.limits.rows_per_unit
                if known.domain is None:
                    what, most = "public rows", self.limits.public_rows
                self._most(what, pairs, most)
                return worked(known, (one, other), self._matching(condition, one, other), pairs)
            case Union(left, right, pairs_):
                one, other = self.relation(left), self.relation(right)
                if any(each.left not in one.columns or each.right not in other.columns for each in pairs_):
                    raise Refusal("plan.invalid", {"what": "a union of columns that are not there"})
                either = {
                    self._define(each.name): self.judge.either(one.columns[each.left], other.columns[each.right])
                    for each in pairs_
                }
                return worked(united(one, other, node, either), (one, other), 0)
            case Constants():
                return self._constants(node)
            case Sort(source, terms):
                known = self._public(source)
                if not terms:
                    raise Refusal("plan.invalid", {"what": "an order without terms"})
                self.partitions.terms(terms, known)
                return known
            case Limit(source, count, offset):
                known = self._public(source)
                if count < 0 or offset < 0:
                    raise Refusal("plan.invalid", {"what": "a negative limit or offset"})
                return replace(known, rows=min(known.rows, count))
            case Distinct(source):
                known = self.relation(source)
                return worked(distinct(known), (known,), len(known.columns))
            case Group():
                return self.partitions.group(node, self.relation(node.source))
            case Window():
                return self.partitions.window(node, self.relation(node.source))

    def _sides(self, left: Node, right: Node) -> tuple[Known, Known]:
        self.joins += 1
        self._most("joins", self.joins, self.limits.joins)
        one, other = self.relation(left), self.relation(right)
        if one.columns.keys() & other.columns.keys():
            raise Refusal("plan.invalid", {"what": "both sides of a join have the same columns"})
        return one, other

    def _matching(self, condition: Expression | None, one: Known, other: Known) -> int:
        """What a condition over both sides costs."""
        return 0 if condition is None else self.judge.condition(condition, {**one.columns, **other.columns}).cost

    def _constants(self, node: Constants) -> Known:
        for name in node.columns:
            self._define(name)
        types = [tuple(self.judge.judge(one, {}).values.type for one in row) for row in node.rows]
        if not types or len(set(types)) > 1 or len(types[0]) != len(node.columns):
            raise Refusal("plan.invalid", {"what": "constants that are not rows of the same types"})
        return constant(node, types[0])

    def _public(self, node: Node) -> Known:
        known = self.relation(node)
        if known.domain is not None:
            raise Refusal("plan.order")
        return known

    def _outputs(self, outputs: tuple[Output, ...], columns: Mapping[str, Values]) -> Mapping[str, Judged]:
        return {self._define(one.name): self.judge.judge(one.expression, columns) for one in outputs}

    def measure(self, measure: Measure) -> CheckedMeasure:
        """One measure, whose released relation later measures and the public part may then read."""
        self._define(measure.name)
        self.partitions.folded = {}
        if not measure.aggregates:
            raise Refusal("plan.invalid", {"what": "a measure without aggregates"})
        self.found.clear()
        found = self.relation(measure.source)
        if found.domain is None:
            raise Refusal("plan.not_private", subject=measure.name)
        source = replace(found, rows=max(1, found.rows))
        judged = [self.judge.judge(output.expression, source.columns) for output in measure.keys]
        keys = tuple(map(self._key, measure.keys, judged))
        levels = self._levels(measure, keys)
        costs = [len(levels) + one.cost for one in judged]
        aggregates = list[CheckedAggregate]()
        for aggregate in measure.aggregates:
            parts = self._read(aggregate, source)
            values = [None if one is None else one.values for one in parts[:2]]
            if values[0] is not None and aggregate.function is AggregateFunction.DISTINCT:
                values[0] = replace(values[0], members=self.judge.members(values[0]))
            self._define(aggregate.name)
            most = source.rows * self.domains[source.domain or ""].max_units
            found_ = judged_aggregate(aggregate, values[0], values[1], most, open_ranges=self.open_ranges)
            aggregates.append(found_)
            cost = len(levels) * aggregate_cost(aggregate.function, source.rows)
            costs.append(cost + sum(one.cost for one in parts if one is not None))
        checked = CheckedMeasure(
            measure,
            Relation(found.domain, source.rows, source.keys, source.columns, source.row_bytes),
            keys,
            self._key_set(keys),
            levels,
            tuple(aggregates),
            source.work + source.rows * sum(costs),
            self._givens(measure),
            self.partitions.folded,
        )
        self._release(checked)
        return checked

    def _givens(self, measure: Measure) -> tuple[Given, ...]:
        """What the measure reads of releases: as many rows as a measure may release, and bytes that a job can carry."""
        found = parts(measure.source, lambda scan: self.tables.table(scan).private)
        givens = tuple(
            Given(f"{measure.name}g{number}", part, self.found[id(part)], self.partitions.folded)
            for number, part in enumerate(found, 1)
        )
        for each in givens:
            self._most("rows of a release that a measure reads", each.known.rows, self.limits.cells)
        size = sum(each.known.rows * each.known.row_bytes for each in givens)
        self._most("bytes of releases that a measure reads", size, GIVEN_BYTES)
        return givens

    def _key(self, output: Output, judged: Judged) -> GroupKey:
        values = judged.values
        if values.type not in VALUES:
            raise Refusal("plan.unit_value", {"function": "GROUP BY"}, subject=output.name)
        return GroupKey(self._define(output.name), replace(values, members=self.judge.members(values)))

    def _levels(self, measure: Measure, keys: tuple[GroupKey, ...]) -> tuple[Level, ...]:
        """What is released. Refuses what is too large in all."""
        if measure.levels is not None:
            self._define(measure.levels.name)
            self._most("grouping sets", len(measure.levels.sets), self.limits.levels)
            if any(each.function in CHOSEN for each in measure.aggregates):
                raise Refusal("plan.invalid", {"what": "quantiles of several grouping sets"})
        levels = judged_levels(measure, keys, self._key_set)
        if measure.levels is not None:
            self._most("groups of all grouping sets", released_rows(levels, 0), TOTALS * self.limits.cells)
        return levels

    def _key_set(self, keys: tuple[GroupKey, ...]) -> KeySet:
        """The product of the parts' value sets, NULL last where a part can be NULL (rule 23)."""
        parts = [
            None if key.values.members is None else (*key.values.members, *([None] if key.values.nullable else []))
            for key in keys
        ]
        known = [part for part in parts if part is not None]
        cells = math.prod(map(len, known))
        if len(known) < len(parts) or cells > self.limits.cells or cells * len(parts) > self.limits.evaluations:
            return KeySet(None)
        return KeySet(tuple(product(*known)))

    def _read(self, aggregate: Aggregate, source: Known) -> tuple[Judged | None, Judged | None, Judged | None]:
        """The argument, the other one, and the filter."""
        self.judge.count()
        condition = None if aggregate.filter is None else self.judge.condition(aggregate.filter, source.columns)
        both = (aggregate.argument, aggregate.other)
        one, other = (None if each is None else self.judge.judge(each, source.columns) for each in both)
        return one, other, condition

    def _release(self, checked: CheckedMeasure) -> None:
        """The released relation: at most one row per group key."""
        keys = released_keys(checked.measure, checked.keys, checked.levels)
        units = self.domains[checked.source.domain].max_units
        noisy, ranged = dict[str, Values](), dict[str, Values]()
        for one in checked.aggregates:
            name, type_ = one.aggregate.name, released_type(one.aggregate, one.values)
            noisy[name] = Values(type_, nullable=can_be_null(one.aggregate))
            ranged[name] = released_values(one, type_, checked.source.rows, units)
        rows = released_rows(checked.levels, self.limits.cells)
        named = frozenset({frozenset(keys)})
        self.released[checked.measure.name] = Known(None, {**keys, **noisy}, rows, named, {})
        self.entering[checked.measure.name] = Known(None, {**keys, **ranged}, rows, named, {})

    def answer(self) -> Mapping[str, Type]:
        """The public part's columns in the order of the labels."""
        self.public = True
        self.partitions.folded = {}
        known = self.relation(self.plan.answer)
        self._most("rows of the answer", known.rows, ANSWER_ROWS)
        names = [label.name for label in self.plan.labels]
        if not names or len(set(names)) < len(names) or not known.columns.keys() >= set(names):
            raise Refusal("plan.invalid", {"what": "labels that are not columns of the answer"})
        return {name: known.columns[name].type for name in names}
