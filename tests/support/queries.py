"""Generated SQL over the small clinic: every relation, aggregate and public part that a query may be made of.

Numbers in it are exact in binary, so that plain SQL's decimals and the plan language's doubles compare alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from string import Formatter

from hypothesis import strategies as st

from tests.support.draws import Draws, drawn
from tests.support.sources import JOINS, WITHIN, Columns, Source


@dataclass(frozen=True, slots=True)
class Item:
    """One column of the select list."""

    sql: str
    name: str
    kind: str
    """`key`, `count`, `sum`, `avg`, `moment`, `quantile`, or `derived` for arithmetic over them."""


@dataclass(frozen=True, slots=True)
class Query:
    """A statement and what its columns are."""

    sql: str
    items: tuple[Item, ...]
    ordered: bool
    """Whether ORDER BY decides the place of every row."""


def every_join() -> list[Query]:
    """Each kind of join, with every column of it read."""
    return [_read(source) for source in (*JOINS, *WITHIN)]


def _read(source: Source) -> Query:
    columns = source.columns
    read = (*columns.numbers, *columns.whole, *columns.texts, *columns.dates, *columns.flags, *columns.units)
    items = [Item(f"COUNT({column})", f"a{place}", "count") for place, column in enumerate(read)]
    return _statement(source, items)


def every_measure() -> list[Query]:
    """Each kind of join grouped in ways of public and private keys, with every aggregate."""
    return [_statement(source, items) for source in JOINS for items in _measures(source.columns)]


def every_answer() -> list[Query]:
    """The same, each with an order and the first rows of it."""
    found = []
    for query in every_measure():
        names = [item.name for item in query.items if item.kind == "key"]
        order = ", ".join(f"{name}{' DESC' if place % 2 == 0 else ''}" for place, name in enumerate(names))
        ending = " HAVING COUNT(*) > 0" + (f" ORDER BY {order} LIMIT 4 OFFSET 1" if names else "")
        found.append(replace(query, sql=query.sql + ending, ordered=True))
    return found


def _measures(of: Columns) -> Iterator[list[Item]]:
    number = (*of.numbers, *of.whole)[0]
    pair = f"{number}, {(*of.whole, *of.numbers)[0]}"
    aggregates = [
        Item("COUNT(*)", "a0", "count"),
        Item(f"COUNT(DISTINCT {(*of.texts, number)[0]})", "d1", "count"),
        Item(f"COUNT(DISTINCT {number}) FILTER (WHERE {number} > 1)", "d2", "count"),
        Item(f"COUNT({number})", "a1", "count"),
        Item(f"SUM({number})", "a2", "sum"),
        Item(f"AVG({number})", "a3", "avg"),
        Item(f"SUM({number} / 11)", "a4", "sum"),
        Item(f"VAR_POP({number})", "v1", "moment"),
        Item(f"STDDEV_SAMP({number})", "v2", "moment"),
        Item(f"COVAR_POP({pair})", "v3", "moment"),
        Item(f"REGR_COUNT({pair})", "v4", "count"),
        Item(f"REGR_AVGY({pair})", "v5", "avg"),
        Item(f"REGR_SXY({pair})", "v6", "moment"),
        *(Item(f"COUNT(DISTINCT {unit})", f"a{place}", "count") for place, unit in enumerate(of.units, 5)),
    ]
    keys = [(*of.texts, *of.dates, *of.flags, number)[:1], of.dates[:1], (*of.texts, *of.flags)[-2:], (number,)]
    ranked = [
        Item(f"QUANTILE_DISC({number}, 0.3)", "q1", "quantile"),
        Item(f"MAX({number}) FILTER (WHERE {number} < 1940)", "q2", "quantile"),
    ]
    for place, chosen in enumerate(one for one in keys if one):
        read = [*aggregates, *ranked[:1]] if place == 0 else [*aggregates, *ranked] if place == 3 else aggregates
        yield [*(Item(text, f"k{number}", "key") for number, text in enumerate(chosen)), *read]


def _statement(source: Source, items: Sequence[Item]) -> Query:
    shown = ", ".join(f"{item.sql} AS {item.name}" for item in items)
    grouped = " GROUP BY ALL" if any(item.kind == "key" for item in items) else ""
    terms = [source.condition] if source.condition else []
    ctes = f"WITH {', '.join(source.ctes)} " if source.ctes else ""
    sql = f"{ctes}SELECT {shown} FROM {source.text}{where(terms)}{grouped}"
    return Query(sql, tuple(items), ordered=False)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes expressions over columns, by choices of texts."""

    some: Draws

    def one(self, choices: Sequence[str]) -> str:
        return self.some.one(choices)

    def chance(self, of: int) -> bool:
        """One time in so many, and never in the simplest example."""
        return self.some.chance(of)

    def number(self, of: Columns, depth: int = 2) -> str:
        """A number of known range, mostly."""
        leaves = [*of.numbers, *of.whole]
        if depth == 0 or not leaves:
            return self.one([*leaves, *leaves, "2", "0.5", "-3"])
        forms = [*_NUMBERS]
        forms += ["extract(month FROM {date})", "({date} - DATE '2024-01-15')"] if of.dates else []
        forms += ["length({text})"] if of.texts else []
        forms += ["({whole} // 7)", "({whole} % 3)"] if of.whole else []
        return self._filled(self.one(forms), of, depth - 1)

    def condition(self, of: Columns, depth: int = 2) -> str:
        """A predicate."""
        forms = ["{flag}"] if of.flags else []
        forms += _TEXT_CONDITIONS if of.texts else []
        forms += _DATE_CONDITIONS if of.dates else []
        forms += _NUMBER_CONDITIONS if of.numbers or of.whole else []
        forms += ["{unit} IS NOT NULL"] if of.units else []
        forms += _CONNECTED if depth > 0 else []
        return self._filled(self.one(forms or ["TRUE"]), of, depth - 1)

    def key(self, of: Columns) -> str:
        """A group key: of a public value set, or of none."""
        forms = ["({condition})"]
        forms += _TEXT_KEYS if of.texts else []
        forms += ["{whole} // 10"] if of.whole else []
        forms += ["date_trunc('month', {date})", "quarter({date})", "{date}"] if of.dates else []
        forms += ["{column}", "width_bucket({column}, 0, 2000, 4)"] if of.numbers else []
        return self._filled(self.one(forms), of, 0)

    def aggregate(self, of: Columns) -> tuple[str, str]:
        """An aggregate and its kind."""
        forms = [*_AGGREGATES]
        forms += [("COUNT(DISTINCT {unit})", "count")] if of.units else []
        forms += [("COUNT(DISTINCT {text})", "count")] if of.texts else []
        forms += [("SUM({made})", "sum"), ("AVG({made})", "avg"), ("COUNT({made})", "count")] * 2 if of.made else []
        form, kind = self.some.one(forms)
        sql = self._filled(form, of, 2)
        if not sql.startswith("COUNT_IF") and self.chance(4):
            sql += f" FILTER (WHERE {self.condition(of, 1)})"
        return sql, kind

    def _filled(self, form: str, of: Columns, depth: int) -> str:
        """The form with each of its places drawn."""
        text = ""
        for literal, place, _, _ in Formatter().parse(form):
            text += literal + ("" if place is None else self._place(place, of, max(0, depth)))
        return text

    def _place(self, place: str, of: Columns, depth: int) -> str:
        match place:
            case "number":
                return self.number(of, depth)
            case "condition":
                return self.condition(of, depth)
            case "leaf":
                return self.one([*of.numbers, *of.whole])
            case "column":
                return self.one(of.numbers)
            case "limit":
                return self.one(("0", "12", "1950", "99.5"))
            case "word":
                return self.one(("'女'", "'内科'", "'A'", "'Beta'"))
            case "pattern":
                return self.one(("'%科'", "'_'", "'A%'"))
            case _:
                return self.one(getattr(of, place if place in ("whole", "made") else f"{place}s"))


