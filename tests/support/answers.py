"""Answers with next to no noise, and plain SQL's answers over the same stored values, made comparable.

Where an answer may differ from plain SQL's, and how:

* A group without rows is no row of plain SQL's. Ours has it where the group keys are public, with counts and sums of 0.
* Of a group without values, plain SQL's SUM and AVG are NULL. Ours are 0, and the middle of the range; arithmetic over
  them is not compared.
* Sums are taken on a grid. Where it was made for a range, a row may be off by one step, and so may an average.
* Without noise, a quantile of one row's is that row's, up to the grid; one between two rows is only held to be in the
  range, and any value is that of no rows.
* Numbers compare as reals, and a day as its midnight.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from math import isclose, prod
from typing import Any, TypeAlias

import duckdb

from policies.cards import Bounds, ColumnType, DatasetCard
from policies.domains import UnitDomain
from policies.licences import Licence, LicenceBudget, Mode, Notion
from query_gateway.sql.explain import explain
from query_gateway.sql.lower import lower
from sandbox.datasets.snapshot import Snapshot, Snapshots
from sandbox.engines.duckdb import Session
from sandbox.errors import Refusal
from sandbox.frontend import Frontend, Lowered
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.limits import Limits
from sandbox.plan.lineage import measured
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.clip import ClipAt
from sandbox.privacy.loss import Spend
from sandbox.privacy.quantiles import Chosen
from sandbox.privacy.statistics import Moments, Statistic
from sandbox.queries.execution import Execution, execute
from sandbox.queries.preparation import Prepared, prepare
from sandbox.queries.requests import QueryRequest
from sandbox.workers.job import Job, Part, Parts, Rows, Side
from tests.support.engine import LIMITS as WORKER
from tests.support.engine import Loaded
from tests.support.lowering import schema

Cell: TypeAlias = bool | float | str | None
DEADLINE = 60.0
ROWS = 70_000
"""More rows than any group of the databases has: TPC-H at scale 0.01 has 60,175 line items."""
ROUNDING = 1e-9
"""Of plain SQL's floating point sums, relative."""
EVERYTHING = Spend(epsilon=None, rho=Fraction(10**45))
"""No noise of this ρ is ever anything but 0."""


class InProcess(Frontend):
    """The front end without its children."""

    def __init__(self) -> None:
        pass

    def close(self) -> None:
        """There is none to end."""

    def lower(self, sql: str, dataset: str, cards: Sequence[DatasetCard], passed_over: Sequence[str] = ()) -> Lowered:
        known = schema(dataset, cards)
        try:
            found = lower(sql, known)
        except Refusal as refusal:
            raise self.explain(sql, dataset, cards, refusal, passed_over) from None
        return Lowered(found.plan, found.spans)

    def explain(
        self,
        sql: str,
        dataset: str,
        cards: Sequence[DatasetCard],
        refusal: Refusal,
        passed_over: Sequence[str] = (),
    ) -> Refusal:
        known = schema(dataset, cards)
        found = explain(sql, known, refusal.code, refusal.detail, refusal.subject, passed_over)
        return Refusal(refusal.code, refusal.detail, found.span, found.rewrite, refusal.subject)


class Held(Snapshots):
    """Loaded data sets as if they had been sealed and opened."""

    def __init__(self, data: Sequence[Loaded]) -> None:
        self.snapshots = {each.card.name: _snapshot(each) for each in data}
        self._parts = {self.snapshots[each.card.name].id: each.part for each in data}

    def part(self, snapshot: str, side: Side) -> Part:
        found = self._parts[snapshot]
        return found if side is Side.PRIVATE else Part(found.snapshot, None, found.public)


def _snapshot(found: Loaded) -> Snapshot:
    name = found.card.name
    return Snapshot(
        f"snapshot of {name}", found.card, datetime(2026, 1, 1, tzinfo=UTC), "0" * 64, "0" * 64, found.facts
    )


