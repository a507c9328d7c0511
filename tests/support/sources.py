"""What generated SQL reads: tables of the small clinic, and every kind of join and subquery over them."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Columns:
    """The expressions that a source offers, by kind."""

    numbers: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    """Unit keys; may be read from a NULL-extended side."""
    made: tuple[str, ...] = ()
    """Real numbers that plain SQL adds up in some order: compared with a tolerance, so neither keys nor conditions."""

    def __add__(self, other: Columns) -> Columns:
        return Columns(
            self.numbers + other.numbers,
            self.whole + other.whole,
            self.texts + other.texts,
            self.dates + other.dates,
            self.flags + other.flags,
            self.units + other.units,
            self.made + other.made,
        )


@dataclass(frozen=True, slots=True)
class Source:
    """What stands after FROM, and the CTEs it needs."""

    text: str
    columns: Columns
    ctes: tuple[str, ...] = ()
    condition: str = ""
    """What WHERE must say for the join to be one."""


def persons(alias: str) -> Columns:
    return Columns(
        (f"{alias}.income",), (f"{alias}.birth_year",), (f"{alias}.性别", f"{alias}.city"), units=(f"{alias}.pid",)
    )


def visits(alias: str) -> Columns:
    return Columns(
        (f"{alias}.费用",), (), (f"{alias}.科室",), (f"{alias}.日期",), (f"{alias}.emergency",), (f"{alias}.pid",)
    )


def drugs(alias: str) -> Columns:
    return Columns((), (f"{alias}.packs",), (f"{alias}.药品",))


def cities(alias: str) -> Columns:
    return Columns((), (f"{alias}.population",), (f"{alias}.name_zh", f"{alias}.name_en", f"{alias}.code"))


def _merged_units(columns: Columns) -> Columns:
    """What can be read where a unit key's name is that of two columns made one."""
    return replace(columns, units=("pid",))


