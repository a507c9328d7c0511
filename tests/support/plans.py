"""Generated expressions, relations, measures and plans over given cards, for property tests.

Everything generated is well typed and scoped; `check` may still refuse it for its size. Every shape of the plan
language occurs: scans, filters, projections, joins of each kind, group keys, every aggregate with and without filter,
and public parts with arithmetic, filters, orders, limits and joins with public tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from itertools import count, product

from hypothesis import strategies as st

from policies.cards import DatasetCard, TableCard
from sandbox.errors import Refusal
from sandbox.plan.functions import FUNCTIONS, resolve
from sandbox.plan.nodes import (
    Aggregate,
    AggregateFunction,
    Call,
    Constants,
    Expression,
    Filter,
    Join,
    JoinKind,
    Label,
    Limit,
    Literal,
    Mark,
    Measure,
    Order,
    Output,
    Plan,
    Project,
    Ref,
    Relation,
    Released,
    Scalar,
    Scan,
    ScanColumn,
    Sort,
    Type,
    Union,
    UnionColumn,
)
from sandbox.plan.signatures import VALUES, Signature
from tests.support.function_literals import literal_choices

WORDS = ("", "a", "B", "ab", " a ", "内科", "女", "x%y", "12", "2020-02-29", "O'Brien")
INTEGERS = (0, 1, -1, 2, 3, 7, 10, 100, 2024, -(2**63), 2**63 - 1)
REALS = tuple(map(Fraction, ("0", "1", "-1", "1/2", "1/3", "5/2", "100", "1999/10", "-7/4")))
DAYS = (date(2024, 1, 1), date(2024, 2, 29), date(2024, 12, 31), date(1969, 12, 31), date.min, date.max)
UNARY_KINDS = (Type.BOOLEAN, Type.INTEGER, Type.DOUBLE, Type.TEXT, Type.DATE, Type.TIMESTAMP)


@dataclass(slots=True)
class Names:
    """Generated names, never the same twice."""

    numbers: dict[str, count[int]] = field(default_factory=dict)

    def next(self, prefix: str) -> str:
        return f"{prefix}{next(self.numbers.setdefault(prefix, count(1)))}"


def values_of(type_: Type) -> st.SearchStrategy[Scalar]:
    """Values of a type, edges among them; never NULL."""
    match type_:
        case Type.BOOLEAN:
            return st.booleans()
        case Type.INTEGER:
            return st.sampled_from(INTEGERS) | st.integers(-50, 50)
        case Type.DOUBLE:
            return st.sampled_from(REALS) | st.fractions(-1000, 1000, max_denominator=8)
        case Type.TEXT:
            return st.sampled_from(WORDS) | st.text(st.sampled_from("abB 中%_'\\1"), max_size=6)
        case Type.DATE:
            return st.sampled_from(DAYS) | st.dates(date(2023, 12, 1), date(2025, 1, 31))
        case _:
            start = datetime.fromisoformat("2024-01-01T00:00:00")
            return st.integers(-(10**9), 40 * 10**6).map(lambda seconds: start + timedelta(seconds=seconds))


def literals(type_: Type, *, null: bool = True) -> st.SearchStrategy[Literal]:
    """Literals of a type, NULL among them where asked."""
    values = values_of(type_)
    return st.builds(Literal, st.just(type_), st.none() | values if null else values)


@cache
def signatures(result: Type) -> tuple[tuple[str, tuple[Type, ...], Signature], ...]:
    """Every function that can return a type, at argument types of its own (no conversions beside those it makes)."""
    found = list[tuple[str, tuple[Type, ...], Signature]]()
    for name in FUNCTIONS:
        for size in (1, 2, 3):
            for types in product(UNARY_KINDS, repeat=size):
                try:
                    signature = resolve(name, types)
                except Refusal:
                    continue
                if signature.result is result:
                    found.append((name, types, signature))
    if result is Type.INTEGER:
        types = (Type.DOUBLE, Type.DOUBLE, Type.DOUBLE, Type.INTEGER)
        found.append(("width_bucket", types, resolve("width_bucket", types)))
    return tuple(found)


@st.composite
def expressions(draw: st.DrawFn, columns: Mapping[str, Type], type_: Type, depth: int = 3) -> Expression:
    """An expression of a type over columns."""
    named = [name for name, found in columns.items() if found is type_]
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        leaves: st.SearchStrategy[Expression] = literals(type_)
        if named:
            leaves = st.sampled_from(named).map(Ref) | st.sampled_from(named).map(Ref) | leaves
        return draw(leaves)
    name, types, _ = draw(st.sampled_from(signatures(type_)))
    if name in ("is_null", "is_not_null"):
        hidden = [one for one, found in columns.items() if found in (Type.UNIT, Type.PRESENCE)]
        if draw(st.booleans()) and hidden:
            return Call(name, (Ref(draw(st.sampled_from(hidden))),))
    places = FUNCTIONS[name].literals(len(types))
    fixed = draw(_fixed(name, types)) if places else {}
    arguments = tuple(
        fixed[place] if place in fixed else draw(expressions(columns, one, depth - 1))
        for place, one in enumerate(types)
    )
    return Call(name, arguments)


@st.composite
def _fixed(draw: st.DrawFn, name: str, types: tuple[Type, ...]) -> dict[int, Literal]:
    """Literals for the places that demand them, which mean something there."""
    places = sorted(FUNCTIONS[name].literals(len(types)))
    match name:
        case "round" | "trunc" | "round_even":
            return {1: Literal(Type.INTEGER, draw(st.integers(-4, 4)))}
        case "width_bucket":
            low, high = sorted(draw(st.lists(st.sampled_from(REALS), min_size=2, max_size=2, unique=True)))
            buckets = Literal(Type.INTEGER, draw(st.integers(1, 20)))
            return {1: Literal(Type.DOUBLE, low), 2: Literal(Type.DOUBLE, high), 3: buckets}
        case "clamp" if types[1] is types[2]:
            lo, hi = sorted(draw(st.lists(values_of(types[1]), min_size=2, max_size=2)))  # type: ignore[type-var]
            return {1: Literal(types[1], lo), 2: Literal(types[2], hi)}
        case "clamp":
            return {1: _small(types[1], 0), 2: _small(types[2], 9)}
        case "in" | "like" | "replace":
            return {place: draw(literals(types[place], null=name == "in")) for place in places}
        case _:
            chosen = draw(st.sampled_from(literal_choices(name, types)))
            return {place: Literal(types[place], value) for place, value in zip(places, chosen, strict=True)}


def _small(type_: Type, value: int) -> Literal:
    """A literal whose order does not depend on its type."""
    match type_:
        case Type.INTEGER:
            return Literal(type_, value)
        case Type.DOUBLE:
            return Literal(type_, Fraction(value))
        case Type.DATE:
            return Literal(type_, date(2024, 1, 1 + value))
        case _:
            return Literal(type_, datetime.fromisoformat(f"2024-01-{1 + value:02}T00:00:00"))


@dataclass(frozen=True, slots=True)
class Built:
    """A relation and the types of its columns."""

    relation: Relation
    columns: Mapping[str, Type]


@st.composite
def scans(draw: st.DrawFn, names: Names, dataset: str, table: TableCard) -> Built:
    """A scan of some of a table's columns."""
    chosen = draw(st.lists(st.sampled_from(table.columns), unique=True, max_size=len(table.columns)))
    columns = {names.next("c"): one for one in chosen}
    scan = Scan(dataset, table.name, tuple(ScanColumn(name, one.name) for name, one in columns.items()))
    return Built(scan, {name: Type(one.type.value) for name, one in columns.items()})