LICENCE = Licence(
    id="L1",
    institution="clinic",
    mode=Mode.OVERALL,
    agreement="0" * 64,
    grants=(),
    scenarios=(),
    outputs=("query",),
    not_before=datetime(2026, 1, 1, tzinfo=UTC),
    not_after=datetime(2027, 1, 1, tzinfo=UTC),
    notion=Notion.ZCDP,
    budget=LicenceBudget(rho=Fraction(1), epsilon=None, delta=Fraction(1, 10**6)),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and what it was made of."""

    prepared: Prepared
    execution: Execution
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks loaded data sets, through all steps that a charged request takes."""

    data: Sequence[Loaded]
    domains: Mapping[str, UnitDomain]
    limits: Limits
    _sessions: dict[tuple[Side, Parts], Session] = field(default_factory=dict)

    def ask(self, sql: str, dataset: str, bounds: Bounds | ClipAt | None) -> Answer:
        """The answer with next to no noise."""
        held = Held(self.data)
        request = QueryRequest("L1", "planning", dataset, sql, EVERYTHING, bounds, None)
        prepared = prepare(request, LICENCE, InProcess(), held.snapshots, self.domains, self.limits)
        for priced in prepared.priced.measures:
            assert all(step.scale < 1 / 40 for step in priced.measurements)
            assert all(step.threshold is None or step.threshold.value == 2 for step in priced.measurements)

        def worker(parts: Parts, side: Side, job: Job) -> Rows:
            return self._session(parts, side).run(job)

        execution = execute(prepared, held, worker, DEADLINE)
        found = json.loads(execution.release)
        types = [column["type"] for column in found["columns"]]
        rows = tuple(tuple(map(_ours, types, row)) for row in found["rows"])
        _held(found)
        return Answer(prepared, execution, rows)

    def _session(self, parts: Parts, side: Side) -> Session:
        """The engine over these files, as one worker keeps it."""
        key = side, parts
        if key not in self._sessions:
            paths = [(None if part.private is None else _path(part.private), _path(part.public)) for part in parts]
            self._sessions[key] = Session(paths, WORKER)
        return self._sessions[key]


def _held(release: Mapping[str, Any]) -> None:
    """Without noise an interval is the value itself, or what it lies between: so it was made of the right cells."""
    for row, intervals in zip(release["rows"], release["intervals"], strict=True):
        for column, value, interval in zip(release["columns"], row, intervals, strict=True):
            if interval is not None:
                low, high = interval
                room = 1e-6 * max(1.0, abs(value))
                assert low - room <= value <= high + room, (column["name"], value, interval)


def _path(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


def _ours(type_: str, cell: Any) -> Cell:
    if cell is None or type_ not in ("date", "timestamp"):
        return _plain(cell)
    return _plain(datetime.fromisoformat(cell))


def _plain(cell: object) -> Cell:
    match cell:
        case None | bool() | str():
            return cell
        case datetime():
            return cell.isoformat()
        case date():
            return datetime(cell.year, cell.month, cell.day).isoformat()  # noqa: DTZ001  days have no zone
        case int() | float() | Decimal():
            return float(cell)
    raise AssertionError(cell)


class PlainSql:
    """Plain DuckDB over the stored values, under the names of the cards; a unit key is its dense number."""

    def __init__(self, data: Sequence[Loaded]) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        for number, each in enumerate(data):
            for side, descriptor in (("private", each.private), ("public", each.public)):
                self.connection.execute(f"ATTACH '/proc/self/fd/{descriptor}' AS {side}{number} (READ_ONLY)")
            self.connection.execute(f"CREATE SCHEMA {each.card.name}")
            self._name(each.card, number)
        for macro in _MACROS:
            self.connection.execute(macro)

    def _name(self, card: DatasetCard, number: int) -> None:
        for i, table in enumerate(card.tables):
            columns = ", ".join(
                f'{"_unit" if column.type is ColumnType.UNIT else f"c{j}"} AS "{column.name}"'
                for j, column in enumerate(table.columns)
            )
            catalog = f"{'private' if table.private else 'public'}{number}"
            self.connection.execute(
                f'CREATE VIEW {card.name}."{table.name}" AS SELECT {columns} FROM {catalog}.main.t{i}'
            )

    def ask(self, sql: str, dataset: str) -> tuple[tuple[Cell, ...], ...]:
        """The rows of the statement, in its order."""
        self.connection.execute(f"SET search_path = '{dataset},main'")
        return tuple(tuple(map(_plain, row)) for row in self.connection.execute(sql).fetchall())


_MACROS = (
    "CREATE MACRO main.clamp(x, lo, hi) AS CASE WHEN x < lo THEN lo WHEN x > hi THEN hi ELSE x END",
    """CREATE MACRO main.width_bucket(x, lo, hi, n) AS CASE WHEN x < lo THEN 0 WHEN x >= hi THEN n + 1
    WHEN x IS NOT NULL THEN 1 + CAST(floor((x - lo) / ((hi - lo) / n)) AS BIGINT) END""",
)
"""Functions of the plan language that plain DuckDB lacks."""


@dataclass(frozen=True, slots=True)
class _Column:
    """What a column of the answer may be off by, and what it is where there are no values."""

    tolerance: float
    empty: float | None
    """None: the column is no aggregate as it is."""
    measured: bool
    chosen: bool = False
    """Whether it is a quantile, which has some value where there are none."""


def compare(answer: Answer, plain: Sequence[tuple[Cell, ...]], *, ordered: bool) -> None:
    """The answer is plain SQL's, apart from what the module says."""
    columns = _columns(answer.prepared)
    left = list(answer.rows)
    if ordered:
        assert len(left) == len(plain), (left, plain)
        assert all(_same(columns, one, other) for one, other in zip(left, plain, strict=True)), (left, plain)
        return
    for row in plain:
        found = min(
            (one for one in left if _same(columns, one, row)), key=lambda one: _distance(one, row), default=None
        )
        assert found is not None, (row, left)
        left.remove(found)
    bounded = [priced.bounded for priced in answer.prepared.priced.measures]
    private = any(len(each.private) == len(each.checked.levels) for each in bounded)
    assert not left or not private, left
    for row in left:
        assert _empty(columns, row), (row, columns, plain)


def _columns(prepared: Prepared) -> list[_Column]:
    plan = prepared.checked.plan
    origins = measured(plan)
    bounded = [priced.bounded for priced in prepared.priced.measures]
    steps = [_step(each, one.aggregate.name)[0] for each in bounded for one in each.checked.aggregates]
    coarsest = max(steps, default=0.0)
    columns = []
    for label in plan.labels:
        if label.name not in origins:
            columns.append(_Column(coarsest * ROWS, None, measured=False))
            continue
        name = origins[label.name]
        of = next(each for each in bounded if any(one.aggregate == name for one in each.estimates))
        step, empty = _step(of, name)
        chosen = any(isinstance(one, Chosen) and one.aggregate == name for one in of.estimates)
        columns.append(_Column(step, empty, measured=True, chosen=chosen))
    return columns


def _step(bounded: BoundedMeasure, aggregate: str) -> tuple[float, float | None]:
    """What an aggregate may be off by, and its value over no rows; None for NULL."""
    estimate = next(one for one in bounded.estimates if one.aggregate == aggregate)
    function = next(one.aggregate.function for one in bounded.checked.aggregates if one.aggregate.name == aggregate)
    if isinstance(estimate, Moments):
        return _moment_step(bounded, estimate), None
    if isinstance(estimate, Chosen):
        return _rank_step(bounded, estimate, exact=function is not AggregateFunction.QUANTILE_CONT), None
    statistic = bounded.statistic(estimate.statistic)
    values = next(one.values for one in bounded.checked.aggregates if one.aggregate.name == aggregate)
    declared = values is not None and values.granularity == statistic.granularity and not _made(statistic.granularity)
    step = 0.0 if declared else float(statistic.granularity)
    match function:
        case AggregateFunction.SUM:
            return step * ROWS, 0.0
        case AggregateFunction.AVG | AggregateFunction.REGR_AVGX | AggregateFunction.REGR_AVGY:
            return step, float(statistic.granularity * (statistic.centre + _nearest(statistic.low, statistic.high)))
        case _:
            return 0.0, 0.0


def _rank_step(bounded: BoundedMeasure, estimate: Chosen, *, exact: bool) -> float:
    """What a quantile may be off by: a step of its grid, where it is a row's."""
    buckets = next(each.buckets for each in bounded.quantiles if each.name == estimate.statistic)
    return float(buckets.statistic.granularity if exact else buckets.high - buckets.low)


def _moment_step(bounded: BoundedMeasure, estimate: Moments) -> float:
    """What a moment may be off by for its grids: those of the sums, in a product with the ranges, and the products'."""
    sums = [bounded.statistic(name) for name in estimate.sums.values()]
    made = any(_made(each.granularity) for each in sums)
    ranges = [float((each.high - each.low) * each.granularity) for each in sums]
    steps = [float(each.granularity) for each in sums]
    products = (bounded.statistic(name) for name in estimate.products.values())
    coarse = [float(each.granularity) for each in products if each.granularity > _finest(each)]
    found = 2 * max(steps) * max(ranges) * made + max(coarse, default=0.0)
    rows = ROWS if estimate.function.startswith("regr_s") else 1
    return found**0.5 if estimate.function.startswith("stddev") else found * rows


def _finest(product: Statistic) -> Fraction:
    """The grid on which a product is exact."""
    return prod((factor.granularity for factor in product.factors), start=Fraction(1))


def _made(granularity: Fraction) -> bool:
    """Whether a grid was made for its range, or with such a one: no card declares a power of two, nor one so fine."""
    power = granularity.numerator.bit_count() == granularity.denominator.bit_count() == 1
    return granularity != 1 and (power or granularity.denominator > 1000)


def _nearest(low: int, high: int) -> int:
    """The value of a row that is nearest to 0."""
    return max(low, min(high, 0))


def _same(columns: Sequence[_Column], one: Sequence[Cell], plain: Sequence[Cell]) -> bool:
    return all(_equal(column, ours, theirs) for column, ours, theirs in zip(columns, one, plain, strict=True))


def _equal(column: _Column, ours: Cell, theirs: Cell) -> bool:
    if theirs is None and column.measured:
        return ours is None or column.chosen or _close(column, ours, column.empty)
    if theirs is None or ours is None:
        return theirs is None and (ours is None or not column.measured)
    return _close(column, ours, theirs)


def _close(column: _Column, ours: Cell, theirs: Cell) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float):
        return isclose(ours, theirs, rel_tol=ROUNDING, abs_tol=column.tolerance + ROUNDING)
    return ours == theirs


def _distance(one: Sequence[Cell], plain: Sequence[Cell]) -> float:
    """How far two rows are apart, cells that are missing in one of them first of all."""
    pairs = list(zip(one, plain, strict=True))
    numbers = [abs(ours - theirs) for ours, theirs in pairs if isinstance(ours, float) and isinstance(theirs, float)]
    return sum(1e18 for ours, theirs in pairs if (ours is None) != (theirs is None)) + sum(numbers)


def _empty(columns: Sequence[_Column], row: Sequence[Cell]) -> bool:
    """Whether a row is that of a group without rows."""
    cells = [(column, cell) for column, cell in zip(columns, row, strict=True) if column.measured]
    return bool(cells) and all(column.chosen or _close(column, cell, column.empty) for column, cell in cells)
