"""Generated expressions, relations, measures and plans over given cards, for property tests.

Everything generated is well typed and scoped; `check` may still refuse it for its size. Every shape of the plan
language occurs: scans, filters, projections, joins of each kind, group keys, every aggregate with and without filter,
and public parts with arithmetic, filters, orders, limits and joins with public tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product

from hypothesis import strategies as st

from policies.cards import DatasetCard, TableCard
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.aggregates import CHOSEN, PAIR_FUNCTIONS, QUANTILES
from sandbox.plan.grouping_sets import Levels
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
    Window,
    Windowed,
)
from sandbox.plan.plan import Label, Plan
from sandbox.plan.signatures import VALUES
from sandbox.plan.window_functions import WindowFunction
from tests.support.draws import Draws, drawn, seeded
from tests.support.expressions import Built, Names, expression, literal
from tests.support.partitions import grouped, order, ranged, windows

SHAPES = ("derived", "sort", "limit", "join", "union", "group", "window", "distinct")
"""Of public parts."""


def scan(some: Draws, names: Names, dataset: str, table: TableCard) -> Built:
    """A scan of some of a table's columns, mostly of all."""
    most = len(table.columns)
    chosen = some.different(table.columns, most, some.one((most, most - 1, 0)))
    columns = {names.next("c"): one for one in chosen}
    made = Scan(dataset, table.name, tuple(ScanColumn(name, one.name) for name, one in columns.items()))
    return Built(made, {name: Type(one.type.value) for name, one in columns.items()})


def condition(some: Draws, left: Built, right: Built) -> Expression:
    """A join condition: equalities of columns, and sometimes any predicate."""
    pairs = [
        (one, other)
        for one, other in product(left.columns, right.columns)
        if left.columns[one] is right.columns[other] in VALUES
    ]
    chosen = some.different(pairs, 2, 1) if pairs and some.number(0, 3) else []
    terms: list[Expression] = [Call("equal", (Ref(one), Ref(other))) for one, other in chosen]
    if not terms or some.chance(4):
        terms.append(expression(some, {**left.columns, **right.columns}, Type.BOOLEAN, 2))
    return terms[0] if len(terms) == 1 else Call("and", tuple(terms))


def derived(some: Draws, names: Names, built: Built) -> Built:
    """A filter or projection over a relation."""
    if some.number(0, 1):
        return Built(Filter(built.relation, expression(some, built.columns, Type.BOOLEAN)), built.columns)
    kept = some.different(sorted(built.columns), len(built.columns), some.number(0, len(built.columns)))
    outputs = [(Output(names.next("c"), Ref(name)), built.columns[name]) for name in kept]
    outputs += [
        (Output(names.next("c"), expression(some, built.columns, type_)), type_) for type_ in some.some(VALUES, 2)
    ]
    return Built(
        Project(built.relation, tuple(output for output, _ in outputs)),
        {output.name: type_ for output, type_ in outputs},
    )


def relation(some: Draws, names: Names, cards: Sequence[DatasetCard], *, private: bool, depth: int = 2) -> Built:
    """A private or public relation. Data sets of other unit domains than the first's are left out of private ones."""
    usable = [one for one in cards if not private or one.unit_domain == cards[0].unit_domain]
    tables = [(one.name, table) for one in usable for table in one.tables if table.private == private]
    constant = not tables or (not private and some.chance(6))
    built = constants(some, names) if constant else scan(some, names, *some.one(tables))
    shapes = ["derived", "public", *(["private"] * 3 if private else []), "union"]
    shapes += ["group", "window", "distinct", "numbered"]
    publics = any(not table.private for one in cards for table in one.tables)
    for _ in range(some.number(0, depth)):
        built = _shaped(some, names, built, some.one(shapes), usable, cards, publics, private, depth)
    return built


def _shaped(
    some: Draws,
    names: Names,
    built: Built,
    shape: str,
    usable: Sequence[DatasetCard],
    cards: Sequence[DatasetCard],
    publics: bool,
    private: bool,
    depth: int,
) -> Built:
    """The relation with one operator more."""
    match shape:
        case "derived":
            return derived(some, names, built)
        case "union":
            return united(some, names, built, relation(some, names, usable, private=private, depth=depth - 1))
        case "group":
            return grouped(some, names, built)
        case "window":
            return windows(some, names, built)
        case "numbered":
            return numbered(some, names, built)
        case "distinct" if built.columns:
            return Built(Distinct(built.relation), built.columns)
        case "private" | "public" if shape == "private" or publics:
            both = shape == "private"
            other = relation(some, names, usable if both else cards, private=both, depth=1)
            combine = marked if some.chance(3) else joined
            return combine(some, names, built, other, both=both, private=private)
    return built