JOINS: tuple[Source, ...] = (
    Source("persons p", persons("p")),
    Source("visits v", visits("v")),
    Source("visits v", visits("v"), condition="v.visit_no > 0"),
    Source("drugs d", drugs("d")),
    Source("persons p JOIN visits v ON p.pid = v.pid", persons("p") + visits("v")),
    Source("persons p LEFT JOIN visits v ON p.pid = v.pid", persons("p") + visits("v")),
    Source("persons p LEFT JOIN visits v ON v.pid = p.pid AND v.费用 > 50", persons("p") + visits("v")),
    Source("visits v LEFT JOIN persons p ON v.pid = p.pid AND p.性别 = '女'", visits("v") + persons("p")),
    Source("visits v RIGHT JOIN persons p ON v.pid = p.pid AND v.emergency", visits("v") + persons("p")),
    Source("persons p, visits v", persons("p") + visits("v"), condition="p.pid = v.pid"),
    Source("visits v JOIN drugs d ON v.visit_no = d.visit_no", visits("v") + drugs("d")),
    Source("drugs d JOIN visits v USING (visit_no)", visits("v") + drugs("d")),
    Source("visits v LEFT JOIN drugs d ON v.visit_no = d.visit_no", visits("v") + drugs("d")),
    Source(
        "persons p JOIN visits v ON p.pid = v.pid LEFT JOIN drugs d ON d.visit_no = v.visit_no AND d.packs > 1",
        persons("p") + visits("v") + drugs("d"),
    ),
    Source("visits v JOIN visits w ON v.pid = w.pid AND v.日期 < w.日期", visits("v") + visits("w")),
    Source("visits v JOIN visits w ON v.pid = w.pid", visits("v") + visits("w")),
    Source("persons p JOIN cities c ON p.city = c.code", persons("p") + cities("c")),
    Source("cities c JOIN persons p ON c.code = p.city", persons("p") + cities("c")),
    Source("persons p JOIN cities c ON c.name_en = 'Beta'", persons("p") + cities("c")),
    Source("persons p LEFT JOIN cities c ON p.city = c.code AND c.population > 1000", persons("p") + cities("c")),
    Source("persons p JOIN cities c ON p.birth_year = c.population", persons("p") + cities("c")),
    Source("persons p CROSS JOIN cities c", persons("p") + cities("c"), condition="p.birth_year > c.population"),
    Source("persons p LEFT JOIN cities c ON c.name_en = 'Beta'", persons("p") + cities("c")),
    Source(
        "persons p JOIN visits v ON p.pid = v.pid JOIN cities c ON c.code = p.city",
        persons("p") + visits("v") + cities("c"),
    ),
    Source(
        "(SELECT pid, city FROM persons WHERE income > 1) q JOIN visits v ON v.pid = q.pid",
        visits("v") + Columns(texts=("q.city",), units=("q.pid",)),
    ),
    Source(
        "e JOIN persons p ON e.who = p.pid",
        persons("p") + Columns(("e.twice",), units=("e.who",)),
        ("e AS (SELECT pid AS who, 费用 * 2 AS twice FROM visits WHERE emergency)",),
    ),
    Source(
        "e x JOIN e y ON x.pid = y.pid AND x.日期 < y.日期",
        Columns(("x.费用", "y.费用"), dates=("x.日期", "y.日期"), units=("x.pid", "y.pid")),
        ("e AS (SELECT pid, 费用, 日期 FROM visits WHERE 科室 <> '其他')",),
    ),
    Source("persons p FULL JOIN visits v ON p.pid = v.pid", persons("p") + visits("v")),
    Source("persons p FULL JOIN visits v ON p.pid = v.pid AND v.费用 > 50", persons("p") + visits("v")),
    Source("visits v FULL JOIN drugs d ON v.visit_no = d.visit_no", visits("v") + drugs("d")),
    Source("persons p NATURAL JOIN visits v", _merged_units(persons("p") + visits("v"))),
    Source("persons p SEMI JOIN visits v ON p.pid = v.pid AND v.费用 > 50", persons("p")),
    Source("visits v ANTI JOIN drugs d USING (visit_no)", visits("v")),
    Source("persons p ANTI JOIN cities c ON p.city = c.code AND c.population > 1000", persons("p")),
    Source(
        "visits v",
        visits("v"),
        condition="EXISTS (SELECT 1 FROM visits w WHERE w.pid = v.pid AND w.日期 <> v.日期)",
    ),
    Source("persons p", persons("p"), condition="p.pid NOT IN (SELECT pid FROM visits WHERE emergency)"),
    Source("drugs d", drugs("d"), condition="d.visit_no NOT IN (SELECT visit_no FROM visits WHERE emergency)"),
    Source(
        "persons p",
        persons("p"),
        condition="(p.income > 100 OR p.city NOT IN (SELECT code FROM cities WHERE population > 1000))",
    ),
    Source(
        "visits v",
        visits("v"),
        condition="v.费用 NOT IN (SELECT w.费用 FROM visits w WHERE w.pid = v.pid AND w.visit_no <> v.visit_no)",
    ),
    Source("visits v", visits("v"), condition="v.费用 >= ALL (SELECT w.费用 FROM visits w WHERE v.pid = w.pid)"),
    Source(
        "(SELECT pid, birth_year AS x FROM persons UNION ALL SELECT pid, 费用 FROM visits) s",
        Columns(("s.x",), units=("s.pid",)),
    ),
    Source(
        "(SELECT pid, 科室, emergency, 费用 FROM visits UNION SELECT pid, city, income > 20, income FROM persons) s",
        Columns(("s.费用",), texts=("s.科室",), flags=("s.emergency",), units=("s.pid",)),
    ),
    Source(
        "(SELECT pid, 日期, 费用 FROM visits INTERSECT SELECT pid, 日期, 费用 FROM visits WHERE emergency) s",
        Columns(("s.费用",), dates=("s.日期",), units=("s.pid",)),
    ),
    Source(
        "(SELECT pid, 科室, 费用 FROM visits EXCEPT SELECT pid, 科室, 费用 FROM visits WHERE emergency) s",
        Columns(("s.费用",), texts=("s.科室",), units=("s.pid",)),
    ),
    Source(
        "persons p JOIN t ON t.low < p.birth_year",
        persons("p") + Columns(texts=("t.name",)),
        ("t(low, name) AS (VALUES (1930, 'a'), (1950, 'b'), (NULL, 'c'))",),
    ),
)
"""Every kind of join, set operation and subquery, under table aliases."""