_NUMBERS = (
    "{leaf}",
    "{leaf}",
    "({number} + {number})",
    "({number} - {number})",
    "({number} * 2)",
    "({number} * -0.5)",
    "({number} / 4)",
    "({number} / 7)",
    "clamp({number}, -10, 1500)",
    "abs({number})",
    "floor({number})",
    "round({leaf}, 1)",
    "coalesce({number}, {number})",
    "nullif({number}, 0)",
    "least({number}, {number})",
    "greatest({number}, 3)",
    "CASE WHEN {condition} THEN {number} ELSE {number} END",
    "CASE WHEN {condition} THEN {number} END",
    "sqrt(abs({number}))",
)
_TEXT_CONDITIONS = ("{text} = {word}", "{text} IN ('外科', 'B', '男')", "{text} LIKE {pattern}", "{text} IS NULL")
_DATE_CONDITIONS = (
    "{date} >= DATE '2024-02-01'",
    "{date} + INTERVAL 1 MONTH < '2024-12-01'",
    "year({date}) = 2024",
)
_NUMBER_CONDITIONS = (
    "{number} > {limit}",
    "{number} BETWEEN 1 AND 1960",
    "{number} IS NOT NULL",
    "{number} <= {number}",
)
_CONNECTED = (
    "({condition} AND {condition})",
    "({condition} OR {condition})",
    "NOT ({condition})",
    "({condition}) IS DISTINCT FROM ({condition})",
)
_TEXT_KEYS = (
    "{text}",
    "{text}",
    "coalesce({text}, '无')",
    "upper({text})",
    "CASE {text} WHEN '女' THEN 1 WHEN 'A' THEN 2 ELSE 0 END",
)
_AGGREGATES = (
    ("COUNT(*)", "count"),
    ("COUNT({number})", "count"),
    ("COUNT(DISTINCT {number})", "count"),
    ("SUM({number})", "sum"),
    ("AVG({number})", "avg"),
    ("VAR_POP({number})", "moment"),
    ("STDDEV({number})", "moment"),
    ("COVAR_SAMP({number}, {number})", "moment"),
    ("REGR_SXX({number}, {number})", "moment"),
    ("REGR_AVGX({number}, {number})", "avg"),
    ("REGR_COUNT({number}, {number})", "count"),
    ("SUM(clamp({number}, 0, 100))", "sum"),
    ("COUNT_IF({condition})", "count"),
    ("QUANTILE_DISC({number}, 0.75)", "quantile"),
    ("MIN({number})", "quantile"),
    ("MAX({number})", "quantile"),
)


