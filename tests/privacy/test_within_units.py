"""Rules 10, 13: inside a unit only functions of the multiset of its rows, and never a row of another unit.

Stored rows are put in many orders; whatever is grouped or numbered within units must not notice.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import TypeAlias

import duckdb
import pytest

from sandbox.engines.operands import Parameters
from sandbox.engines.selects import Selects
from sandbox.engines.sources import SEED
from sandbox.plan.checked import CheckedMeasure
from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.folds import FRAMED
from sandbox.plan.lineage import placed
from sandbox.plan.nodes import (
    Fold,
    Group,
    Ref,
    Relation,
    Window,
    Windowed,
)
from sandbox.plan.window_functions import Frame, FrameUnit, WindowFunction
from tests.support.cards import CLINIC
from tests.support.exact import Laboratory, laboratory
from tests.support.partitions import FOLDS, JOINED, SCAN, UNITED, WINDOWS, counted, united, windowed
from tests.support.records import FULL, ROOMY, Records

ORDERS = 5
"""Orders that rows are stored in: four rows tie at a time, so that all but surely one shows what notices."""
VISITS = tuple(
    (str(number), unit, ward, "2024-03-01", cost, "true")
    for number, (unit, ward, cost) in enumerate(
        [(unit, ward, cost) for unit in "12" for ward in ("内科", "外科") for cost in ("0.1", "0.2", "0.3", "1000.7")],
        1,
    )
)
"""Many rows of a unit that an order does not tell apart, and reals whose sum depends on the order of adding."""
RECORDS = Records(
    persons=(("1", "女", "1950", "10", "A"), ("2", "男", "1960", "20", "B")),
    visits=VISITS,
    drugs=(("1", "A", "1"), ("1", "B", "2"), ("2", "A", "3")),
)
Cells: TypeAlias = Counter[tuple[object, ...]]


def measure(lab: Laboratory, source: Relation) -> CheckedMeasure:
    """A measure of the relation."""
    return lab.check(counted(source)).measures[0]


@contextlib.contextmanager
def shuffled(lab: Laboratory, order: Random) -> Iterator[duckdb.DuckDBPyConnection]:
    """The stored rows in another order."""
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        for catalog, private in (("private0", True), ("public0", False)):
            engine.execute(f"ATTACH ':memory:' AS {catalog}")
            for place, table in enumerate(CLINIC.tables):
                if table.private is not private:
                    continue
                found = lab.raw.execute(f"FROM {catalog}.main.t{place}")
                columns = ", ".join(f'"{name}" {type_}' for name, type_, *_ in found.description or ())
                rows = found.fetchall()
                order.shuffle(rows)
                engine.execute(f"CREATE TABLE {catalog}.main.t{place} ({columns})")
                marks = ", ".join("?" * len(rows[0]))
                engine.executemany(f"INSERT INTO {catalog}.main.t{place} VALUES ({marks})", rows)
        yield engine


def rows(engine: duckdb.DuckDBPyConnection, found: CheckedMeasure, shown: tuple[str, ...]) -> Cells:
    """The relation's rows: whose they are, and these columns."""
    parameters = Parameters()
    selects = Selects({"clinic": CLINIC}, ("clinic",), parameters, {}, found.folded)
    sql, values = parameters.statement(selects.relation(found.measure.source).select)
    bound = [float(one) if isinstance(one, Fraction) else one for one in values]
    columns = ", ".join(f'"{name}"' for name in (SEED, *shown))
    return Counter(engine.execute(f"SELECT {columns} FROM ({sql})", bound).fetchall())


@dataclass(frozen=True, slots=True)
class Orders:
    """The same rows, stored in many orders."""

    lab: Laboratory
    engines: tuple[duckdb.DuckDBPyConnection, ...]

    def stand(self, source: Relation, *shown: str) -> Cells:
        """What every order of stored rows gives."""
        found = measure(self.lab, source)
        wanted = rows(self.lab.raw, found, shown)
        for seed, engine in enumerate(self.engines):
            assert rows(engine, found, shown) == wanted, f"seed {seed}"
        return wanted


@contextlib.contextmanager
def many_orders() -> Iterator[Orders]:
    with laboratory(RECORDS, card=ROOMY) as lab, contextlib.ExitStack() as stack:
        engines = [stack.enter_context(shuffled(lab, Random(seed))) for seed in range(ORDERS)]
        yield Orders(lab, tuple(engines))


