"""The FROM clause: its items, the joins between them, and which of the conditions equate privacy units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from query_gateway.sql.context import Rows
from query_gateway.sql.prune import refs
from query_gateway.sql.scalar import Scalars, Typed
from query_gateway.sql.schema import TableSchema, fold
from query_gateway.sql.scope import Column, Origin, Source
from query_gateway.sql.state import State, conjuncts
from sandbox.plan.nodes import Call, Expression, Filter, Join, JoinKind, Ref, Relation, Type


@dataclass(frozen=True, slots=True)
class Item:
    """One table, derived table or join of some, as a relation."""

    relation: Relation
    sources: frozenset[int]
    """Positions of its FROM items."""
    domain: str | None
    """Unit domain; None when public."""
    released: bool
    """Whether it is made of released results."""
    place: exp.Expr


@dataclass(frozen=True, slots=True)
class Term:
    """One AND term of a condition."""

    expression: Expression | None
    """None when the equality of units says it all."""
    sources: frozenset[int]
    units: bool
    """Whether it equates two unit keys."""
    pair: tuple[Origin, Origin] | None
    """The scan columns it equates."""


@dataclass(slots=True)
class Joins:
    """Joins the items of one FROM clause, left to right."""

    state: State
    rows: Rows
    where: list[Term] = field(default_factory=list)
    """Terms of WHERE that no join has taken yet."""
    on: list[Term] = field(default_factory=list)
    """Terms of inner joins that wait for their items."""
    waiting: list[Item] = field(default_factory=list)
    """Items to be joined in any order."""
    extended: frozenset[int] = frozenset()
    """FROM items that an outer join has made missable so far."""
    finally_extended: frozenset[int] = frozenset()

    def join(self, first: Item, joins: Sequence[tuple[exp.Join, Item]], where: exp.Expr | None) -> Item:
        """The relation of the FROM clause with its WHERE.

        Refuses: `plan.join_unit`, `plan.join_preserved`, `plan.domains`, `sql.nested_measure`, `sql.unit_value`.
        """
        sources = list(self.rows.scope.sources)
        self._read_where(joins, where, sources)
        self.rows.scope.sources[:] = sources[:1]
        self.waiting = [first]
        for node, item in joins:
            self.rows.scope.sources.append(sources[len(self.rows.scope.sources)])
            kind = _kind(node)
            terms = self._condition(node, item)
            if kind is None:
                self.waiting.append(item)
                self.on += terms
            else:
                self.waiting = [self._outer(self._flush(), item, terms, kind, node)]
        return _filtered(self._flush(), self._take(self.where, lambda _: True))

    def _read_where(
        self, joins: Sequence[tuple[exp.Join, Item]], where: exp.Expr | None, sources: list[Source]
    ) -> None:
        """Reads WHERE while every source is visible, as the outer joins leave them."""
        extended: set[int] = set()
        for position, (node, _) in enumerate(joins, start=1):
            kind = _kind(node)
            extended |= {position} if kind == "LEFT" else set(range(position)) if kind == "RIGHT" else set()
        self.finally_extended = frozenset(extended)
        self.rows.scope.sources[:] = [
            source.extended() if position in extended else source for position, source in enumerate(sources)
        ]
        self._merge(joins)
        terms = [] if where is None else [self._term(node) for node in conjuncts([where])]
        self.where = [term for term in terms if term.sources or term.expression is not None]

    def _merge(self, joins: Sequence[tuple[exp.Join, Item]]) -> None:
        """Makes one of the columns that USING names: the preserved side's."""
        scope = self.rows.scope
        for position, (node, _) in enumerate(joins, start=1):
            for name in node.args.get("using") or []:
                left = [self._named(source, name) for source in scope.sources[:position]]
                right = self._named(scope.sources[position], name)
                chosen = right if _kind(node) == "RIGHT" else next((one for one in left if one is not None), None)
                if chosen is not None:
                    scope.merged.setdefault(fold(name.name), chosen)

    def _named(self, source: Source, name: exp.Expr) -> Column | None:
        return next((column for column in source.columns if fold(column.name) == fold(name.name)), None)

    def _condition(self, node: exp.Join, item: Item) -> list[Term]:
        """The terms of ON or USING."""
        terms = [self._term(one) for one in conjuncts([node.args["on"]] if node.args.get("on") else [])]
        right = self.rows.scope.sources[-1]
        for name in node.args.get("using") or []:
            left = [self._named(source, name) for source in self.rows.scope.sources[:-1]]
            ours, theirs = next((one for one in left if one is not None), None), self._named(right, name)
            if ours is None or theirs is None:
                near = self.rows.scope.near(name.name)
                raise self.state.refuse("sql.unknown_column", name, column=name.name, near=near)
            terms.append(self._equality(ours, theirs, name))
        if node.args.get("on") is None and not node.args.get("using") and node.side:
            raise self.state.refuse("sql.join_condition", item.place)
        return terms

    def _term(self, node: exp.Expr) -> Term:
        match node.unnest():
            case exp.EQ(this=exp.Column() as left, expression=exp.Column() as right):
                ours, theirs = self.rows.find(left), self.rows.find(right)
                if ours is not None and theirs is not None:
                    self.rows.read(ours, left)
                    self.rows.read(theirs, right)
                    return self._equality(ours, theirs, node)
        return self._plain(self.rows.predicate(node).expression, None)

    def _equality(self, left: Column, right: Column, node: exp.Expr) -> Term:
        """The equality of two columns: of units, of a foreign key with the key it refers to, or of values."""
        pair = None if left.origin is None or right.origin is None else (left.origin, right.origin)
        units = Type.UNIT in (left.type, right.type)
        if units and (left.type is right.type or (pair is not None and _refers((pair,)))):
            self.state.mentioned |= {one.origin.ref for one in (left, right) if one.origin is not None}
            return Term(None, self._sources((left.ref, right.ref)), units=True, pair=None)
        if units or Type.PRESENCE in (left.type, right.type):
            raise self.state.refuse("sql.unit_value", node, column=left.name)
        sides = (Typed(Ref(left.ref), left.type, 1), Typed(Ref(right.ref), right.type, 1))
        return self._plain(Scalars(self.state, self.rows).call("equal", sides, node).expression, pair)

    def _plain(self, expression: Expression, pair: tuple[Origin, Origin] | None) -> Term:
        return Term(expression, self._sources(refs(expression)), units=False, pair=pair)

    def _sources(self, refs: Iterable[str]) -> frozenset[int]:
        wanted = set(refs)
        return frozenset(
            position
            for position, source in enumerate(self.rows.scope.sources)
            if any(column.ref in wanted for column in source.columns)
        )

    def _flush(self) -> Item:
        """Joins the waiting items: the first private one first, then each as soon as a condition reaches it."""
        items = list(self.waiting)
        current = next((item for item in items if item.domain is not None), items[0])
        items.remove(current)
        while items:
            chosen = next((item for item in items if self._reached(current, item)), None)
            chosen = chosen or next((item for item in items if item.domain is None), None)
            if chosen is None:
                raise self._apart(current, items[0])
            items.remove(chosen)
            current = self._inner(current, chosen)
        return _filtered(current, self._take(self.on, lambda term: term.sources <= current.sources))

    def _reached(self, left: Item, right: Item) -> bool:
        between = [term for term in self.on if _between(term, left, right)]
        between += [term for term in self.where if self._settled(term) and _between(term, left, right)]
        if left.domain is not None and right.domain is not None:
            return _equates(between)
        return bool(between)

    def _settled(self, term: Term) -> bool:
        """Whether no outer join is still to come before a term of WHERE may be applied."""
        return term.sources & self.finally_extended <= self.extended

    def _inner(self, left: Item, right: Item) -> Item:
        terms = self._take(self.on, lambda term: _between(term, left, right))
        terms += self._take(self.where, lambda term: self._settled(term) and _between(term, left, right))
        return self._joined(left, right, JoinKind.INNER, terms, right.place)

    def _outer(self, left: Item, right: Item, terms: list[Term], kind: str, node: exp.Join) -> Item:
        kept, missable = (left, right) if kind == "LEFT" else (right, left)
        if kept.domain is None and missable.domain is not None:
            raise self.state.refuse("plan.join_preserved", node)
        joined = self._joined(kept, missable, JoinKind.LEFT, terms, right.place)
        self.extended |= missable.sources
        sources = self.rows.scope.sources
        sources[:] = [one.extended() if position in missable.sources else one for position, one in enumerate(sources)]
        return joined

    def _joined(self, left: Item, right: Item, kind: JoinKind, terms: Sequence[Term], place: exp.Expr) -> Item:
        private = [item for item in (left, right) if item.domain is not None]
        if private and (left.released or right.released):
            raise self.state.refuse("sql.nested_measure", place)
        unit = len(private) == 2
        if unit and left.domain != right.domain:
            raise self.state.refuse("plan.domains", place)
        if unit and not _equates(terms):
            raise self._apart(left, right)
        relation = Join(left.relation, right.relation, kind, unit, _all(terms))
        return Item(
            relation,
            left.sources | right.sources,
            left.domain or right.domain,
            left.released or right.released,
            place,
        )

    def _apart(self, left: Item, right: Item) -> Exception:
        if left.domain != right.domain:
            return self.state.refuse("plan.domains", right.place)
        return self.state.refuse("plan.join_unit", right.place)

    @staticmethod
    def _take(terms: list[Term], wanted: Callable[[Term], bool]) -> list[Term]:
        taken = [term for term in terms if wanted(term)]
        terms[:] = [term for term in terms if not wanted(term)]
        return taken