@st.composite
def conditions(draw: st.DrawFn, left: Built, right: Built) -> Expression:
    """A join condition: equalities of columns, and sometimes any predicate."""
    pairs = [
        (one, other)
        for one, other in product(left.columns, right.columns)
        if left.columns[one] is right.columns[other] in VALUES
    ]
    terms: list[Expression] = [
        Call("equal", (Ref(one), Ref(other)))
        for one, other in (draw(st.lists(st.sampled_from(pairs), max_size=2, unique=True)) if pairs else [])
    ]
    if not terms or draw(st.integers(0, 3)) == 0:
        terms.append(draw(expressions({**left.columns, **right.columns}, Type.BOOLEAN, 2)))
    return terms[0] if len(terms) == 1 else Call("and", tuple(terms))


@st.composite
def derived(draw: st.DrawFn, names: Names, built: Built) -> Built:
    """A filter or projection over a relation."""
    if draw(st.booleans()):
        return Built(Filter(built.relation, draw(expressions(built.columns, Type.BOOLEAN))), built.columns)
    kept = draw(st.lists(st.sampled_from(sorted(built.columns)), unique=True)) if built.columns else []
    outputs = [(Output(names.next("c"), Ref(name)), built.columns[name]) for name in kept]
    outputs += [
        (Output(names.next("c"), draw(expressions(built.columns, type_))), type_)
        for type_ in draw(st.lists(st.sampled_from(VALUES), max_size=2))
    ]
    return Built(
        Project(built.relation, tuple(output for output, _ in outputs)),
        {output.name: type_ for output, type_ in outputs},
    )


