"""What is known of the cards' tables, private and public, where a plan scans them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from policies.cards import DatasetCard, TableCard
from sandbox.errors import Fault, Refusal
from sandbox.plan.checked import PublicFacts
from sandbox.plan.columns import column_values
from sandbox.plan.nodes import Scan
from sandbox.plan.relations import Known, settled
from sandbox.plan.values import Members, Values


@dataclass(slots=True)
class Tables:
    """Those of one plan."""

    cards: Mapping[str, DatasetCard]
    facts: Mapping[tuple[str, str], PublicFacts]
    define: Callable[[str], str]
    """Makes a name that nothing else in the plan has."""
    columns: dict[tuple[str, str, str], Values] = field(default_factory=dict)
    """Of the cards' columns read so far, by data set, table and column."""

    def table(self, scan: Scan) -> TableCard:
        """The card of the table. Refuses: `plan.unknown_table`."""
        card = self.cards.get(scan.dataset)
        table = None if card is None else card.table(scan.table)
        if table is None:
            raise Refusal("plan.unknown_table", {"dataset": scan.dataset, "table": scan.table})
        return table

    def scan(self, scan: Scan) -> Known:
        """What is known of a table from its card and public facts. Refuses: `plan.unknown_column`, as `table`."""
        table, card = self.table(scan), self.cards[scan.dataset]
        facts = self.facts.get((scan.dataset, scan.table))
        if not table.private and facts is None:
            raise Fault(f"no public facts of {scan.dataset}.{scan.table}")
        columns, named = dict[str, Values](), dict[str, str]()
        for column in scan.columns:
            found = next((one for one in table.columns if one.name == column.column), None)
            if found is None:
                raise Refusal("plan.unknown_column", {"table": scan.table, "column": column.column})
            members = None if facts is None else facts.members.get(found.name)
            if found.key_of is not None:
                members = self._key_members(card, scan.dataset, found.key_of)
            place = (scan.dataset, scan.table, column.column)
            if place not in self.columns:
                self.columns[place] = column_values(found, members)
            columns[self.define(column.name)] = self.columns[place]
            named.setdefault(column.column, column.name)
        unit = table.unit.columns if table.unit is not None and table.unit.references is None else ()
        keys = [[name for name in key if name not in unit] for key in (table.key, table.unit_key) if key]
        covered = {frozenset(named[name] for name in key) for key in keys if named.keys() >= set(key)}
        if facts is not None:
            matches = {named[name]: count for name, count in facts.multiplicity.items() if name in named}
            return Known(None, columns, facts.rows, frozenset(covered), matches)
        if table.rows_per_unit is None:
            raise Fault(f"no rows per unit of {scan.dataset}.{scan.table}")
        single = table.unit_key == () or frozenset() in covered
        rows = 1 if single else table.rows_per_unit
        return settled(Known(card.unit_domain, columns, rows, frozenset(covered), {}))

    def _key_members(self, card: DatasetCard, dataset: str, table: str) -> Members:
        """The values of a public table's one-column key."""
        found, facts = card.table(table), self.facts.get((dataset, table))
        if found is None or facts is None or len(found.key) != 1 or found.key[0] not in facts.members:
            raise Fault(f"no key values of {dataset}.{table}")
        return facts.members[found.key[0]]
