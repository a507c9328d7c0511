"""Small cards that tests and benchmarks load and ask about, and the short words they are written in."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from policies.cards import (
    Bounds,
    Budget,
    CardValue,
    Catalogue,
    ColumnCard,
    ColumnType,
    DatasetCard,
    TableCard,
    Text,
    UnitPath,
    Violation,
)
from policies.domains import Canonical, UnitDomain


def text(words: str) -> Text:
    """The same words in both languages."""
    return Text(words, words)


def column(
    name: str,
    kind: ColumnType,
    *,
    span: tuple[CardValue, CardValue] | None = None,
    values: tuple[CardValue, ...] | None = None,
    key_of: str | None = None,
    grid: str | None = None,
    other: CardValue | None = None,
    nullable: bool = False,
) -> ColumnCard:
    """A column: a range clamps, a value set or key gives NULL, or `other` where there is one."""
    outside = Violation.CLAMP if span else Violation.NULL if other is None else Violation.OTHER
    lo, hi = span or (None, None)
    if grid is None and kind is ColumnType.INTEGER:
        grid = "1"
    step = None if grid is None else Fraction(grid)
    return ColumnCard(name, text(name), kind, nullable, lo, hi, values, key_of, step, outside, other)


def unit(name: str) -> ColumnCard:
    """A unit key column."""
    return column(name, ColumnType.UNIT)


def integer(
    name: str, lo: int | None = None, hi: int | None = None, *, key_of: str | None = None, nullable: bool = False
) -> ColumnCard:
    """An integer column with a range, a key, or neither."""
    span = None if lo is None or hi is None else (lo, hi)
    return column(name, ColumnType.INTEGER, span=span, key_of=key_of, nullable=nullable)


def double(name: str, lo: str, hi: str, grid: str = "0.01", *, nullable: bool = False) -> ColumnCard:
    """A double column with a range and its grid."""
    return column(name, ColumnType.DOUBLE, span=(Fraction(lo), Fraction(hi)), grid=grid, nullable=nullable)


def words(
    name: str, *values: str, key_of: str | None = None, other: str | None = None, nullable: bool = False
) -> ColumnCard:
    """A text column with a value set, a key, or neither."""
    return column(name, ColumnType.TEXT, values=values or None, key_of=key_of, other=other, nullable=nullable)


def day(name: str, first: date, last: date) -> ColumnCard:
    """A date column with a range."""
    return column(name, ColumnType.DATE, span=(first, last))


def private(
    name: str,
    *columns: ColumnCard,
    path: str | tuple[str, str],
    rows: int,
    key: tuple[str, ...] = (),
    unit_key: tuple[str, ...] | None = None,
    bounds: Bounds | None = None,
) -> TableCard:
    """A private table: `path` is its unit key, or (foreign key column, table)."""
    way = UnitPath((path,), None) if isinstance(path, str) else UnitPath((path[0],), path[1])
    return TableCard(name, text(name), columns, way, key, unit_key, rows, bounds)


def public(name: str, *columns: ColumnCard, key: tuple[str, ...] = ()) -> TableCard:
    """A public table."""
    return TableCard(name, text(name), columns, None, key, None, None, None)


def card(
    name: str, *tables: TableCard, domain: str = "people", rho: str = "1000", delta: str = "0.001", version: int = 1
) -> DatasetCard:
    """A data set of these tables with a budget that tests do not meet by chance."""
    catalogue = Catalogue(
        provider=text("provider"),
        category=text("category"),
        format="csv",
        sharing="conditional",
        opening="conditional",
        security_level="3",
        usage=text("usage"),
        update_cycle="yearly",
        source=text("source"),
        acquired=date(2026, 1, 1),
    )
    budget = Budget(Fraction(rho), Fraction(delta))
    return DatasetCard(name, version, text(name), text(name), domain, tables, budget, catalogue)


def domain(
    name: str = "people", max_units: int = 20_000_000, canonical: Canonical = Canonical.INTEGER, rho: str = "1000"
) -> UnitDomain:
    """A unit domain."""
    return UnitDomain(name, text(name), canonical, max_units, Budget(Fraction(rho), Fraction("0.001")))


YEAR_2024 = (date(2024, 1, 1), date(2024, 12, 31))

CLINIC = card(
    "clinic",
    private(
        "persons",
        unit("pid"),
        words("性别", "女", "男", nullable=True),
        integer("birth_year", 1920, 2010),
        double("income", "0", "500000", nullable=True),
        words("city", key_of="cities", nullable=True),
        path="pid",
        key=("pid",),
        unit_key=(),
        rows=1,
    ),
    private(
        "visits",
        integer("visit_no"),
        unit("pid"),
        words("科室", "内科", "外科", "儿科", "其他", other="其他"),
        day("日期", *YEAR_2024),
        double("费用", "0", "2000", nullable=True),
        column("emergency", ColumnType.BOOLEAN),
        path="pid",
        key=("visit_no",),
        rows=20,
        bounds=Bounds(groups=4, rows=5),
    ),
    private(
        "drugs",
        integer("visit_no"),
        words("药品", "A", "B", "C"),
        integer("packs", 0, 10),
        path=("visit_no", "visits"),
        rows=60,
    ),
    public(
        "cities", words("code"), words("name_zh"), words("name_en"), integer("population", 0, 50_000_000), key=("code",)
    ),
)
"""Persons of one row each, their visits, and the drugs of each visit through a foreign key; names in Chinese."""

CENSUS = card(
    "census",
    private(
        "persons",
        unit("pid"),
        integer("age", 0, 100),
        integer("sex", 0, 1),
        integer("educ", 1, 16),
        double("income", "0", "500000"),
        integer("region", 1, 34),
        path="pid",
        key=("pid",),
        unit_key=(),
        rows=1,
    ),
)
"""The benchmarks' census: one row a person."""

