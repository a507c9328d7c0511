"""Lowering keeps the meaning: without bounds and noise, a plan gives the rows that DuckDB gives for the same SQL.

The plan is spelt out again as SQL in the plainest way, by this file alone, and run beside the analyst's query.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from fractions import Fraction

import duckdb
import pytest

from policies.cards import ColumnCard, ColumnType, DatasetCard, TableCard
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.nodes import (
    Call,
    Constants,
    Distinct,
    Expression,
    Filter,
    Fold,
    Group,
    Join,
    JoinKind,
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
    Sort,
    Type,
    Union,
    Window,
    Windowed,
)
from sandbox.plan.plan import Plan
from sandbox.plan.window_functions import WindowFunction
from tests.support.lowering import CARDS, Case, files, lowered, read

CASES = [case for path in files("accepted") for case in read(path)]
SEEDS = (1, 2, 3)
VACUOUS = {"a constant divided by zero is left to the engine, where it is NULL"}
"""Queries that no row passes."""
INFIX = {
    "add": "+",
    "and": "AND",
    "concat": "||",
    "divide": "/",
    "equal": "=",
    "greater": ">",
    "greater_equal": ">=",
    "integer_divide": "//",
    "less": "<",
    "less_equal": "<=",
    "like": "LIKE",
    "modulo": "%",
    "multiply": "*",
    "not_equal": "<>",
    "or": "OR",
    "subtract": "-",
    "is_distinct_from": "IS DISTINCT FROM",
    "bit_and": "&",
    "bit_or": "|",
    "shift_left": "<<",
    "shift_right": ">>",
}
PREFIX = {"negate": "-", "not": "NOT", "bit_not": "~"}
CASTS = {
    "cast_boolean": "BOOLEAN",
    "cast_date": "DATE",
    "cast_double": "DOUBLE",
    "cast_integer": "BIGINT",
    "cast_text": "VARCHAR",
    "cast_timestamp": "TIMESTAMP",
}
FORMS = {
    "date_add_days": "CAST({0} + to_days(CAST({1} AS INTEGER)) AS DATE)",
    "date_add_months": "CAST({0} + to_months(CAST({1} AS INTEGER)) AS DATE)",
    "date_add_seconds": "({0} + to_seconds({1}))",
    "date_difference": "date_diff({0}, {1}, {2})",
    "factorial": "factorial(CAST({0} AS INTEGER))",
    "time_bucket": "time_bucket(CASE {1} WHEN 'month' THEN to_months({0}) ELSE to_days({0}) END, {2})",
    "is_not_null": "({0} IS NOT NULL)",
    "is_null": "({0} IS NULL)",
}
RENAMED = {
    "bit_xor": "xor",
    "date_elapsed": "date_sub",
    "day_name": "dayname",
    "day_of_week": "dayofweek",
    "day_of_year": "dayofyear",
    "iso_day_of_week": "isodow",
    "iso_year": "isoyear",
    "month_name": "monthname",
    "octet_length": "strlen",
    "position": "strpos",
    "strptime": "try_strptime",
    "year_week": "yearweek",
}
MACROS = (
    "CREATE MACRO clamp(x, lo, hi) AS CASE WHEN x < lo THEN lo WHEN x > hi THEN hi ELSE x END",
    """CREATE MACRO width_bucket(x, lo, hi, n) AS CASE WHEN x < lo THEN 0 WHEN x >= hi THEN n + 1
    ELSE CAST(floor((x - lo) / (hi - lo) * n) AS BIGINT) + 1 END""",
)


def render(plan: Plan) -> str:
    """The plan as one statement."""
    measures = [f"{measure.name} AS ({_measure(measure)})" for measure in plan.measures]
    shown = ", ".join(label.name for label in plan.labels)
    before = f"WITH {', '.join(measures)} " if measures else ""
    return f"{before}SELECT {shown} FROM ({_relation(plan.answer)})"


def _measure(measure: Measure) -> str:
    items = [_output(key) for key in measure.keys]
    for one in measure.aggregates:
        argument = "*" if one.argument is None else _expression(one.argument)
        argument += "" if one.other is None else f", {_expression(one.other)}"
        argument += "" if one.fraction is None else f", {float(one.fraction)}"
        call = "COUNT(DISTINCT _unit)" if one.function is AggregateFunction.UNITS else f"{one.function}({argument})"
        call = f"COUNT(DISTINCT {argument})" if one.function is AggregateFunction.DISTINCT else call
        call = call.replace("rows(", "COUNT(")
        items.append(
            (call if one.filter is None else f"{call} FILTER (WHERE {_expression(one.filter)})") + f" AS {one.name}"
        )
    source, names = _relation(measure.source), [key.name for key in measure.keys]
    if measure.levels is not None and not names:
        items.insert(0, f"0 AS {measure.levels.name}")
    elif measure.levels is not None:
        items[: len(names)] = [*names, f"GROUPING({', '.join(names)}) AS {measure.levels.name}"]
        sets = ", ".join(f"({', '.join(one)})" for one in measure.levels.sets)
        keyed = f"SELECT *, {', '.join(map(_output, measure.keys))} FROM ({source})"
        return f"SELECT {', '.join(items)} FROM ({keyed}) GROUP BY GROUPING SETS ({sets})"
    grouped = f" GROUP BY {', '.join(map(str, range(1, len(names) + 1)))}" if names else ""
    return f"SELECT {', '.join(items)} FROM ({source}){grouped}"


def _relation(relation: Relation) -> str:
    match relation:
        case Scan(dataset, table, columns):
            carried = "_unit, " if _table(dataset, table).private else ""
            named = ", ".join(f'"{one.column}" AS {one.name}' for one in columns) or "1 AS nothing"
            return f"SELECT {carried}{named} FROM {dataset}.stored_{table}"
        case Released(measure):
            return f"SELECT * FROM {measure}"
        case Filter(source, predicate):
            return f"SELECT * FROM ({_relation(source)}) WHERE {_expression(predicate)}"
        case Project(source, outputs):
            carried = "_unit, " if _private(source) else ""
            return f"SELECT {carried}{', '.join(map(_output, outputs))} FROM ({_relation(source)})"
        case Join(left, right, kind, unit, condition):
            shown = "l.*, r.* EXCLUDE (_unit)" if unit else "l.*, r.*"
            if unit and kind is JoinKind.FULL:
                shown = "coalesce(l._unit, r._unit) AS _unit, l.* EXCLUDE (_unit), r.* EXCLUDE (_unit)"
            sides = f"({_relation(left)}) l {kind} JOIN ({_relation(right)}) r"
            return f"SELECT {shown} FROM {sides} ON {_matching(condition, unit=unit)}"
        case Mark(source, other, name, unit, condition):
            matching = _matching(condition, unit=unit)
            found = f"EXISTS (SELECT 1 FROM ({_relation(other)}) r WHERE {matching})"
            return f"SELECT l.*, {found} AS {name} FROM ({_relation(source)}) l"
        case Union(left, right, columns):
            carried = "_unit, " if _private(left) else ""
            lefts, rights = (
                ", ".join(f"{old} AS {one.name}" for one, old in zip(columns, side, strict=True)) or "1 AS nothing"
                for side in ([one.left for one in columns], [one.right for one in columns])
            )
            branches = f"SELECT {carried}{lefts} FROM ({_relation(left)})", f"FROM ({_relation(right)})"
            return f"{branches[0]} UNION ALL SELECT {carried}{rights} {branches[1]}"
        case Constants(names, listed):
            made = (", ".join(map(_literal, row)) or "1" for row in listed)
            return f"SELECT * FROM (VALUES ({'), ('.join(made)})) AS v({', '.join(names) or 'nothing'})"
        case Sort(source, terms):
            return f"SELECT * FROM ({_relation(source)}) ORDER BY {_orders(terms)}"
        case Limit(source, count, offset):
            return f"{_relation(source)} LIMIT {count} OFFSET {offset}"
        case Distinct(source):
            return f"SELECT DISTINCT * FROM ({_relation(source)})"
        case Group(source, keys, folds):
            items = ["_unit"] if _private(source) else []
            by = [*items, *(_expression(key.expression) for key in keys)]
            items += [_output(key) for key in keys] + [f"{_fold(one)} AS {one.name}" for one in folds]
            grouped = f" GROUP BY {', '.join(by)}" if by else ""
            return f"SELECT {', '.join(items)} FROM ({_relation(source)}){grouped}"
        case Window(source, functions):
            added = [f"{_windowed(one, private=_private(source))} AS {one.name}" for one in functions]
            return f"SELECT *, {', '.join(added)} FROM ({_relation(source)})"


def _orders(terms: Sequence[Order]) -> str:
    return ", ".join(
        f"{_expression(one.expression)} {'DESC' if one.descending else 'ASC'}"
        f" NULLS {'FIRST' if one.nulls_first else 'LAST'}"
        for one in terms
    )


FOLDS = {
    "rows": "COUNT({})",
    "distinct": "COUNT(DISTINCT {})",
    "all": "BOOL_AND({})",
    "any": "BOOL_OR({})",
}


def _fold(one: Fold) -> str:
    argument = "*" if one.argument is None else _expression(one.argument)
    argument += "" if one.fraction is None else f", {float(one.fraction)}"
    argument += f" ORDER BY {_orders(one.order)}" if one.order else ""
    call = FOLDS.get(one.function, f"{one.function}({{}})").format(argument)
    return call if one.filter is None else f"{call} FILTER (WHERE {_expression(one.filter)})"


def _windowed(one: Windowed, *, private: bool) -> str:
    argument = [] if one.argument is None else [_expression(one.argument)]
    argument += [] if one.number is None else [str(one.number)]
    argument += [] if one.default is None else [_literal(one.default)]
    counts = one.function is WindowFunction.ROWS
    call = f"{'COUNT' if counts else one.function}({', '.join(argument or ['*'] if counts else argument)})"
    call += "" if one.filter is None else f" FILTER (WHERE {_expression(one.filter)})"
    parts = [*(["_unit"] if private else []), *map(_expression, one.partition)]
    over = f"PARTITION BY {', '.join(parts)}" if parts else ""
    over += f" ORDER BY {_orders(one.order)}" if one.order else ""
    if one.frame is not None:
        start, end = one.frame.start, one.frame.end
        over += f" {one.frame.unit} BETWEEN {_end(start, 'PRECEDING')} AND {_end(end, 'FOLLOWING')}"
    return f"{call} OVER ({over})"


def _end(offset: int | None, unbounded: str) -> str:
    if offset is None:
        return f"UNBOUNDED {unbounded}"
    if offset == 0:
        return "CURRENT ROW"
    return f"{-offset} PRECEDING" if offset < 0 else f"{offset} FOLLOWING"


def _matching(condition: Expression | None, *, unit: bool) -> str:
    terms = ["l._unit = r._unit"] if unit else ["true"]
    terms += [] if condition is None else [_expression(condition)]
    return " AND ".join(terms)


def _private(relation: Relation) -> bool:
    match relation:
        case Scan(dataset, table, _):
            return _table(dataset, table).private
        case Join(left, right) | Union(left, right):
            return _private(left) or _private(right)
        case Released() | Constants():
            return False
    return _private(relation.source)


def _table(dataset: str, name: str) -> TableCard:
    return next(table for card in CARDS if card.name == dataset for table in card.tables if table.name == name)


def _output(output: Output) -> str:
    return f"{_expression(output.expression)} AS {output.name}"


def _expression(node: Expression) -> str:
    match node:
        case Ref(name):
            return name
        case Literal():
            return _literal(node)
        case Call(function, arguments):
            return _call(function, [_expression(one) for one in arguments])


def _call(function: str, given: list[str]) -> str:
    if function in INFIX:
        return f"({f' {INFIX[function]} '.join(given)})"
    if function in PREFIX:
        return f"({PREFIX[function]} {given[0]})"
    if function in CASTS:
        return f"TRY_CAST({given[0]} AS {CASTS[function]})"
    if function in FORMS:
        return FORMS[function].format(*given)
    if function == "in":
        return f"({given[0]} IN ({', '.join(given[1:])}))"
    if function == "case":
        whens = " ".join(f"WHEN {c} THEN {v}" for c, v in zip(given[:-1:2], given[1:-1:2], strict=True))
        return f"CASE {whens} ELSE {given[-1]} END"
    return f"{RENAMED.get(function, function)}({', '.join(given)})"


def _literal(literal: Literal) -> str:
    match literal:
        case Literal(_, None):
            return "NULL"
        case Literal(Type.TEXT, str(value)):
            return "'" + value.replace("'", "''") + "'"
        case Literal(Type.DATE | Type.TIMESTAMP as type_, value):
            return f"{type_.upper()} '{value}'"
        case Literal(Type.DOUBLE, Fraction() as value):
            return f"CAST({float(value)!r} AS DOUBLE)"
    return str(literal.value)


def database(seed: int) -> duckdb.DuckDBPyConnection:
    """The tables of the small cards with some rows; `stored_…` beside each carries the unit."""
    chance = random.Random(seed)
    connection = duckdb.connect()
    for macro in MACROS:
        connection.execute(macro)
    for card in CARDS:
        connection.execute(f"CREATE SCHEMA {card.name}")
        for table in card.tables:
            _create(connection, card, table, chance)
    return connection


def _create(connection: duckdb.DuckDBPyConnection, card: DatasetCard, table: TableCard, chance: random.Random) -> None:
    types = {
        ColumnType.INTEGER: "BIGINT",
        ColumnType.UNIT: "BIGINT",
        ColumnType.DOUBLE: "DOUBLE",
        ColumnType.TEXT: "VARCHAR",
        ColumnType.DATE: "DATE",
        ColumnType.BOOLEAN: "BOOLEAN",
    }
    columns = ", ".join(f'"{column.name}" {types[column.type]}' for column in table.columns)
    name = f"{card.name}.{table.name}"
    connection.execute(f"CREATE TABLE {name} ({columns})")
    marks = ", ".join("?" * len(table.columns))
    one_each = table.unit_key == () or len(table.key) == 1
    keys = table.key[:1] if one_each else ()
    made = [
        [_value(column, number if column.name in keys else None, chance) for column in table.columns]
        for number in range(8 if one_each else 500)
    ]
    connection.executemany(f"INSERT INTO {name} VALUES ({marks})", made)
    path = table.unit
    if path is None:
        stored = f"SELECT * FROM {name}"
    elif path.references is None:
        stored = f'SELECT *, "{path.columns[0]}" AS _unit FROM {name}'
    else:
        other = card.table(path.references)
        assert other is not None
        through = f'"{path.columns[0]}" = other."{other.key[0]}"'
        stored = (
            f"SELECT this.*, other._unit FROM {name} this JOIN {card.name}.stored_{other.name} other ON this.{through}"
        )
    connection.execute(f"CREATE TABLE {card.name}.stored_{table.name} AS {stored}")
    if path is not None:  # rows without a unit are dropped at load
        kept = ", ".join(f'"{column.name}"' for column in table.columns)
        connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {kept} FROM {card.name}.stored_{table.name}")


def _value(column: ColumnCard, number: int | None, chance: random.Random) -> object:
    if number is not None:
        return number if column.type is not ColumnType.TEXT else "ABCDEFGH"[number]
    if column.nullable and chance.random() < 0.2:
        return None
    if column.values:
        return chance.choice(column.values)
    match column.type:
        case ColumnType.BOOLEAN:
            return chance.random() < 0.5
        case ColumnType.TEXT:
            return chance.choice(["A", "B", "PROMO X", "ASIA", "xA", "b"])
        case ColumnType.DATE if isinstance(column.lo, date) and isinstance(column.hi, date):
            return column.lo + timedelta(days=chance.randrange((column.hi - column.lo).days + 1))
        case ColumnType.DOUBLE if isinstance(column.lo, Fraction) and isinstance(column.hi, Fraction):
            return round(chance.uniform(max(float(column.lo), 0.0), min(float(column.hi), 2_000.0)), 2)
    if isinstance(column.lo, int) and isinstance(column.hi, int):
        return chance.randint(column.lo, column.hi)
    return chance.randrange(8)


@pytest.fixture(scope="module")
def databases() -> Iterator[list[duckdb.DuckDBPyConnection]]:
    made = [database(seed) for seed in SEEDS]
    yield made
    for connection in made:
        connection.close()


def rows(connection: duckdb.DuckDBPyConnection, dataset: str, sql: str) -> list[tuple[object, ...]]:
    """The rows, numbers rounded to what the order of adding leaves alone, in an order of their own."""
    connection.execute(f"SET search_path = '{dataset},main'")
    found = connection.execute(sql).fetchall()
    return sorted((tuple(map(_rounded, row)) for row in found), key=repr)


def _rounded(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, date):
        return str(value)[:10]
    try:
        return "nan" if value != value else float(f"{float(str(value)):.9g}")
    except ValueError:
        return value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_plan_gives_what_the_query_gives(databases: list[duckdb.DuckDBPyConnection], case: Case) -> None:
    plan = render(lowered(case.sql, case.dataset).plan)
    wanted = [rows(one, case.dataset, case.sql) for one in databases]
    assert [rows(one, case.dataset, plan) for one in databases] == wanted
    told = any(value for found in wanted for row in found for value in row)
    assert told == (case.name not in VACUOUS), "the rows do not tell this query from another"
