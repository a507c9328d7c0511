"""What the names in one SELECT mean: the columns of its FROM items, then the aliases of its select list."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from query_gateway.sql.schema import TableSchema, fold
from sandbox.errors import Refusal, Span
from sandbox.plan.nodes import Call, Expression, Ref, Type

LONG = 160
"""Characters of a list of names."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The scan column that a column is, unchanged."""

    scan: int
    """Which scan of the plan."""
    table: TableSchema
    column: str
    ref: str
    """The scan column's generated name."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a name can mean."""

    name: str
    """The analyst's name for it."""
    ref: str
    """Its generated name."""
    type: Type
    origin: Origin | None = None
    other: str | None = None
    """Of a column that a FULL JOIN makes one of two: the second one's generated name."""
    untyped: bool = False
    """A NULL that takes its type from where it stands; INTEGER where nothing says so."""

    @property
    def expression(self) -> Expression:
        """The column as an expression."""
        return Ref(self.ref) if self.other is None else Call("coalesce", (Ref(self.ref), Ref(self.other)))


@dataclass(frozen=True, slots=True)
class Source:
    """One FROM item."""

    name: str
    """Its alias or table name; empty when it has none."""
    columns: tuple[Column, ...]

    def extended(self) -> Source:
        """The source on the side of an outer join that can be missing: its unit keys only tell presence (rule 12)."""
        return replace(self, columns=tuple(map(_extended, self.columns)))


def _extended(column: Column) -> Column:
    type_ = Type.PRESENCE if column.type is Type.UNIT else column.type
    return replace(column, type=type_, origin=None)


@dataclass(slots=True)
class Scope:
    """The FROM items that names can refer to, in order."""

    sources: list[Source] = field(default_factory=list)
    merged: dict[str, Column] = field(default_factory=dict)
    """Columns that a USING made one of, by folded name."""
    either: tuple[frozenset[str], frozenset[str]] | None = None
    """Of a FULL JOIN: the unit keys of its sides, of which at least one side's are there."""

    def origin(self, expression: Expression) -> Origin | None:
        """The scan column that an expression is, unchanged."""
        columns = (column for source in self.sources for column in source.columns)
        return next((column.origin for column in columns if Ref(column.ref) == expression), None)

    def find(self, table: str | None, name: str, span: Span | None) -> Column | None:
        """The column of this name; None when there is none. Refuses `sql.ambiguous_column`, `sql.unknown_table`."""
        wanted = fold(name)
        if table is None and wanted in self.merged:
            return self.merged[wanted]
        found = [
            column
            for source in (self.sources if table is None else self._named(table, span))
            for column in source.columns
            if fold(column.name) == wanted
        ]
        if len(found) > 1:
            raise Refusal("sql.ambiguous_column", {"column": name[:60]}, span=span)
        return found[0] if found else None

    def star(self, table: str | None, span: Span | None) -> list[Column]:
        """The columns that a star means."""
        sources = self.sources if table is None else self._named(table, span)
        columns = [column for source in sources for column in source.columns]
        if table is not None:
            return columns
        kept = {fold(name): column for name, column in self.merged.items()}
        seen = [column for column in columns if fold(column.name) not in kept]
        return [*kept.values(), *seen]

    def names(self, table: str) -> bool:
        """Whether a FROM item has this name."""
        return any(source.name and fold(source.name) == fold(table) for source in self.sources)

    def unknown(self, name: str) -> dict[str, str]:
        """What is told of a name that no column has: the nearest one, empty when none is near, and all there are."""
        names = [column.name for source in self.sources for column in source.columns]
        return {"column": name, "near": nearest(name, names), "known": listed(names)}

    def _named(self, table: str, span: Span | None) -> Sequence[Source]:
        found = [source for source in self.sources if source.name and fold(source.name) == fold(table)]
        if not found:
            names = [source.name for source in self.sources]
            near = names[0] if len(names) == 1 else nearest(table, names)
            raise Refusal("sql.unknown_table", {"table": table[:60], "near": near, "known": listed(names)}, span=span)
        return found


def nearest(name: str, names: Sequence[str]) -> str:
    """The name most like `name`; empty when none is. Of names without an alphabet half of the signs are enough."""
    folded: Mapping[str, str] = {fold(one): one for one in names if one}
    near = difflib.get_close_matches(fold(name)[:60], list(folded), 1, 0.65 if name.isascii() else 0.5)
    return folded[near[0]] if near else ""


def listed(names: Sequence[str]) -> str:
    """Names for a sentence, as many as fit into it."""
    shown = ", ".join(dict.fromkeys(one for one in names if one))
    return shown if len(shown) <= LONG else shown[: shown.rfind(", ", 0, LONG)] + ", …"