VISITS = card(
    "visits",
    private(
        "visits",
        unit("pid"),
        integer("clinic_id", 1, 500),
        day("ts", *YEAR_2024),
        double("cost", "0", "2000"),
        path="pid",
        rows=1_000,
        bounds=Bounds(groups=5, rows=3),
    ),
)
"""The benchmarks' visits, heavily skewed over the same people as the census."""

TPCH_DATES = (date(1992, 1, 1), date(1998, 12, 31))
PRIORITIES = ("1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW")

TPCH = card(
    "tpch",
    private(
        "customer",
        unit("c_custkey"),
        integer("c_nationkey", key_of="nation"),
        double("c_acctbal", "-999.99", "9999.99"),
        words("c_mktsegment", "AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY"),
        path="c_custkey",
        key=("c_custkey",),
        unit_key=(),
        rows=1,
    ),
    private(
        "orders",
        integer("o_orderkey"),
        unit("o_custkey"),
        words("o_orderstatus", "F", "O", "P"),
        double("o_totalprice", "0", "600000"),
        day("o_orderdate", *TPCH_DATES),
        words("o_orderpriority", *PRIORITIES),
        integer("o_shippriority", 0, 0),
        path="o_custkey",
        key=("o_orderkey",),
        unit_key=("o_orderkey",),
        rows=60,
    ),
    private(
        "lineitem",
        integer("l_orderkey"),
        integer("l_partkey"),
        integer("l_suppkey"),
        integer("l_linenumber", 1, 7),
        double("l_quantity", "0", "50", "1"),
        double("l_extendedprice", "0", "105000"),
        double("l_discount", "0", "0.10"),
        double("l_tax", "0", "0.08"),
        words("l_returnflag", "A", "N", "R"),
        words("l_linestatus", "F", "O"),
        day("l_shipdate", *TPCH_DATES),
        day("l_commitdate", *TPCH_DATES),
        day("l_receiptdate", *TPCH_DATES),
        words("l_shipinstruct", "COLLECT COD", "DELIVER IN PERSON", "NONE", "TAKE BACK RETURN"),
        words("l_shipmode", "AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"),
        path=("l_orderkey", "orders"),
        key=("l_orderkey", "l_linenumber"),
        unit_key=("l_orderkey", "l_linenumber"),
        rows=420,
    ),
    public("region", integer("r_regionkey", 0, 4), words("r_name"), key=("r_regionkey",)),
    public(
        "nation",
        integer("n_nationkey", 0, 24),
        words("n_name"),
        integer("n_regionkey", key_of="region"),
        key=("n_nationkey",),
    ),
    public(
        "supplier",
        integer("s_suppkey"),
        words("s_name"),
        integer("s_nationkey", key_of="nation"),
        double("s_acctbal", "-999.99", "9999.99"),
        key=("s_suppkey",),
    ),
    public(
        "part",
        integer("p_partkey"),
        words("p_name"),
        words("p_mfgr"),
        words("p_brand"),
        words("p_type"),
        integer("p_size", 1, 50),
        words("p_container"),
        double("p_retailprice", "0", "3000"),
        key=("p_partkey",),
    ),
    public(
        "partsupp",
        integer("ps_partkey"),
        integer("ps_suppkey"),
        integer("ps_availqty", 1, 9999),
        double("ps_supplycost", "0", "1000"),
        key=("ps_partkey", "ps_suppkey"),
    ),
    domain="customers",
)
"""TPC-H with the customer as the privacy unit; free text of the private tables is not on the card."""

SUPPLY = card(
    "supply",
    private(
        "suppliers",
        unit("s_suppkey"),
        integer("s_nationkey", 0, 24),
        path="s_suppkey",
        key=("s_suppkey",),
        unit_key=(),
        rows=1,
    ),
    domain="suppliers",
)
"""The suppliers of TPC-H where they are people to protect, too."""

DOMAINS = {each.name: each for each in (domain(), domain("customers", 1_000_000), domain("suppliers", 100_000))}
"""The unit domains of these cards."""