def _kind(node: exp.Join) -> str | None:
    """LEFT or RIGHT; None for an inner join of any spelling."""
    return node.side or None


def _between(term: Term, left: Item, right: Item) -> bool:
    """Whether the term can stand in the join of the two: it is about both of them and nothing else."""
    both = term.sources & left.sources and term.sources & right.sources
    return bool(both) and term.sources <= left.sources | right.sources


def _equates(terms: Iterable[Term]) -> bool:
    """Whether the terms equate the units of two private relations."""
    found = list(terms)
    if any(term.units for term in found):
        return True
    return _refers([term.pair for term in found if term.pair is not None])


def _refers(pairs: Sequence[tuple[Origin, Origin]]) -> bool:
    """Whether equal columns include a whole foreign key through which one table's rows get their unit."""
    both = [*pairs, *((right, left) for left, right in pairs)]
    return any(
        _covers(
            ours.table,
            theirs.table,
            {(a.column, b.column) for a, b in both if (a.scan, b.scan) == (ours.scan, theirs.scan)},
        )
        for ours, theirs in both
    )


def _covers(table: TableSchema, other: TableSchema, equal: set[tuple[str, str]]) -> bool:
    path = table.unit
    if path is None or path.references is None or table.dataset != other.dataset:
        return False
    wanted = set(zip(path.columns, other.key, strict=False))
    return path.references == other.name and len(path.columns) == len(other.key) and wanted <= equal


def _all(terms: Sequence[Term]) -> Expression | None:
    """The conjunction of the terms that are more than an equality of units."""
    parts: list[Expression] = []
    for term in terms:
        match term.expression:
            case None:
                pass
            case Call("and", arguments):
                parts += arguments
            case expression:
                parts.append(expression)
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else Call("and", tuple(parts))


def _filtered(item: Item, terms: Sequence[Term]) -> Item:
    predicate = _all(terms)
    return item if predicate is None else replace(item, relation=Filter(item.relation, predicate))