def _source(write: Writer) -> Source:
    """A relation of private rows: a table, a join, or a derived table or CTE over one."""
    some, found = write.some, write.some.one(JOINS)
    shape = some.one(("plain", "plain", "derived", "cte"))
    if shape == "plain":
        return found
    units = found.columns.units[:1]
    outputs = [f"{units[0]} AS u"] if units else []
    named = Columns(units=("s.u",) if units else ())
    for place in range(some.number(1, 3)):
        kind, name = some.one(("number", "text", "flag")), f"x{place}"
        if kind == "text" and found.columns.texts:
            outputs.append(f"{some.one(found.columns.texts)} AS {name}")
            named += Columns(texts=(f"s.{name}",))
        elif kind == "flag":
            outputs.append(f"{write.condition(found.columns, 1)} AS {name}")
            named += Columns(flags=(f"s.{name}",))
        else:
            outputs.append(f"{write.number(found.columns, 1)} AS {name}")
            named += Columns(numbers=(f"s.{name}",))
    terms = [found.condition] if found.condition else []
    if some.chance(2):
        terms.append(write.condition(found.columns, 1))
    inner = f"SELECT {', '.join(outputs)} FROM {found.text}{where(terms)}"
    if shape == "cte":
        return Source("s", named, (*found.ctes, f"s AS ({inner})"))
    return Source(f"({inner}) s", named, found.ctes)


def query(some: Draws) -> Query:
    """A whole query over one of the fixed relations."""
    write = Writer(some)
    return asked(write, _source(write))


def queries() -> st.SearchStrategy[Query]:
    """Whole queries."""
    return drawn(query)


def asked(write: Writer, of: Source) -> Query:
    """A whole query over the relation."""
    some = write.some
    keys = [Item(write.key(of.columns), f"k{place}", "key") for place in range(some.one((0, 1, 1, 2)))]
    measured = [write.aggregate(of.columns) for _ in range(some.number(1, 3))]
    items = [*keys, *(Item(sql, f"a{place}", kind) for place, (sql, kind) in enumerate(measured))]
    # plain DuckDB counts pairs without a sign, and fails below 0
    sums = [item.sql for item in items if item.kind in ("count", "sum") and not item.sql.startswith("REGR_COUNT")]
    if sums and some.chance(3):
        form = some.one(("100.0 * {} / NULLIF(COUNT(*), 0)", "{} - 1", "CASE WHEN {} > 0.37 THEN 'many' END"))
        items.append(Item(form.format(some.one(sums)), "x", "derived"))
    terms = [of.condition] if of.condition else []
    if some.chance(2):
        terms.append(write.condition(of.columns))
    return _finished(some, of, tuple(items), terms)


def _finished(some: Draws, of: Source, items: tuple[Item, ...], terms: Sequence[str]) -> Query:
    """The statement with its public part."""
    names = [item.name for item in items if item.kind == "key"]
    body = f"SELECT {', '.join(f'{item.sql} AS {item.name}' for item in items)} FROM {of.text}{where(terms)}"
    shape = some.one(("plain", "plain", "having", "limit", "derived", "cte"))
    ctes, every = list(of.ctes), ", ".join(names)
    ordered = shape in ("having", "limit") and bool(names)
    if names:
        sets = (f"ROLLUP({every})", f"CUBE({every})", f"GROUPING SETS (({every}), ({names[-1]}))")
        chosen = ("MEDIAN", "QUANTILE", "PERCENTILE", "MIN(", "MAX(")
        ranked = any(word in item.sql for item in items for word in chosen)
        body += f" GROUP BY {some.one((every, 'ALL') if ordered or ranked else (every, 'ALL', *sets))}"
    if ordered:
        body += f" HAVING COUNT(*) > {some.number(0, 2)}"
        body += f" ORDER BY {', '.join(name + some.one(('', ' DESC')) for name in names)}"
    if shape == "limit" and names:
        body += f" LIMIT {some.number(1, 3)} OFFSET {some.number(0, 1)}"
    outer = ", ".join(f"g.{item.name}" for item in items)
    counts = [item.name for item in items if item.kind == "count"]
    shown = f" WHERE g.{counts[0]} > 0" if counts else ""
    if shape == "derived":
        body = f"SELECT {outer} FROM ({body}) AS g{shown}"
    elif shape == "cte":
        ctes.append(f"g AS ({body})")
        body = f"SELECT {outer} FROM g{shown}"
    return Query((f"WITH {', '.join(ctes)} " if ctes else "") + body, items, ordered)


def where(terms: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(terms)}" if terms else ""