@pytest.fixture(scope="module")
def stored() -> Iterator[Orders]:
    with many_orders() as found:
        yield found


@pytest.mark.parametrize("function", WINDOWS.values(), ids=WINDOWS)
def test_no_window_notices_the_order_of_stored_rows(stored: Orders, function: Windowed) -> None:
    """Rule 13: a total order where the place of a row counts; whole numbers where anything is added up."""
    stored.stand(Window(SCAN, (function,)), "c1", "c2", "w1")


@pytest.mark.parametrize("name", ["row_number", "lag", "last_value", "ntile", "sum of rows"])
def test_a_total_order_holds_the_rows_of_every_table_below(stored: Orders, name: str) -> None:
    """Rule 13: `_row` of each private table, the key of each public one."""
    stored.stand(Window(JOINED, (WINDOWS[name],)), "c1", "c2", "c4", "c5", "w1")


@pytest.mark.parametrize("name", ["row_number", "lag", "last_value", "ntile", "sum of rows"])
def test_a_total_order_tells_the_branches_of_a_union_apart(stored: Orders, name: str) -> None:
    """Rule 13: the branch, then what tells its rows apart."""
    stored.stand(Window(UNITED, (united(name),)), "u1", "u2", "w1")


@pytest.mark.parametrize("fold", FOLDS.values(), ids=FOLDS)
def test_no_fold_notices_the_order_of_stored_rows(stored: Orders, fold: Fold) -> None:
    """Rule 13: a function of the multiset of rows."""
    stored.stand(Group(SCAN, (), (fold,)), "w1")


def test_a_total_order_is_never_part_of_ranks() -> None:
    """Rule 13: rows that the order does not tell apart have one rank, and one frame of RANGE or GROUPS."""
    ranks = (WindowFunction.RANK, WindowFunction.DENSE_RANK, WindowFunction.PERCENT_RANK, WindowFunction.CUME_DIST)
    assert not any(placed(windowed(function)) for function in (*ranks, *FRAMED))
    assert placed(windowed(WindowFunction.SUM, Frame(FrameUnit.ROWS, -1, 0)))


@pytest.mark.parametrize("function", ["rank", "dense_rank", "sum", "last_value"])
def test_peers_have_one_value(stored: Orders, function: str) -> None:
    found = stored.stand(Window(SCAN, (WINDOWS[function],)), "c1", "w1")
    assert len(found) == len({(seed, ward) for seed, ward, _ in found})


def test_windows_and_groups_end_at_the_unit(stored: Orders) -> None:
    """Rule 10: a partition and a group hold rows of one unit only."""
    everything = Windowed("w1", WindowFunction.ROWS, None, None, None, None, (), (), Frame(FrameUnit.RANGE, None, None))
    counted = stored.stand(Window(SCAN, (everything,)), "w1")
    assert {count for _, count in counted} == {8}
    folded = stored.stand(Group(SCAN, (), (FOLDS["rows"],)), "w1")
    assert sorted(folded.values()) == [1, 1]
    assert {count for _, count in folded} == {8}


def test_sums_inside_a_unit_are_exact(stored: Orders) -> None:
    """Fixed point: 0.1 + 0.2 + 0.3 + 1000.7, twice, is 2002.6, and its mean is an eighth of that."""
    expected = {"sum": 2002.6, "avg": 250.325}
    for name, value in expected.items():
        found = stored.stand(Group(SCAN, (), (FOLDS[name],)), "w1")
        assert {cell for _, cell in found} == {value}


def test_the_first_of_one_row_needs_no_order() -> None:
    """The rows of a relation that has one for each unit are told apart by nothing, so that there is nothing to sort."""
    dearest = Group(SCAN, (), (Fold("f1", FoldFunction.MAX, Ref("c2"), None, None, ()),))
    first = Group(dearest, (), (Fold("f2", FoldFunction.FIRST, Ref("f1"), None, None, ()),))
    with laboratory(FULL) as lab:
        (alone,) = lab.measures(counted(dearest))
        (measure,) = lab.measures(counted(first))
        greatest = {row.unit: row.values["f1"] for row in lab.rows(alone)}
        assert greatest
        assert {row.unit: row.values["f2"] for row in lab.rows(measure)} == greatest
