"""Generated groups and windows: every fold and window function, with every kind of frame."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.folds import FRAMED, NUMBERED, PICKED, QUANTILES, SHARES, SHIFTED
from sandbox.plan.nodes import (
    Aggregate,
    Call,
    Distinct,
    Expression,
    Fold,
    Group,
    Join,
    JoinKind,
    Literal,
    Measure,
    Order,
    Output,
    Project,
    Ref,
    Relation,
    Released,
    Scan,
    ScanColumn,
    Type,
    Union,
    UnionColumn,
    Window,
    Windowed,
)
from sandbox.plan.plan import Label, Plan
from sandbox.plan.signatures import VALUES
from sandbox.plan.window_functions import Frame, FrameUnit, WindowFunction
from tests.support.draws import Draws
from tests.support.expressions import Built, Names, expression, literal

SCAN = Scan("clinic", "visits", (ScanColumn("c1", "科室"), ScanColumn("c2", "费用"), ScanColumn("c3", "日期")))
DRUGS = Scan("clinic", "drugs", (ScanColumn("c4", "药品"),))
CITIES = Scan("clinic", "cities", (ScanColumn("c5", "name_en"),))
BY_WARD = (Order(Ref("c1"), descending=True, nulls_first=False),)
JOINED = Join(Join(SCAN, DRUGS, JoinKind.LEFT, unit=True, condition=None), CITIES, JoinKind.INNER, False, None)
"""Rows that no column in reach tells apart."""
UNITED = Union(
    Project(SCAN, (Output("o1", Ref("c1")), Output("o2", Ref("c2")))),
    Scan("clinic", "visits", (ScanColumn("c6", "科室"), ScanColumn("c7", "费用"))),
    (UnionColumn("u1", "o1", "c6"), UnionColumn("u2", "o2", "c7")),
)
"""Every row of a unit twice, by its branch."""


def windowed(function: WindowFunction, frame: Frame | None = None) -> Windowed:
    """The function ordered by the ward, in which many rows tie."""
    takes = function in PICKED or function in SHIFTED or (function in FRAMED and function is not WindowFunction.ROWS)
    number = 2 if function in NUMBERED else None
    if frame is None and (function in PICKED or function in FRAMED):
        frame = Frame(FrameUnit.RANGE, None, 0)
    return Windowed("w1", function, Ref("c2") if takes else None, None, number, None, (), BY_WARD, frame)


WINDOWS = {
    **{function.value: windowed(function) for function in WindowFunction},
    "sum of rows": windowed(WindowFunction.SUM, Frame(FrameUnit.ROWS, -1, 1)),
    "last of rows": windowed(WindowFunction.LAST_VALUE, Frame(FrameUnit.ROWS, -2, 0)),
    "average of groups": windowed(WindowFunction.AVG, Frame(FrameUnit.GROUPS, -1, 0)),
}
FOLDS = {
    function.value: Fold(
        "w1",
        function,
        {FoldFunction.ROWS: None, FoldFunction.ALL: None, FoldFunction.ANY: None}.get(function, Ref("c2")),
        None,
        Fraction(1, 4) if function.startswith("quantile") else None,
        BY_WARD if function is FoldFunction.FIRST else (),
    )
    for function in FoldFunction
    if function not in (FoldFunction.ALL, FoldFunction.ANY)
}


def counted(source: Relation) -> Plan:
    """A plan that counts the relation's rows."""
    count = Aggregate("a1", AggregateFunction.ROWS, None, None)
    return Plan((Measure("m1", source, (), (count,)),), Released("m1"), (Label("a1", "n"),))


def every_partition() -> list[Plan]:
    """Each window function, fold and the like over private rows, counted."""
    sources: list[Relation] = [Window(SCAN, (one,)) for one in WINDOWS.values()]
    sources += [Window(JOINED, (WINDOWS[name],)) for name in ("row_number", "lag", "sum of rows")]
    sources += [Window(UNITED, (united(name),)) for name in ("row_number", "lag", "sum of rows")]
    sources += [Group(SCAN, (), (one,)) for one in FOLDS.values()]
    sources += [Group(SCAN, (Output("k1", Ref("c1")),), (FOLDS["sum"],)), Distinct(SCAN)]
    sources += [Window(Group(SCAN, (Output("k1", Ref("c1")),), (FOLDS["rows"],)), (windowed_groups(),))]
    return list(map(counted, sources))


def united(name: str) -> Windowed:
    """The window over `UNITED`."""
    one = WINDOWS[name]
    by_ward = (Order(Ref("u1"), descending=True, nulls_first=False),)
    return replace(one, argument=None if one.argument is None else Ref("u2"), order=by_ward)


def windowed_groups() -> Windowed:
    """A number for each group of a unit, by how many rows it has."""
    order = (Order(Ref("w1"), descending=True, nulls_first=False),)
    return Windowed("w2", WindowFunction.ROW_NUMBER, None, None, None, None, (), order, None)


def _order(some: Draws, built: Built, type_: Type) -> Order:
    """A term over the relation's columns."""
    plain = [name for name, found in built.columns.items() if found in VALUES]
    by = Ref(some.one(plain)) if plain and some.number(0, 2) else expression(some, built.columns, type_, 1)
    return Order(by, bool(some.number(0, 1)), bool(some.number(0, 1)))


def order(some: Draws, built: Built, least: int = 0) -> tuple[Order, ...]:
    """Some terms."""
    return tuple(_order(some, built, type_) for type_ in some.some(VALUES, 2, least))