@st.composite
def relations(draw: st.DrawFn, names: Names, cards: Sequence[DatasetCard], *, private: bool, depth: int = 2) -> Built:
    """A private or public relation. Data sets of other unit domains than the first's are left out of private ones."""
    usable = [one for one in cards if not private or one.unit_domain == cards[0].unit_domain]
    tables = [(one.name, table) for one in usable for table in one.tables if table.private == private]
    dataset, table = draw(st.sampled_from(tables))
    constant = not private and draw(st.integers(0, 5)) == 0
    built = draw(constants(names)) if constant else draw(scans(names, dataset, table))
    shapes = ["none", "none", "derived", "derived", "public", "private" if private else "public", "union"]
    publics = any(not table.private for one in cards for table in one.tables)
    for _ in range(draw(st.integers(0, depth))):
        shape = draw(st.sampled_from(shapes))
        if shape == "derived":
            built = draw(derived(names, built))
        elif shape == "union":
            built = draw(united(names, built, draw(relations(names, usable, private=private, depth=depth - 1))))
        elif shape == "private" or (shape == "public" and publics):
            other = draw(relations(names, usable if shape == "private" else cards, private=shape == "private", depth=1))
            combine = marked if draw(st.integers(0, 2)) == 0 else _joined
            built = draw(combine(names, built, other, both=shape == "private", private=private))
    return built


@st.composite
def constants(draw: st.DrawFn, names: Names) -> Built:
    """Rows written out."""
    types = draw(st.lists(st.sampled_from(VALUES), max_size=3))
    columns = {names.next("c"): type_ for type_ in types}
    rows = draw(st.lists(st.tuples(*map(literals, types)), min_size=1, max_size=3))
    return Built(Constants(tuple(columns), tuple(rows)), columns)


@st.composite
def united(draw: st.DrawFn, names: Names, left: Built, right: Built) -> Built:
    """UNION ALL of two relations of one kind: columns of equal types, as many as there happen to be."""
    pairs, columns = list[UnionColumn](), dict[str, Type]()
    hidden = {Type.UNIT, Type.PRESENCE}
    for one, type_ in left.columns.items():
        fitting = [name for name, found in right.columns.items() if found is type_ or {found, type_} <= hidden]
        if fitting and draw(st.integers(0, 3)) > 0:
            pairs.append(UnionColumn(names.next("c"), one, draw(st.sampled_from(fitting))))
            both = {type_, right.columns[pairs[-1].right]}
            columns[pairs[-1].name] = Type.PRESENCE if both == hidden else type_
    return Built(Union(left.relation, right.relation, tuple(pairs)), columns)


@st.composite
def marked(draw: st.DrawFn, names: Names, left: Built, right: Built, *, both: bool, private: bool) -> Built:
    """A mark of the left side, and sometimes a filter by it. `private`: of the left side."""
    condition = draw(conditions(left, right)) if not both or draw(st.booleans()) else None
    if not both and draw(st.integers(0, 3)) == 0:
        condition = None
    name = names.next("c")
    found = Mark(left.relation, right.relation, name, both, condition)
    keep = draw(st.sampled_from((None, None, Ref(name), Call("not", (Ref(name),)))))
    columns = {**left.columns, name: Type.BOOLEAN}
    assert private or not both
    return Built(found if keep is None else Filter(found, keep), columns)


@st.composite
def _joined(draw: st.DrawFn, _: Names, left: Built, right: Built, *, both: bool, private: bool) -> Built:
    kind = draw(st.sampled_from([one for one in JoinKind if one is not JoinKind.FULL or both or not private]))
    if private and not both and kind is JoinKind.INNER and draw(st.booleans()):
        left, right = right, left
    condition = draw(conditions(left, right)) if not both or draw(st.booleans()) else None
    columns = {**left.columns, **right.columns}
    missable = {JoinKind.LEFT: right.columns, JoinKind.FULL: columns}.get(kind, {})
    extended = {name: Type.PRESENCE for name, type_ in missable.items() if type_ is Type.UNIT}
    return Built(Join(left.relation, right.relation, kind, both, condition), {**columns, **extended})


