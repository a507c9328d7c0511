"""SQL composed of every operator: relations of relations of private rows, each with the unit key in it.

Whatever is done within a unit is ordered by all of its columns, so that rows which tie are equal; released rows are
read without groups that are empty. So plain SQL has one answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count

from hypothesis import strategies as st

from tests.support.draws import Draws, drawn, seeded
from tests.support.queries import Item, Query, Writer, asked, where
from tests.support.sources import Columns, Source, cities, drugs, persons, visits

KINDS = ("number", "whole", "text", "date", "flag")
NAMED = {"number": "numbers", "whole": "whole", "text": "texts", "date": "dates", "flag": "flags"}
FILLERS = {"number": "0.5", "whole": "7", "text": "'内科'", "date": "DATE '2024-03-01'", "flag": "TRUE"}


@dataclass(frozen=True, slots=True)
class Composer:
    """Composes one statement."""

    some: Draws
    write: Writer
    names: count[int] = field(default_factory=lambda: count(1))

    def alias(self) -> str:
        return f"s{next(self.names)}"

    def relation(self, depth: int) -> Source:
        """Private rows with a unit key."""
        if depth == 0:
            return self.table()
        shapes = (
            self.derived,
            self.joined,
            self.with_public,
            self.filtered,
            self.united,
            self.grouped,
            self.windowed,
            self.distinct,
            self.with_released,
        )
        return self.some.one(shapes)(depth)

    def table(self) -> Source:
        one, other = self.alias(), self.alias()
        match self.some.number(0, 3):
            case 0:
                return Source(f"persons {one}", persons(one))
            case 1 | 2:
                return Source(f"visits {one}", visits(one))
            case _:
                both = f"visits {one} JOIN drugs {other} ON {one}.visit_no = {other}.visit_no"
                return Source(both, visits(one) + drugs(other))

    def chosen(self, of: Columns, kinds: list[str]) -> list[tuple[str, str]]:
        """An expression of each kind: a column, mostly."""
        found = []
        for kind in kinds:
            columns = getattr(of, NAMED[kind])
            if kind == "flag" and not (columns and self.some.number(0, 1)):
                found.append((kind, self.write.condition(of, 1)))
            elif kind == "number" and self.some.chance(3):
                found.append((kind, self.write.number(of, 1)))
            else:
                found.append((kind, self.some.one(columns or (FILLERS[kind],))))
        return found

    def select(self, of: Source, kinds: list[str], *, distinct: bool = False) -> tuple[str, Columns]:
        """SELECT u, … of the relation, and its columns without an alias."""
        shown, columns = [f"{of.columns.units[0]} AS u"], Columns(units=("u",))
        for place, (kind, sql) in enumerate(self.chosen(of.columns, kinds), 1):
            shown.append(f"{sql} AS c{place}")
            columns += Columns(**{NAMED[kind]: (f"c{place}",)})
        terms = [of.condition] if of.condition else []
        if self.some.chance(3):
            terms.append(self.write.condition(of.columns, 1))
        what = "SELECT DISTINCT" if distinct else "SELECT"
        return f"{what} {', '.join(shown)} FROM {of.text}{where(terms)}", columns

    def kinds(self, of: Source) -> list[str]:
        """Mostly those that the relation has columns of."""
        there = [kind for kind in KINDS if getattr(of.columns, NAMED[kind])] or ["flag"]
        return [self.some.one(KINDS if self.some.chance(8) else there) for _ in range(self.some.number(1, 4))]

    def named(self, body: str, columns: Columns, of: Source) -> Source:
        """The SELECT as a derived table or a CTE."""
        alias = self.alias()
        read = Columns(
            *(
                tuple(f"{alias}.{name}" for name in getattr(columns, each))
                for each in ("numbers", "whole", "texts", "dates", "flags", "units", "made")
            )
        )
        if self.some.chance(4):
            return Source(alias, read, (*of.ctes, f"{alias} AS ({body})"))
        return Source(f"({body}) {alias}", read, of.ctes)

    def plain(self, depth: int) -> Source:
        """A relation without a condition of its own, of few columns, in which nothing was added up."""
        of = self.relation(depth)
        return self.named(*self.select(of, self.kinds(of)), of)

    def derived(self, depth: int) -> Source:
        return self.plain(depth - 1)

    def joined(self, depth: int) -> Source:
        """Two relations of one unit."""
        one, other = self.plain(depth - 1), self.plain(0)
        left, right = one.columns.units[0], other.columns.units[0]
        kind = self.some.one(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
        unit = {"JOIN": left, "LEFT JOIN": left, "RIGHT JOIN": right}.get(kind, f"COALESCE({left}, {right})")
        terms = [f"{left} = {right}"]
        pairs = [
            (a, b) for name in NAMED.values() for a in getattr(one.columns, name) for b in getattr(other.columns, name)
        ]
        if pairs and self.some.number(0, 1):
            terms.append(
                self.some.one(("{} = {}", "{} <= {}", "{} IS NOT DISTINCT FROM {}")).format(*self.some.one(pairs))
            )
        text = f"{one.text} {kind} {other.text} ON {' AND '.join(terms)}"
        columns = replace(one.columns, units=()) + replace(other.columns, units=())
        return Source(text, columns + Columns(units=(unit,)), (*one.ctes, *other.ctes))

    def with_public(self, depth: int) -> Source:
        """Each row beside rows that are public."""
        of = self.plain(depth - 1)
        alias = self.alias()
        text, whole = (self.some.one(each or ("NULL",)) for each in (of.columns.texts, of.columns.whole))
        match self.some.number(0, 3):
            case 0:
                condition = f"{text} = {alias}.code"
            case 1:
                condition = f"{alias}.name_en = 'Beta'"
            case 2:
                condition = f"{whole} > {alias}.population"
            case _:
                rows = f"(VALUES (1, '内科'), (1950, 'A'), (NULL, '女')) {alias}(low, word)"
                read = Columns(whole=(f"{alias}.low",), texts=(f"{alias}.word",))
                condition = self.some.one((f"{alias}.word = {text}", f"{alias}.low <= {whole}"))
                return Source(f"{of.text} {self._kind()} {rows} ON {condition}", of.columns + read, of.ctes)
        return Source(f"{of.text} {self._kind()} cities {alias} ON {condition}", of.columns + cities(alias), of.ctes)

    def _kind(self) -> str:
        return self.some.one(("JOIN", "LEFT JOIN"))

    def filtered(self, depth: int) -> Source:
        """Rows with, or without, others of the same unit or public ones: as a join, a condition, under OR."""
        of, other = self.plain(depth - 1), self.plain(0)
        mine, theirs = of.columns.units[0], other.columns.units[0]
        pairs = [
            (a, b)
            for name in ("numbers", "whole", "texts", "dates")
            for a in getattr(of.columns, name)
            for b in getattr(other.columns, name)
        ]
        ctes = (*of.ctes, *other.ctes)
        one, another = self.some.one(pairs) if pairs else ("1", "1")
        within = f"SELECT {another} FROM {other.text} WHERE {theirs} = {mine}"
        match self.some.number(0, 6):
            case 0:
                kind = self.some.one(("SEMI", "ANTI"))
                return Source(f"{of.text} {kind} JOIN {other.text} ON {mine} = {theirs}", of.columns, ctes)
            case 1:
                found = f"EXISTS ({within} AND {one} {self.some.one(('=', '<', '<>'))} {another})"
            case 2:
                found = f"{one} {self.some.one(('IN', 'NOT IN'))} ({within})"
            case 3:
                found = f"{one} {self.some.one(('<=', '>', '='))} {self.some.one(('ALL', 'ANY'))} ({within})"
            case 4:
                found = f"{mine} {self.some.one(('IN', 'NOT IN'))} (SELECT {theirs} FROM {other.text})"
            case 5:
                text = self.some.one(of.columns.texts or ("'A'",))
                found = f"{text} {self.some.one(('IN', 'NOT IN'))} (SELECT code FROM cities WHERE population > 1000)"
            case _:
                found = f"EXISTS ({within})"
        if self.some.chance(3):
            found = f"({found} OR {self.write.condition(of.columns, 1)})"
        elif self.some.chance(3):
            return Source(of.text, of.columns + Columns(flags=(f"({found})",)), ctes)
        return Source(of.text, of.columns, ctes, found)

    def united(self, depth: int) -> Source:
        one, other = self.relation(depth - 1), self.relation(0)
        kinds = self.kinds(one)
        (left, columns), (right, _) = self.select(one, kinds), self.select(other, kinds)
        word = self.some.one(("UNION ALL", "UNION", "INTERSECT", "EXCEPT"))
        both = Source("", columns, (*one.ctes, *other.ctes))
        return self.named(f"{left} {word} {right}", columns, both)

    def grouped(self, depth: int) -> Source:
        """A row for each unit, or for each of its parts."""
        of = self.plain(depth - 1)
        unit, at = of.columns.units[0], of.columns
        key = [*at.texts, *at.flags, *at.whole, *at.dates] if self.some.number(0, 1) else []
        shown, columns = [f"{unit} AS u"], Columns(units=("u",))
        if key:
            chosen = self.some.one(key)
            kind = next(name for name in ("texts", "flags", "whole", "dates") if chosen in getattr(at, name))
            shown.append(f"{chosen} AS k")
            columns += Columns(**{kind: ("k",)})
        number = self.write.number(at, 1)
        raw = self.some.one((*at.numbers, *at.whole, "2"))
        folds = [
            ("COUNT(*)", "whole"),
            (f"COUNT({number})", "whole"),
            (f"COUNT(DISTINCT {raw})", "whole"),
            (f"COUNT_IF({self.write.condition(at, 1)})", "whole"),
            (f"SUM(clamp({raw}, -5, 90))", "made"),
            (f"AVG({raw})", "made"),
            (f"STDDEV_POP(clamp({raw}, 0, 50))", "made"),
            (f"MEDIAN({raw})", "made"),
            (f"MIN({number})", "numbers"),
            (f"MAX({raw})", "numbers"),
            (f"QUANTILE_DISC({raw}, 0.25)", "numbers"),
            (f"FIRST({raw} ORDER BY {raw} DESC)", "numbers"),
            (f"BOOL_OR({self.write.condition(at, 1)})", "flags"),
            *((f"MIN({text})", "texts") for text in at.texts),
            *((f"MAX({day})", "dates") for day in at.dates),
        ]
        for place, (fold, kind) in enumerate(self.some.different(folds, 3, 1), 1):
            passing = (
                f" FILTER (WHERE {self.write.condition(at, 1)})" if self.some.chance(4) and kind != "flags" else ""
            )
            shown.append(f"{fold}{passing} AS c{place}")
            columns += Columns(**{kind: (f"c{place}",)})
        having = " HAVING COUNT(*) > 1" if self.some.chance(4) else ""
        by = "ALL" if self.some.number(0, 1) else ", ".join([unit, *(["k"] if key else [])])
        return self.named(f"SELECT {', '.join(shown)} FROM {of.text} GROUP BY {by}{having}", columns, of)

    def windowed(self, depth: int) -> Source:
        """Rows with what stands around them: ordered by all of their columns, so that those that tie are equal."""
        of = self.plain(depth - 1)
        at = of.columns
        raw = [*at.numbers, *at.whole, *at.texts, *at.dates, *at.flags]
        order = ", ".join(
            f"{one}{self.some.one(('', ' DESC', ' NULLS FIRST'))}" for one in self.some.different(raw, 9, 9)
        )
        parts = ", ".join([at.units[0], *self.some.different([*at.texts, *at.flags], 1)])
        value = self.some.one((*at.numbers, *at.whole, "1"))
        over, numbers = f"OVER (PARTITION BY {parts} ORDER BY {order})", f"clamp({value}, -5, 90)"
        frame = self.some.one(
            ("ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING")
        )
        framed = f"OVER (PARTITION BY {parts} ORDER BY {order} {frame})"
        functions = [
            (f"{self.some.one(('ROW_NUMBER()', 'RANK()', 'DENSE_RANK()', 'NTILE(2)'))} {over}", "whole"),
            (f"{self.some.one(('PERCENT_RANK()', 'CUME_DIST()'))} {over}", "made"),
            (f"{self.some.one(('LAG', 'LEAD'))}({value}) {over}", "numbers"),
            (f"{self.some.one(('FIRST_VALUE', 'LAST_VALUE'))}({value}) {framed}", "numbers"),
            (f"NTH_VALUE({value}, 2) {framed}", "numbers"),
            (f"COUNT(*) {framed}", "whole"),
            (f"SUM({numbers}) {self.some.one((framed, over))}", "made"),
            (f"AVG({numbers}) OVER (PARTITION BY {parts})", "made"),
            (f"{self.some.one(('MIN', 'MAX'))}({value}) {framed}", "numbers"),
        ]
        recent = "RANGE BETWEEN INTERVAL 30 DAYS PRECEDING AND CURRENT ROW"
        functions += [
            (f"COUNT({day}) OVER (PARTITION BY {parts} ORDER BY {day} {recent})", "whole") for day in at.dates
        ]
        shown, columns = [f"{at.units[0]} AS u"], Columns(units=("u",))
        there = [(kind, one) for kind in NAMED.values() for one in getattr(at, kind)]
        for place, (kind, one) in enumerate(there):
            shown.append(f"{one} AS c{place}")
            columns += Columns(**{kind: (f"c{place}",)})
        for place, (sql, kind) in enumerate(self.some.different(functions, 2, 1), 1):
            shown.append(f"{sql} AS w{place}")
            columns += Columns(**{kind: (f"w{place}",)})
        keeps = f"ROW_NUMBER() {over} {self.some.one(('= 1', '<= 2', '> 1'))}"
        ending = f" QUALIFY {keeps}" if self.some.chance(3) else ""
        return self.named(f"SELECT {', '.join(shown)} FROM {of.text}{ending}", columns, of)

    def distinct(self, depth: int) -> Source:
        of = self.relation(depth - 1)
        return self.named(*self.select(of, self.kinds(of), distinct=True), of)

    def with_released(self, depth: int) -> Source:
        """Rows beside what was released of others: a scalar, or the groups that have rows."""
        of, released = self.plain(depth - 1), self.some.one(RELEASED)
        alias = self.alias()
        texts = [*of.columns.texts]
        if texts and self.some.number(0, 1):
            text = f"{of.text} {self._kind()} ({released.by}) {alias} ON {alias}.k = {self.some.one(texts)}"
            return Source(text, of.columns + Columns(whole=(f"{alias}.n",), texts=(f"{alias}.k",)), of.ctes)
        number = self.some.one((*of.columns.numbers, *of.columns.whole, "4"))
        term = f"{number} {self.some.one(('<', '>='))} {self.some.one(('', '3 * ', '100 - '))}({released.scalar})"
        if self.some.chance(3):
            return Source(of.text, of.columns + Columns(flags=(f"({term})",)), of.ctes)
        return Source(of.text, of.columns, of.ctes, term)


@dataclass(frozen=True, slots=True)
class Released:
    """A measure inside another."""

    scalar: str
    by: str
    """Its groups with rows: their text `k` and number `n`."""


RELEASED = (
    Released(
        "SELECT COUNT(*) FROM persons WHERE birth_year > 1945",
        "SELECT city AS k, COUNT(*) AS n FROM persons GROUP BY city HAVING COUNT(*) > 0",
    ),
    Released(
        "SELECT COUNT(DISTINCT pid) FROM visits WHERE emergency",
        "SELECT 科室 AS k, COUNT(DISTINCT pid) AS n FROM visits GROUP BY 科室 HAVING COUNT(*) > 0",
    ),
    Released(
        "SELECT SUM(packs) FROM drugs",
        "SELECT 药品 AS k, SUM(packs) AS n FROM drugs GROUP BY 药品 HAVING COUNT(*) > 0",
    ),
    Released(
        "SELECT COUNT(*) FROM visits v WHERE v.费用 > (SELECT COUNT(*) FROM persons)",
        "SELECT g.k, MAX(g.n) AS n FROM (SELECT 性别 AS k, city, COUNT(*) AS n FROM persons GROUP BY ALL"
        " HAVING COUNT(*) > 0) g GROUP BY g.k",
    ),
)
"""Whole numbers only: what is released of them is exact where noise is next to nothing."""


def composed(some: Draws) -> Query:
    """A whole statement."""
    write = Writer(some)
    composer = Composer(some, write)
    of = composer.relation(some.number(1, 3))
    if some.chance(12):
        other = composer.relation(1)
        columns = [
            (f"(SELECT {sql} FROM {one.text}{where([one.condition] if one.condition else [])})", kind)
            for one in (of, other)
            for sql, kind in [write.aggregate(one.columns)]
        ]
        shown = ", ".join(f"{sql} AS a{place}" for place, (sql, _) in enumerate(columns))
        ctes = (*of.ctes, *other.ctes)
        items = tuple(Item(sql, f"a{place}", kind) for place, (sql, kind) in enumerate(columns))
        return Query((f"WITH {', '.join(ctes)} " if ctes else "") + f"SELECT {shown}", items, ordered=False)
    return asked(write, of)


def compositions() -> st.SearchStrategy[Query]:
    """Statements composed of every operator."""
    return drawn(composed)


def statement_of(seed: int) -> Query:
    """The statement of a seed."""
    return seeded(seed, composed)
