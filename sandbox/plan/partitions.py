"""Judges what is done within groups and partitions of rows: of private ones, within each unit (rules 10, 13)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from policies.cards import TableCard
from sandbox.errors import Refusal
from sandbox.plan.checked import Folded
from sandbox.plan.expressions import Judge, Judged
from sandbox.plan.folds import fold_cost, folded, window_cost, windowed
from sandbox.plan.lineage import ordering, orders
from sandbox.plan.nodes import Expression, Group, Order, Scan, Type, Window
from sandbox.plan.relations import Known, grouped, numbered, worked
from sandbox.plan.signatures import VALUES
from sandbox.plan.values import Values


@dataclass(slots=True)
class Partitions:
    """Of one plan."""

    judge: Judge
    define: Callable[[str], str]
    """Makes a name that nothing else in the plan has."""
    table: Callable[[Scan], TableCard]
    folded: dict[str, Folded] = field(default_factory=dict)
    """Of the measure, or the public part, that is being judged."""

    def terms(self, terms: Sequence[Order], known: Known) -> list[Judged]:
        """What an order is by. Refuses `plan.unit_value` where it has no values."""
        judged = [self.judge.judge(term.expression, known.columns) for term in terms]
        if any(one.values.type not in VALUES for one in judged):
            raise Refusal("plan.unit_value", {"function": "ORDER BY"})
        return judged

    def _optional(self, expression: Expression | None, known: Known, *, condition: bool = False) -> Judged | None:
        if expression is None:
            return None
        return (self.judge.condition if condition else self.judge.judge)(expression, known.columns)

    def group(self, node: Group, known: Known) -> Known:
        """One row per group. Refuses: the codes of `folded`, `plan.unit_value`, `plan.row_order`."""
        private = known.domain is not None
        keys = {self.define(one.name): self.judge.judge(one.expression, known.columns) for one in node.keys}
        if any(one.values.type is Type.PRESENCE for one in keys.values()):
            raise Refusal("plan.unit_value", {"function": "GROUP BY"})
        if not private and not keys and not node.folds:
            raise Refusal("plan.invalid", {"what": "a group without keys and folds"})
        self._total(node, known)
        costs, folds = [1 + one.cost for one in keys.values()], dict[str, Values]()
        for fold in node.folds:
            self.judge.count()
            parts = [self._optional(fold.argument, known), self._optional(fold.filter, known, condition=True)]
            parts += self.terms(fold.order, known)
            values = None if parts[0] is None else parts[0].values
            found = folded(fold, values, known.rows, private=private)
            folds[self.define(fold.name)] = found.values
            self.folded[fold.name] = found
            costs.append(fold_cost(fold, known.rows) + sum(one.cost for one in parts if one is not None))
        return worked(grouped(known, {name: one.values for name, one in keys.items()}, folds), (known,), sum(costs))

    def window(self, node: Window, known: Known) -> Known:
        """The rows with window functions. Refuses: the codes of `windowed`, `plan.unit_value`, `plan.row_order`."""
        self._total(node, known)
        costs, columns = list[int](), dict[str, Values]()
        for one in node.functions:
            self.judge.count()
            parts = [self.judge.judge(part, known.columns) for part in one.partition]
            if any(part.values.type is Type.PRESENCE for part in parts):
                raise Refusal("plan.unit_value", {"function": "PARTITION BY"}, subject=one.name)
            terms = self.terms(one.order, known)
            argument = self._optional(one.argument, known)
            given = [argument, self._optional(one.filter, known, condition=True), self._optional(one.default, known)]
            values = None if argument is None else argument.values
            ordered = tuple(term.values for term in terms)
            found = windowed(one, values, ordered, known.rows, private=known.domain is not None)
            columns[self.define(one.name)] = found.values
            self.folded[one.name] = found
            costs.append(window_cost(one, known.rows))
            costs += [part.cost for part in (*parts, *terms, *given) if part is not None]
        return worked(numbered(known, node.functions, columns), (known,), sum(costs))

    def _total(self, node: Group | Window, known: Known) -> None:
        """Refuses `plan.row_order` where rows of one unit would have no order of their own (rule 13)."""
        if known.domain is None or not orders(node):
            return
        for scan in ordering(node.source, asked=True):
            table = self.table(scan)
            if not table.private and not table.key:
                subject = node.functions[0].name if isinstance(node, Window) else node.folds[0].name
                raise Refusal("plan.row_order", {"table": scan.table}, subject=subject)
