"""The FROM clause: its items, the joins between them, and which of the conditions equate privacy units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from query_gateway.sql.context import Rows
from query_gateway.sql.schema import fold
from query_gateway.sql.scope import Column, Source
from query_gateway.sql.state import State, conjuncts
from query_gateway.sql.terms import Term, conjunction, equality, equates, plain
from sandbox.plan.nodes import Call, Filter, Join, JoinKind, Mark, Ref, Relation, Type


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


@dataclass(slots=True)
class Joins:
    """Joins the items of one FROM clause, left to right."""

    state: State
    rows: Rows
    where: list[Term] = field(default_factory=list)
    """Terms of WHERE that no join has taken yet."""
    marked: list[Term] = field(default_factory=list)
    """Terms with a subquery: they come after all joins."""
    correlated: list[Term] = field(default_factory=list)
    """Terms about the rows around a subquery: they are for what asks it."""
    on: list[Term] = field(default_factory=list)
    """Terms of inner joins that wait for their items."""
    waiting: list[Item] = field(default_factory=list)
    """Items to be joined in any order."""
    extended: frozenset[int] = frozenset()
    """FROM items that an outer join has made missable so far."""
    finally_extended: frozenset[int] = frozenset()
    outer_joins: bool = False
    merged: dict[str, Column] = field(default_factory=dict)
    """What USING has made one of so far, by folded name."""

    def join(self, first: Item, joins: Sequence[tuple[exp.Join, Item]], where: exp.Expr | None) -> Item:
        """The relation of the FROM clause with its WHERE.

        Refuses: `plan.join_unit`, `plan.join_preserved`, `plan.domains`, `plan.exists_private`, `sql.correlated`,
        `sql.subquery`, `sql.unit_value`.
        """
        self._one_domain([first, *(item for _, item in joins)])
        sources = list(self.rows.scope.sources)
        self.outer_joins = any(node.side for node, _ in joins)
        self._read_where(joins, where, sources)
        seen = list(self.rows.scope.sources)
        self.rows.scope.sources[:] = sources[:1]
        self.waiting = [first]
        for node, item in joins:
            self.rows.scope.sources.append(sources[len(self.rows.scope.sources)])
            kind = _kind(node)
            terms = self._condition(node, item, len(self.rows.scope.sources) - 1)
            if kind in ("SEMI", "ANTI"):
                self.waiting = [self._semi(self._flush(), item, terms, node)]
            elif kind is not None:
                self.waiting = [self._outer(self._flush(), item, terms, kind, node)]
            else:
                self.waiting.append(item)
                self.on += terms
        joined = _filtered(self._flush(), self._take(self.where, lambda _: True))
        self.rows.scope.sources[:] = seen
        return _filtered(replace(joined, relation=self.rows.attached(joined.relation)), self.marked)

    def _one_domain(self, items: Sequence[Item]) -> None:
        """Refuses what would make rows of two units before any condition of it is read."""
        private = [item for item in items if item.domain is not None]
        for item in private[1:]:
            if item.domain != private[0].domain:
                raise self.state.refuse("plan.domains", item.place)

    def _read_where(
        self, joins: Sequence[tuple[exp.Join, Item]], where: exp.Expr | None, sources: list[Source]
    ) -> None:
        """Reads WHERE while every source is visible, as the outer joins leave them."""
        extended, gone = set[int](), set[int]()
        for position, (node, _) in enumerate(joins, start=1):
            kind, before = _kind(node), set(range(position))
            if before & extended or kind in ("RIGHT", "FULL"):
                self.rows.scope.either = None
            if kind == "FULL" and not before & (extended | gone):
                self.rows.scope.either = _units(sources[:position]), _units([sources[position]])
            extended |= {position} if kind in ("LEFT", "FULL") else set()
            extended |= before if kind in ("RIGHT", "FULL") else set()
            gone |= {position} if kind in ("SEMI", "ANTI") else set()
        self.finally_extended = frozenset(extended)
        self.rows.scope.sources[:] = [
            Source("", ()) if place in gone else source.extended() if place in extended else source
            for place, source in enumerate(sources)
        ]
        self._merge(joins, gone)
        terms = [] if where is None else [self._term(node) for node in conjuncts([where])]
        self.where += [term for term in terms if term is not None]

    def _merge(self, joins: Sequence[tuple[exp.Join, Item]], gone: set[int]) -> None:
        """Makes one of the columns that USING names: the preserved side's, of a FULL JOIN whichever is there."""
        scope = self.rows.scope
        for position, (node, _) in enumerate(joins, start=1):
            if position in gone:
                continue
            if _kind(node) in ("RIGHT", "FULL"):
                # what was one of both sides can be missing from here on
                again = {fold(name.name) for name in self._using(node, position)}
                units = {key for key, one in scope.merged.items() if one.type is Type.UNIT and key not in again}
                scope.merged = {key: one for key, one in scope.merged.items() if key not in units}
            for name in self._using(node, position):
                key = fold(name.name)
                left = scope.merged.get(key) or self._first(scope.sources[:position], name)
                right = self._named(scope.sources[position], name)
                if left is not None and right is not None:
                    scope.merged[key] = _merged(left, right, _kind(node))

    def _using(self, node: exp.Join, position: int) -> list[exp.Expr]:
        """The columns that USING lists, or that NATURAL finds on both sides."""
        if node.args.get("method") != "NATURAL":
            return node.args.get("using") or []
        sources = self.rows.scope.sources
        known = {fold(column.name) for source in sources[:position] for column in source.columns}
        names = [column.name for column in sources[position].columns if fold(column.name) in known]
        return [exp.to_identifier(name, quoted=True) for name in names]

    def _first(self, sources: Sequence[Source], name: exp.Expr) -> Column | None:
        return next((column for one in sources if (column := self._named(one, name)) is not None), None)

    def _named(self, source: Source, name: exp.Expr) -> Column | None:
        return next((column for column in source.columns if fold(column.name) == fold(name.name)), None)

    def _condition(self, node: exp.Join, item: Item, position: int) -> list[Term]:
        """The terms of ON, USING or NATURAL."""
        found = [self._term(one, node) for one in conjuncts([node.args["on"]] if node.args.get("on") else [])]
        terms = [term for term in found if term is not None]
        sources = self.rows.scope.sources
        using = self._using(node, position)
        for name in using:
            place = item.place if node.args.get("method") else name
            ours = self.merged.get(fold(name.name)) or self._first(sources[:-1], name)
            theirs = self._named(sources[-1], name)
            if ours is None or theirs is None:
                raise self.state.refuse("sql.unknown_column", name, **self.rows.scope.unknown(name.name))
            terms.append(equality(self.rows, ours, theirs, place))
            self.merged[fold(name.name)] = _merged(ours, theirs, _kind(node))
        if node.args.get("on") is None and not using and (node.side or node.kind in ("SEMI", "ANTI")):
            raise self.state.refuse("sql.join_condition", item.place)
        return terms

    def _term(self, node: exp.Expr, join: exp.Join | None = None) -> Term | None:
        """One term; None of one that is put by for later. Refuses `sql.correlated`, `sql.subquery`."""
        term = self._read(node)
        late = self.marked if term.refs & (self.rows.marked | self.rows.asked.columns) else None
        if term.refs & self.rows.borrowed:
            late = self.correlated
        if late is None:
            return term
        if join is not None and (self.outer_joins or join.kind in ("SEMI", "ANTI")):
            raise self.state.refuse("sql.correlated" if late is self.correlated else "sql.subquery", node)
        late.append(term)
        return None

    def _read(self, node: exp.Expr) -> Term:
        match node.unnest():
            case exp.EQ(this=exp.Column() as left, expression=exp.Column() as right):
                ours, theirs = self.rows.find(left), self.rows.find(right)
                if ours is not None and theirs is not None:
                    self.rows.read(ours, left)
                    self.rows.read(theirs, right)
                    return equality(self.rows, ours, theirs, node)
        return plain(self.rows.condition(node))

    def _sources(self, term: Term) -> frozenset[int]:
        return frozenset(
            position
            for position, source in enumerate(self.rows.scope.sources)
            if any(column.ref in term.refs for column in source.columns)
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
                raise self.state.refuse("plan.join_unit", items[0].place)
            items.remove(chosen)
            current = self._inner(current, chosen)
        return _filtered(current, self._take(self.on, lambda term: self._sources(term) <= current.sources))

    def _reached(self, left: Item, right: Item) -> bool:
        between = [term for term in self.on if self._between(term, left, right)]
        between += [term for term in self.where if self._settled(term) and self._between(term, left, right)]
        if left.domain is not None and right.domain is not None:
            return equates(between)
        return bool(between)

    def _settled(self, term: Term) -> bool:
        """Whether no outer join is still to come before a term of WHERE may be applied."""
        return self._sources(term) & self.finally_extended <= self.extended

    def _inner(self, left: Item, right: Item) -> Item:
        terms = self._take(self.on, lambda term: self._between(term, left, right))
        terms += self._take(self.where, lambda term: self._settled(term) and self._between(term, left, right))
        return self._joined(left, right, JoinKind.INNER, terms, right.place)

    def _between(self, term: Term, left: Item, right: Item) -> bool:
        """Whether the term can stand in the join of the two: it is about both of them and nothing else."""
        sources = self._sources(term)
        return bool(sources & left.sources and sources & right.sources) and sources <= left.sources | right.sources

    def _outer(self, left: Item, right: Item, terms: list[Term], kind: str, node: exp.Join) -> Item:
        if kind == "FULL":
            if (left.domain is None) != (right.domain is None):
                raise self.state.refuse("plan.join_preserved", node)
            joined = self._joined(left, right, JoinKind.FULL, terms, right.place)
            self._extend(left.sources | right.sources)
            return joined
        kept, missable = (left, right) if kind == "LEFT" else (right, left)
        if kept.domain is None and missable.domain is not None:
            raise self.state.refuse("plan.join_preserved", node)
        joined = self._joined(kept, missable, JoinKind.LEFT, terms, right.place)
        self._extend(missable.sources)
        return joined

    def _extend(self, missable: frozenset[int]) -> None:
        self.extended |= missable
        sources = self.rows.scope.sources
        sources[:] = [one.extended() if position in missable else one for position, one in enumerate(sources)]

    def _semi(self, left: Item, right: Item, terms: Sequence[Term], node: exp.Join) -> Item:
        """The rows of the left side that have, or have not, a match: the right side's columns are gone."""
        unit = self._paired(left, right, terms)
        if left.domain is None and right.domain is not None:
            raise self.state.refuse("plan.exists_private", right.place)
        name = self.state.fresh("e", right.place)
        marked = Mark(left.relation, right.relation, name, unit, conjunction(terms))
        kept = Ref(name) if node.kind == "SEMI" else Call("not", (Ref(name),))
        self.rows.scope.sources[-1] = Source("", ())
        return replace(left, relation=Filter(marked, kept), sources=left.sources | right.sources)

    def _joined(self, left: Item, right: Item, kind: JoinKind, terms: Sequence[Term], place: exp.Expr) -> Item:
        unit = self._paired(left, right, terms)
        relation = Join(left.relation, right.relation, kind, unit, conjunction(terms))
        return Item(
            relation,
            left.sources | right.sources,
            left.domain or right.domain,
            left.released or right.released,
            place,
        )

    def _paired(self, left: Item, right: Item, terms: Sequence[Term]) -> bool:
        """Whether rows of equal units are paired."""
        private = [item for item in (left, right) if item.domain is not None]
        if len(private) < 2:
            return False
        if not equates(terms):
            raise self.state.refuse("plan.join_unit", right.place)
        return True

    @staticmethod
    def _take(terms: list[Term], wanted: Callable[[Term], bool]) -> list[Term]:
        taken = [term for term in terms if wanted(term)]
        terms[:] = [term for term in terms if not wanted(term)]
        return taken


def _kind(node: exp.Join) -> str | None:
    """LEFT, RIGHT, FULL, SEMI or ANTI; None for an inner join of any spelling."""
    return node.side or (node.kind if node.kind in ("SEMI", "ANTI") else None) or None


def _units(sources: Iterable[Source]) -> frozenset[str]:
    return frozenset(column.ref for source in sources for column in source.columns if column.type is Type.UNIT)


def _merged(left: Column, right: Column, kind: str | None) -> Column:
    """The column that USING makes of two."""
    if kind != "FULL":
        return right if kind == "RIGHT" else left
    hidden = {left.type, right.type} <= {Type.UNIT, Type.PRESENCE}
    if hidden:
        return replace(left, type=Type.UNIT, origin=None)
    return replace(left, type=right.type if right.type is Type.DOUBLE else left.type, origin=None, other=right.ref)


def _filtered(item: Item, terms: Sequence[Term]) -> Item:
    predicate = conjunction(terms)
    return item if predicate is None else replace(item, relation=Filter(item.relation, predicate))
