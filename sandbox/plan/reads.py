"""Which columns of the cards a plan reads: what the policy judges."""

from __future__ import annotations

from collections.abc import Mapping

from policies.cards import DatasetCard
from sandbox.errors import Fault
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.checked import ReadColumn
from sandbox.plan.lineage import matched, ordering, scans
from sandbox.plan.nodes import Scan
from sandbox.plan.plan import Plan


def reads(plan: Plan, cards: Mapping[str, DatasetCard]) -> tuple[ReadColumn, ...]:
    """Every column read, sorted; a table of which none is read stands in with its unit key or first column.

    Joining on the unit, what is done within each unit, and counting units read the unit keys, whether or not the plan
    names them. An order within a unit that a public table's rows must complete reads that table's key.
    """
    found, units, ordered = set[ReadColumn](), set[Scan](), set[Scan]()
    for measure in plan.measures:
        counted = any(one.function is AggregateFunction.UNITS for one in measure.aggregates)
        units |= set(scans(measure.source) if counted else matched(measure.source))
        ordered |= set(ordering(measure.source))
    for scan in (*scans(plan.answer), *(one for measure in plan.measures for one in scans(measure.source))):
        table = cards[scan.dataset].table(scan.table)
        if table is None:
            raise Fault(f"no table {scan.dataset}.{scan.table}")
        names = [column.column for column in scan.columns]
        unit = table.unit.columns if table.unit is not None else ()
        names += unit if scan in units else ()
        names += table.key if scan in ordered and not table.private else ()
        found |= {ReadColumn(scan.dataset, scan.table, name) for name in names or unit or (table.columns[0].name,)}
    return tuple(sorted(found, key=lambda read: (read.dataset, read.table, read.column)))