def numbered(some: Draws, names: Names, built: Built) -> Built:
    """The first rows of each unit, or of each of its parts, by a row number: what a filter by it bounds (rule 10)."""
    plain = [name for name, type_ in built.columns.items() if type_ in VALUES]
    parts = tuple(Ref(name) for name in some.different(plain, 1))
    name = names.next("w")
    windowed = Windowed(name, WindowFunction.ROW_NUMBER, None, None, None, None, parts, order(some, built), None)
    most = Literal(Type.INTEGER, some.number(0, 2))
    kept = Call(some.one(("less_equal", "less", "equal")), (Ref(name), most))
    return Built(Filter(Window(built.relation, (windowed,)), kept), {**built.columns, name: Type.INTEGER})


def constants(some: Draws, names: Names) -> Built:
    """Rows written out."""
    types = some.some(VALUES, 3)
    columns = {names.next("c"): type_ for type_ in types}
    rows = [tuple(literal(some, type_) for type_ in types) for _ in range(some.number(1, 3))]
    return Built(Constants(tuple(columns), tuple(rows)), columns)


def united(some: Draws, names: Names, left: Built, right: Built) -> Built:
    """UNION ALL of two relations of one kind: columns of equal types, as many as there happen to be."""
    pairs, columns = list[UnionColumn](), dict[str, Type]()
    hidden = {Type.UNIT, Type.PRESENCE}
    for one, type_ in left.columns.items():
        fitting = [name for name, found in right.columns.items() if found is type_ or {found, type_} <= hidden]
        if fitting and some.number(0, 3) > 0:
            pairs.append(UnionColumn(names.next("c"), one, some.one(fitting)))
            both = {type_, right.columns[pairs[-1].right]}
            columns[pairs[-1].name] = Type.PRESENCE if both == hidden else type_
    return Built(Union(left.relation, right.relation, tuple(pairs)), columns)


def marked(some: Draws, names: Names, left: Built, right: Built, *, both: bool, private: bool) -> Built:
    """A mark of the left side, and sometimes a filter by it, also under OR. `private`: of the left side."""
    assert private or not both
    asked = some.number(0, 1) if both else some.number(0, 3)
    found, name = condition(some, left, right) if asked else None, names.next("c")
    columns = {**left.columns, name: Type.BOOLEAN}
    mark = Mark(left.relation, right.relation, name, both, found)
    match some.number(0, 3):
        case 0:
            return Built(mark, columns)
        case 1:
            keep: Expression = Ref(name)
        case 2:
            keep = Call("not", (Ref(name),))
        case _:
            keep = Call("or", (Ref(name), expression(some, left.columns, Type.BOOLEAN, 1)))
    return Built(Filter(mark, keep), columns)


def joined(some: Draws, _: Names, left: Built, right: Built, *, both: bool, private: bool) -> Built:
    kind = some.one([one for one in JoinKind if one is not JoinKind.FULL or both or not private])
    if private and not both and kind is JoinKind.INNER and some.number(0, 1):
        left, right = right, left
    asked = not both or some.number(0, 1)
    found = condition(some, left, right) if asked else None
    columns = {**left.columns, **right.columns}
    missable = {JoinKind.LEFT: right.columns, JoinKind.FULL: columns}.get(kind, {})
    extended = {name: Type.PRESENCE for name, type_ in missable.items() if type_ is Type.UNIT}
    return Built(Join(left.relation, right.relation, kind, both, found), {**columns, **extended})


def measured(
    some: Draws, names: Names, cards: Sequence[DatasetCard], released: Built | None = None
) -> tuple[Measure, Mapping[str, Type]]:
    """A measure, and the types of what it releases; it may read what one before it released."""
    source = relation(some, names, cards, private=True)
    if released is not None and some.number(0, 3):
        for shape in some.some(("derived", "sort", "limit", "join"), 2):
            released = public(some, names, cards, released, shape)
        source = joined(some, names, source, released, both=False, private=True)
        if some.number(0, 1):
            source = derived(some, names, source)
    keys, types = [], dict[str, Type]()
    plain = [name for name, type_ in source.columns.items() if type_ in VALUES]
    for type_ in some.some(VALUES, 2):
        chosen = some.one(plain) if plain and some.number(0, 1) else None
        by = Ref(chosen) if chosen is not None else expression(some, source.columns, type_, 1)
        keys.append(Output(names.next("k"), by))
        types[keys[-1].name] = type_ if chosen is None else source.columns[chosen]
    levels = _levels(some, names, [key.name for key in keys])
    if levels is not None:
        types[levels.name] = Type.INTEGER
    aggregates = []
    for function in some.some(tuple(each for each in AggregateFunction if levels is None or each not in CHOSEN), 3, 1):
        found, type_ = _aggregate(some, names, source, function)
        aggregates.append(found)
        types[found.name] = type_
    return Measure(names.next("m"), source.relation, tuple(keys), tuple(aggregates), levels), types


