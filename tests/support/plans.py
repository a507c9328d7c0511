"""Generated expressions, relations, measures and plans over given cards, for property tests.

Everything generated is well typed and scoped; `check` may still refuse it for its size. Every shape of the plan
language occurs: scans, filters, projections, joins of each kind, group keys, every aggregate with and without filter,
and public parts with arithmetic, filters, orders, limits and joins with public tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product

from hypothesis import strategies as st

from policies.cards import DatasetCard, TableCard
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.aggregates import PAIR_FUNCTIONS
from sandbox.plan.nodes import (
    Aggregate,
    Call,
    Constants,
    Distinct,
    Expression,
    Filter,
    Join,
    JoinKind,
    Limit,
    Literal,
    Mark,
    Measure,
    Output,
    Project,
    Ref,
    Released,
    Scan,
    ScanColumn,
    Sort,
    Type,
    Union,
    UnionColumn,
)
from sandbox.plan.plan import Label, Plan
from sandbox.plan.signatures import VALUES
from tests.support.expressions import Built, Names, expressions, literals
from tests.support.partitions import grouped, orders, windows

SHAPES = ("derived", "sort", "limit", "join", "union", "group", "window", "distinct")
"""Of public parts."""


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
    shapes += ["group", "window", "window", "distinct"]
    publics = any(not table.private for one in cards for table in one.tables)
    for _ in range(draw(st.integers(0, depth))):
        shape = draw(st.sampled_from(shapes))
        if shape == "derived":
            built = draw(derived(names, built))
        elif shape == "union":
            built = draw(united(names, built, draw(relations(names, usable, private=private, depth=depth - 1))))
        elif shape == "group":
            built = draw(grouped(names, built))
        elif shape == "window":
            built = draw(windows(names, built))
        elif shape == "distinct" and built.columns:
            built = Built(Distinct(built.relation), built.columns)
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
    other: Expression | None = None
    match function:
        case AggregateFunction.UNITS:
            pass
        case AggregateFunction.DISTINCT:
            argument = draw(st.sampled_from(VALUES).flatmap(lambda one: expressions(source.columns, one, 1)))
        case AggregateFunction.ROWS:
            kinds = st.sampled_from(VALUES).flatmap(lambda one: expressions(source.columns, one, 1))
            argument = draw(st.none() | kinds)
        case _:
            type_ = draw(st.sampled_from((Type.INTEGER, Type.DOUBLE)))
            limits = [Literal(type_, Fraction(end) if type_ is Type.DOUBLE else end) for end in (-20, 1500)]
            argument = Call("clamp", (draw(expressions(source.columns, type_, 2)), *limits))
            plain = [one for one, found in source.columns.items() if found is type_]
            if draw(st.booleans()) and plain:
                argument = Call("clamp", (Ref(draw(st.sampled_from(plain))), *limits))
            if function in PAIR_FUNCTIONS:
                other = Call("clamp", (draw(expressions(source.columns, type_, 2)), *limits))
            whole = function is AggregateFunction.REGR_COUNT
            type_ = Type.INTEGER if whole else type_ if function is AggregateFunction.SUM else Type.DOUBLE
    return Aggregate(name, function, argument, predicate, other), type_


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
    for shape in draw(st.lists(st.sampled_from(SHAPES), max_size=3)):
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
            return Built(Sort(built.relation, draw(orders(built, 1))), built.columns)
        case "group":
            return draw(grouped(names, built))
        case "window":
            return draw(windows(names, built))
        case "distinct" if built.columns:
            return Built(Distinct(built.relation), built.columns)
        case "join" if any(not table.private for one in cards for table in one.tables):
            other = draw(relations(names, cards, private=False, depth=0))
            combine = draw(st.sampled_from((_joined, marked)))
            return draw(combine(names, built, other, both=False, private=False))
        case "union":
            return draw(united(names, built, draw(relations(names, cards, private=False, depth=0))))
        case _:
            limit = Limit(built.relation, draw(st.integers(0, 5)), draw(st.integers(0, 2)))
            return Built(limit, built.columns)