WITHIN: tuple[Source, ...] = (
    Source(
        "(SELECT pid, COUNT(*) AS n, SUM(费用) AS s, MIN(日期) AS d, BOOL_OR(emergency) AS f FROM visits"
        " GROUP BY pid) q",
        Columns(("q.s",), ("q.n",), dates=("q.d",), flags=("q.f",), units=("q.pid",)),
    ),
    Source(
        "(SELECT pid, 科室 AS t, AVG(费用) AS a, COUNT(费用) FILTER (WHERE emergency) AS n FROM visits GROUP BY ALL) q",
        Columns(("q.a",), ("q.n",), ("q.t",), units=("q.pid",)),
    ),
    Source(
        "persons p LEFT JOIN (SELECT pid, COUNT(DISTINCT 科室) AS n, MAX(费用) AS x FROM visits GROUP BY pid"
        " HAVING COUNT(*) > 1) q ON p.pid = q.pid",
        persons("p") + Columns(("q.x",), ("q.n",), units=("q.pid",)),
    ),
    Source(
        "(SELECT pid, MEDIAN(费用) AS m, QUANTILE_DISC(费用, 0.25) AS x, ARG_MAX(科室, visit_no) AS t FROM visits"
        " GROUP BY pid) q",
        Columns(("q.m", "q.x"), texts=("q.t",), units=("q.pid",)),
    ),
    Source(
        "(SELECT pid, 科室, 费用, ROW_NUMBER() OVER (PARTITION BY pid ORDER BY visit_no DESC) AS r FROM visits) q",
        Columns(("q.费用",), ("q.r",), ("q.科室",), units=("q.pid",)),
        condition="q.r <= 2",
    ),
    Source(
        "(SELECT pid, 日期, RANK() OVER w AS r, DENSE_RANK() OVER w AS e, LAG(费用) OVER (PARTITION BY pid"
        " ORDER BY visit_no) AS x FROM visits WINDOW w AS (PARTITION BY pid, 科室 ORDER BY 日期)) q",
        Columns(("q.x",), ("q.r", "q.e"), dates=("q.日期",), units=("q.pid",)),
    ),
    Source(
        "(SELECT pid, emergency AS f, SUM(费用) OVER (PARTITION BY pid ORDER BY visit_no ROWS BETWEEN 1 PRECEDING AND"
        " CURRENT ROW) AS s, COUNT(*) OVER (PARTITION BY pid ORDER BY 日期 RANGE BETWEEN INTERVAL 30 DAYS PRECEDING AND"
        " CURRENT ROW) AS n FROM visits) q",
        Columns(("q.s",), ("q.n",), flags=("q.f",), units=("q.pid",)),
    ),
    Source(
        "(SELECT DISTINCT pid, 科室 AS t, emergency AS f FROM visits) q",
        Columns(("1",), texts=("q.t",), flags=("q.f",), units=("q.pid",)),
    ),
    Source(
        "(SELECT pid, 科室 AS t, COUNT(*) AS n, NTILE(2) OVER (PARTITION BY pid ORDER BY 科室) AS r FROM visits"
        " GROUP BY pid, 科室 QUALIFY RANK() OVER (PARTITION BY pid ORDER BY COUNT(*) DESC) = 1) q",
        Columns((), ("q.n", "q.r"), ("q.t",), units=("q.pid",)),
    ),
)
"""Groups, windows and distinct rows of units."""