def _levels(some: Draws, names: Names, keys: Sequence[str]) -> Levels | None:
    """Grouping sets of a third of all measures."""
    if some.number(0, 2):
        return None
    every = [tuple(one) for size in range(len(keys) + 1) for one in combinations(keys, size)]
    sets = list(dict.fromkeys(some.some(every, 4, 1)))
    if {name for one in sets for name in one} != set(keys):
        sets.append(tuple(keys))
    return Levels(names.next("l"), tuple(dict.fromkeys(sets)))


def _aggregate(some: Draws, names: Names, source: Built, function: AggregateFunction) -> tuple[Aggregate, Type]:
    predicate = expression(some, source.columns, Type.BOOLEAN, 2) if some.chance(3) else None
    name, type_ = names.next("a"), Type.INTEGER
    argument: Expression | None = None
    other: Expression | None = None
    match function:
        case AggregateFunction.UNITS:
            pass
        case AggregateFunction.DISTINCT:
            argument = any_value(some, source)
        case AggregateFunction.ROWS:
            argument = any_value(some, source) if some.number(0, 1) else None
        case _:
            argument, type_ = ranged(some, source)
            if function in PAIR_FUNCTIONS:
                other, _ = ranged(some, source)
            whole = function is AggregateFunction.REGR_COUNT
            same = function in CHOSEN | {AggregateFunction.SUM} and function is not AggregateFunction.QUANTILE_CONT
            type_ = Type.INTEGER if whole else type_ if same else Type.DOUBLE
    fraction = Fraction(some.number(0, 10), 10) if function in QUANTILES else None
    return Aggregate(name, function, argument, predicate, other, fraction), type_


def any_value(some: Draws, source: Built) -> Expression:
    """A column, mostly, or an expression."""
    plain = [name for name, type_ in source.columns.items() if type_ in VALUES]
    if plain and some.number(0, 2):
        return Ref(some.one(plain))
    return expression(some, source.columns, some.one(VALUES), 1)


def plan(some: Draws, cards: Sequence[DatasetCard]) -> Plan:
    """A plan of one measure or some, and a public part over what they release."""
    names = Names()
    found = [measured(some, names, cards)]
    built = Built(Released(found[0][0].name), found[0][1])
    for _ in range(some.one((0, 0, 1, 1, 2))):
        earlier, types = some.one(found)
        found.append(measured(some, names, cards, Built(Released(earlier.name), types)))
    for measure, types in found[1:]:
        other = Built(Released(measure.name), types)
        built = joined(some, names, built, other, both=False, private=False)
    for shape in some.some(SHAPES, 3):
        built = public(some, names, cards, built, shape)
    measures = tuple(one for one, _ in found)
    if not built.columns:
        one = Output(names.next("o"), Literal(Type.INTEGER, 1))
        return Plan(measures, Project(built.relation, (one,)), (Label(one.name, "one"),))
    shown = some.different(sorted(built.columns), len(built.columns), 1)
    return Plan(measures, built.relation, tuple(Label(name, f"label of {name}") for name in shown))


def plans(cards: Sequence[DatasetCard]) -> st.SearchStrategy[Plan]:
    """Plans over the cards."""
    return drawn(plan, cards)


def plan_of(seed: int, cards: Sequence[DatasetCard]) -> Plan:
    """The plan of a seed."""
    return seeded(seed, plan, cards)


def public(some: Draws, names: Names, cards: Sequence[DatasetCard], built: Built, shape: str) -> Built:
    """A public relation with one operator more."""
    match shape:
        case "derived":
            return derived(some, names, built)
        case "sort" if built.columns:
            return Built(Sort(built.relation, order(some, built, 1)), built.columns)
        case "group":
            return grouped(some, names, built)
        case "window":
            return windows(some, names, built)
        case "distinct" if built.columns:
            return Built(Distinct(built.relation), built.columns)
        case "join" if any(not table.private for one in cards for table in one.tables):
            other = relation(some, names, cards, private=False, depth=0)
            combine = some.one((joined, marked))
            return combine(some, names, built, other, both=False, private=False)
        case "union":
            return united(some, names, built, relation(some, names, cards, private=False, depth=0))
        case _:
            return Built(Limit(built.relation, some.number(0, 5), some.number(0, 2)), built.columns)