def grouped(some: Draws, names: Names, built: Built) -> Built:
    """Groups: of private rows, of each unit."""
    keys, types = [], dict[str, Type]()
    for type_ in some.some(VALUES, 2):
        keys.append(Output(names.next("k"), _keyed(some, built, type_)))
        types[keys[-1].name] = type_
    units = [name for name, type_ in built.columns.items() if type_ is Type.UNIT]
    if units and some.number(0, 1):
        keys.append(Output(names.next("k"), Ref(some.one(units))))
        types[keys[-1].name] = Type.UNIT
    folds = []
    for function in some.some(tuple(FoldFunction), 3, 1):
        found, type_ = _fold(some, names, built, function)
        folds.append(found)
        types[found.name] = type_
    return Built(Group(built.relation, tuple(keys), tuple(folds)), types)


def _keyed(some: Draws, built: Built, type_: Type) -> Expression:
    """A column of the type, or an expression that is not NULL as it is written."""
    plain = [name for name, found in built.columns.items() if found is type_]
    if plain and some.number(0, 2):
        return Ref(some.one(plain))
    found = expression(some, built.columns, type_, 1)
    nothing = isinstance(found, Literal) and found.value is None
    return literal(some, type_, null=False) if nothing else found


def _condition(some: Draws, built: Built) -> Expression | None:
    return expression(some, built.columns, Type.BOOLEAN, 1) if some.number(0, 2) == 2 else None


def _fold(some: Draws, names: Names, built: Built, function: FoldFunction) -> tuple[Fold, Type]:
    condition = _condition(some, built)
    fraction, argument = None, None
    match function:
        case FoldFunction.ROWS:
            argument = _keyed(some, built, some.one(VALUES)) if some.number(0, 1) else None
            type_ = Type.INTEGER
        case FoldFunction.ALL | FoldFunction.ANY:
            type_ = Type.BOOLEAN
            argument = _keyed(some, built, type_)
        case FoldFunction.MIN | FoldFunction.MAX | FoldFunction.QUANTILE_DISC:
            type_ = some.one([one for one in VALUES if one is not Type.BOOLEAN])
            argument = _keyed(some, built, type_)
        case FoldFunction.FIRST | FoldFunction.DISTINCT:
            type_ = some.one(VALUES)
            argument = _keyed(some, built, type_)
            type_ = type_ if function is FoldFunction.FIRST else Type.INTEGER
        case _:
            argument, type_ = ranged(some, built)
            type_ = type_ if function is FoldFunction.SUM else Type.DOUBLE
    if function in QUANTILES:
        fraction = some.one((Fraction(0), Fraction(1, 4), Fraction(1, 2), Fraction(9, 10), Fraction(1)))
    terms = order(some, built) if function is FoldFunction.FIRST else ()
    return Fold(names.next("f"), function, argument, condition, fraction, terms), type_


def ranged(some: Draws, built: Built) -> tuple[Expression, Type]:
    """A number of known range."""
    type_ = some.one((Type.DOUBLE, Type.INTEGER))
    if some.chance(8):
        plain = [name for name, found in built.columns.items() if found is type_]
        if plain:
            return Ref(some.one(plain)), type_
    limits = [Literal(type_, Fraction(end) if type_ is Type.DOUBLE else end) for end in (-20, 1500)]
    return Call("clamp", (_keyed(some, built, type_), *limits)), type_


def windows(some: Draws, names: Names, built: Built) -> Built:
    """Window functions beside the relation's columns."""
    functions, types = [], dict(built.columns)
    for function in some.some(tuple(WindowFunction), 3, 1):
        found, type_ = _windowed(some, names, built, function)
        functions.append(found)
        types[found.name] = type_
    return Built(Window(built.relation, tuple(functions)), types)


def _windowed(some: Draws, names: Names, built: Built, function: WindowFunction) -> tuple[Windowed, Type]:
    argument, condition, default, frame, type_ = None, None, None, None, Type.INTEGER
    terms = order(some, built)
    if function in SHARES:
        type_ = Type.DOUBLE
    if function in PICKED or function in SHIFTED or function in (WindowFunction.MIN, WindowFunction.MAX):
        type_ = some.one([one for one in VALUES if one is not Type.BOOLEAN])
        argument = _keyed(some, built, type_)
    if function in (WindowFunction.SUM, WindowFunction.AVG):
        argument, type_ = ranged(some, built)
        type_ = type_ if function is WindowFunction.SUM else Type.DOUBLE
    if function in SHIFTED and some.number(0, 1):
        default = literal(some, type_)
    if function in FRAMED or function in PICKED:
        unit = some.one(tuple(FrameUnit) if terms else (FrameUnit.ROWS, FrameUnit.RANGE))
        start, end = (some.number(-2, 2) if some.number(0, 1) else None for _ in range(2))
        if unit is FrameUnit.RANGE:
            distance = some.one((Type.INTEGER, Type.DATE))
            terms = (Order(_keyed(some, built, distance), bool(some.number(0, 1)), bool(some.number(0, 1))),)
        if start is not None and end is not None and end < start:
            start, end = end, start
        frame = Frame(unit, start, end)
    if function in FRAMED:
        condition = _condition(some, built)
    number = some.number(NUMBERED[function], 3) if function in NUMBERED else None
    parts = tuple(_keyed(some, built, type_) for type_ in some.some(VALUES, 1))
    made = Windowed(names.next("w"), function, argument, condition, number, default, parts, terms, frame)
    return made, type_