@st.composite
def measures(
    draw: st.DrawFn, names: Names, cards: Sequence[DatasetCard], released: Built | None = None
) -> tuple[Measure, Mapping[str, Type]]:
    """A measure, and the types of what it releases; it may read what one before it released."""
    source = draw(relations(names, cards, private=True))
    if released is not None and draw(st.integers(0, 3)):
        for shape in draw(st.lists(st.sampled_from(("derived", "sort", "limit", "join")), max_size=2)):
            released = draw(_public(names, cards, released, shape))
        source = draw(_joined(names, source, released, both=False, private=True))
        if draw(st.booleans()):
            source = draw(derived(names, source))
    keys, types = [], dict[str, Type]()
    for type_ in draw(st.lists(st.sampled_from(VALUES), max_size=2)):
        keys.append(Output(names.next("k"), draw(expressions(source.columns, type_, 1))))
        types[keys[-1].name] = type_
    aggregates = []
    for function in draw(st.lists(st.sampled_from(AggregateFunction), min_size=1, max_size=3)):
        found, type_ = draw(_aggregate(names, source, function))
        aggregates.append(found)
        types[found.name] = type_
    return Measure(names.next("m"), source.relation, tuple(keys), tuple(aggregates)), types


@st.composite
def _aggregate(draw: st.DrawFn, names: Names, source: Built, function: AggregateFunction) -> tuple[Aggregate, Type]:
    predicate = draw(st.none() | expressions(source.columns, Type.BOOLEAN, 2))
    name, type_ = names.next("a"), Type.INTEGER
    argument: Expression | None = None
    match function:
        case AggregateFunction.SUM | AggregateFunction.AVG:
            type_ = draw(st.sampled_from((Type.INTEGER, Type.DOUBLE)))
            limits = [Literal(type_, Fraction(end) if type_ is Type.DOUBLE else end) for end in (-20, 1500)]
            argument = Call("clamp", (draw(expressions(source.columns, type_, 2)), *limits))
            plain = [one for one, found in source.columns.items() if found is type_]
            if draw(st.booleans()) and plain:
                argument = Call("clamp", (Ref(draw(st.sampled_from(plain))), *limits))
            type_ = type_ if function is AggregateFunction.SUM else Type.DOUBLE
        case AggregateFunction.ROWS:
            kinds = st.sampled_from(VALUES).flatmap(lambda one: expressions(source.columns, one, 1))
            argument = draw(st.none() | kinds)
        case AggregateFunction.UNITS:
            pass
    return Aggregate(name, function, argument, predicate), type_


@st.composite
def plans(draw: st.DrawFn, cards: Sequence[DatasetCard]) -> Plan:
    """A plan of one or two measures and a public part over what they release."""
    names = Names()
    found = [draw(measures(names, cards))]
    built = Built(Released(found[0][0].name), found[0][1])
    for _ in range(draw(st.sampled_from((0, 1, 1, 2)))):
        earlier, types = draw(st.sampled_from(found))
        found.append(draw(measures(names, cards, Built(Released(earlier.name), types))))
    for measure, types in found[1:]:
        other = Built(Released(measure.name), types)
        built = draw(_joined(names, built, other, both=False, private=False))
    for shape in draw(st.lists(st.sampled_from(("derived", "sort", "limit", "join", "union")), max_size=3)):
        built = draw(_public(names, cards, built, shape))
    if not built.columns:
        built = Built(Project(built.relation, (Output(names.next("o"), Literal(Type.INTEGER, 1)),)), {})
        assert isinstance(built.relation, Project)
        return Plan(tuple(one for one, _ in found), built.relation, (Label(built.relation.outputs[0].name, "one"),))
    shown = draw(st.lists(st.sampled_from(sorted(built.columns)), unique=True, min_size=1))
    labels = tuple(Label(name, f"label of {name}") for name in shown)
    return Plan(tuple(one for one, _ in found), built.relation, labels)


@st.composite
def _public(draw: st.DrawFn, names: Names, cards: Sequence[DatasetCard], built: Built, shape: str) -> Built:
    match shape:
        case "derived":
            return draw(derived(names, built))
        case "sort" if built.columns:
            types = draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=2))
            terms = tuple(Order(draw(expressions(built.columns, one, 1)), draw(st.booleans())) for one in types)
            return Built(Sort(built.relation, terms), built.columns)
        case "join" if any(not table.private for one in cards for table in one.tables):
            other = draw(relations(names, cards, private=False, depth=0))
            combine = draw(st.sampled_from((_joined, marked)))
            return draw(combine(names, built, other, both=False, private=False))
        case "union":
            return draw(united(names, built, draw(relations(names, cards, private=False, depth=0))))
        case _:
            limit = Limit(built.relation, draw(st.integers(0, 5)), draw(st.integers(0, 2)))
            return Built(limit, built.columns)
