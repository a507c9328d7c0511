"""Reading cards and unit domains: every inconsistency is named, where it is and what it is."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction

import pytest

from policies.cards import Bounds, ColumnType, UnitPath, Violation
from policies.documents import exact, read_card, read_domain
from policies.errors import PolicyError
from tests.support.documents import CARD, DOMAIN, spoil

COST = 'range = [0, "20.50"], granularity = "0.01"'
WARD = 'values = ["内科", "其他"], outside = "other", other = "其他"'

# what is written instead of what → the problem that must be among those named
CARDS = [
    # keys and types of the file
    ("version = 1", "version = 1\nowner = 1", "owner: is not a key of this file"),
    ("version = 1", "", "version: is missing"),
    ("version = 1", 'version = "1"', "version: input should be a valid integer"),
    ("version = 1", "version = true", "version: input should be a valid integer"),
    ("version = 1", "version = 0", "version: counts from 1"),
    ('key = ["visit_no"]', 'key = "visit_no"', "tables.visits.key: input should be a valid list"),
    ("rows_per_unit = 50", "rows_per_units = 50", "tables.visits.rows_per_units: is not a key of this file"),
    ('granularity = "0.01", nullable', 'granularity = "0.01", nulable', "visits.columns.cost.nulable: is not a key"),
    # exact numbers
    ('rho = "1"', "rho = 1.0", "budget.rho: is a floating-point number; write it as a string"),
    ('rho = "1"', 'rho = "0x1"', "budget.rho: is no exact number"),
    ('rho = "1"', 'rho = "1/0"', "budget.rho: divides by zero"),
    ('rho = "1"', "rho = true", "budget.rho: is no exact number"),
    ('rho = "1"', 'rho = "0"', "budget.rho: lies from 2^-40 to 2^22"),
    ('rho = "1"', 'rho = "5000000"', "budget.rho: lies from 2^-40 to 2^22"),
    ('delta = "1e-5"', 'delta = "1"', "budget.delta: lies from 0 to below 1"),
    ('delta = "1e-5"', 'delta = "-1e-5"', "budget.delta: lies from 0 to below 1"),
    (COST, 'range = [0.0, "20.50"], granularity = "0.01"', "columns.cost.range: is a floating-point number"),
    # ranges and grids
    (COST, 'range = [0, "20.50"]', "columns.cost: granularity: is missing"),
    (COST, 'granularity = "0.01"', "columns.cost: granularity: means nothing without a range"),
    (COST, 'range = ["20.50", 0], granularity = "0.01"', "columns.cost: range: is the wrong way round"),
    (COST, 'range = [0, "20.50"], granularity = "0"', "columns.cost: granularity: is above 0"),
    (COST, 'range = ["0.1", "0.9"], granularity = "1"', "columns.cost: granularity: no point of the grid"),
    (COST, 'range = [0, "20.50"], granularity = "1e-20"', "columns.cost: granularity: too fine"),
    (COST, 'values = ["1", "2"]', "columns.cost: values: a double column has a range, not values"),
    (COST, 'range = [0], granularity = "0.01"', "columns.cost.range: list should have at least 2 items"),
    ("range = [0, 120]", "range = [120, 0]", "columns.age: range: is the wrong way round"),
    ("range = [0, 120]", 'range = [0, "120"]', "columns.age: range: its ends are not of type integer"),
    ("range = [0, 120]", "range = [0, true]", "columns.age: range: its ends are not of type integer"),
    ("range = [0, 120]", "range = [0, 9223372036854775808]", "columns.age: range: its ends are not of type integer"),
    ("range = [0, 120]", "range = [0, 1.5]", "columns.age.range: is no value of a integer column"),
    ("range = [0, 120]", 'range = [0, 120], granularity = "0.5"', "columns.age: granularity: of an integer is 1"),
    ("range = [2024-01-01, 2024-12-31]", "range = [2024-12-31, 2024-01-01]", "day: range: is the wrong way round"),
    ("range = [2024-01-01, 2024-12-31]", "range = [1, 2]", "columns.day: range: its ends are not of type date"),
    ("range = [2024-01-01T00:00:00,", "range = [2024-01-01,", "columns.at: range: its ends are not of type timestamp"),
    ("range = [2024-01-01T00:00:00,", "range = [2024-01-01T00:00:00Z,", "columns.at: range: its ends are not of type"),
    ('type = "boolean"', 'type = "boolean", range = [false, true]', "columns.urgent: range: a boolean column has none"),
    ('type = "boolean"', 'type = "bool"', "columns.urgent.type: input should be"),
    # value sets and what stands outside
    (WARD, 'values = ["内科", 1], outside = "null"', "columns.科室: values: not all are of type text"),
    (WARD, 'values = []', "columns.科室: values: there is none"),
    (WARD, 'values = ["内科", "内科"]', "columns.科室: values: one is listed twice"),
    (WARD, f'values = ["{"x" * 257}"]', "columns.科室: values: one is longer than 256 characters"),
    (WARD, 'values = ["内科"], outside = "other"', "columns.科室: other: goes with outside = other"),
    (WARD, 'values = ["内科"], other = "内科"', "columns.科室: other: goes with outside = other"),
    (WARD, 'values = ["内科"], outside = "other", other = "外科"', "columns.科室: other: is not one of the values"),
    (WARD, 'values = ["内科"], outside = "clamp"', "columns.科室: outside: only a range can clamp"),
    ("range = [0, 120]", 'range = [0, 120], outside = "other", other = 0', "age: outside: `other` needs values"),
    ("range = [0, 120]", "range = [0, 120], values = [1]", "age: has more than one of range, values and key_of"),
    # keys of public tables
    ('key_of = "cities"', 'key_of = "towns"', "columns.city: key_of: there is no table towns"),
    ('key_of = "cities"', 'key_of = "visits"', "columns.city: key_of: points at its own table"),
    ('key_of = "cities"', 'key_of = "drugs"', "columns.city: key_of: drugs is private"),
    ('key = ["code"]', "key = []", "columns.city: key_of: cities has no key of one column"),
    ('name = "code", type = "text"', 'name = "code", type = "integer"', "key_of: cities.code is of another type"),
    # keys
    ('key = ["visit_no"]', 'key = ["no"]', "tables.visits.key: there is no column no"),
    ('key = ["visit_no"]', 'key = ["visit_no", "city"]', "tables.visits.key: city is nullable"),
    ('unit_key = ["day"]', 'unit_key = ["pid"]', "tables.visits.unit_key: pid is the unit key itself"),
    ('unit_key = ["day"]', 'unit_key = ["days"]', "tables.visits.unit_key: there is no column days"),
    ('unit_key = ["day"]', 'unit_key = ["cost"]', "tables.visits.unit_key: cost is nullable"),
    ('unit_key = ["day"]', "unit_key = []", "tables.visits.rows_per_unit: is 1 where unit_key is empty"),
    # paths to the unit
    ('unit = "pid"', "", "tables.visits: a private table has either unit or unit_through"),
    ('unit = "pid"', 'unit = "person"', "tables.visits.unit: there is no column person"),
    ('unit = "pid"', 'unit = "age"', "tables.visits.unit: column age is not of type unit"),
    ('kind = "public"', 'kind = "public"\nunit = "code"', "cities: a public table has neither unit nor"),
    ('kind = "public"', 'kind = "private"', "tables.cities: a private table has either unit or unit_through"),
    ('kind = "public"', 'kind = "open"', "tables.cities.kind: string should match pattern"),
    ('name = "code", type = "text"', 'name = "code", type = "unit"', "columns.code: a public table has no unit key"),
    ('references = "visits"', 'references = "cities"', "tables.drugs.unit: cities is public and leads to no unit"),
    ('references = "visits"', 'references = "orders"', "tables.drugs.unit: there is no table orders"),
    ('references = "visits"', 'references = "drugs"', "tables.drugs.unit: the references go round in a circle"),
    ('columns = ["visit_no"], references', 'columns = ["number"], references', "drugs.unit: there is no column number"),
    ('columns = ["visit_no"], references', "columns = [], references", "does not match the key of visits"),
    ('key = ["visit_no"]', "", "tables.drugs.unit: visits has no key to refer to"),
    ('name = "age", type = "integer", range = [0, 120]', 'name = "age", type = "unit"', "a row has one unit key"),
    ('type = "unit"', 'type = "unit", nullable = true', "columns.pid: a unit key is never NULL"),
    ('type = "unit"', 'type = "unit", values = [1]', "columns.pid: a unit key has no value"),
    # contribution
    ("rows_per_unit = 50", "", "tables.visits.rows_per_unit: is missing"),
    ("rows_per_unit = 50", "rows_per_unit = 0", "tables.visits.rows_per_unit: is at least 1"),
    ("groups = 4", "groups = 0", "tables.visits.bounds.groups: lies from 1 to rows_per_unit"),
    ("rows = 5 }", "rows = 51 }", "tables.visits.bounds.rows: lies from 1 to rows_per_unit"),
    ('kind = "public"', 'kind = "public"\nrows_per_unit = 1', "tables.cities.rows_per_unit: a public table has none"),
    # names and texts
    ('name = "age"', 'name = "CITY"', "tables.visits.columns: CITY, city are the same name"),
    ('name = "age"', 'name = "科　室"', "'科\\u3000室' is not a name"),
    ('name = "age"', 'name = "ａｇｅ"', "is not in Unicode form NFKC"),
    ('name = "age"', 'name = "_unit"', "'_unit' is not a name"),
    ('name = "age"', 'name = "a.b"', "'a.b' is not a name"),
    ('name = "drugs"', 'name = "Cities"', "tables: Cities, cities are the same name"),
    ('title = { zh = "年龄", en = "Age" }', 'title = { zh = "", en = "Age" }', "columns.age: title.zh: is empty"),
    ('title = { zh = "年龄", en = "Age" }', 'title = { en = "Age" }', "columns.age.title.zh: is missing"),
    # catalogue
    ('opening = "conditional"', 'opening = "maybe"', "catalogue.opening: is one of unconditional, conditional, none"),
    ('opening = "conditional"', 'opening = "unconditional"', "catalogue.opening: private tables are never open"),
    ('sharing = "conditional"', 'sharing = ""', "catalogue.sharing: is one of"),
    ("acquired = 2026-01-31", 'acquired = "2026-01-31"', "catalogue.acquired: input should be a valid date"),
    ('format = "csv"', 'format = " "', "catalogue.format: is empty"),
]  # fmt: skip

DOMAINS = [
    ("max_units = 1000", "max_units = 0", "max_units: lies from 1 to 2^40"),
    ("max_units = 1000", 'max_units = "1000"', "max_units: input should be a valid integer"),
    ('canonical = "integer"', 'canonical = "any"', "canonical: input should be"),
    ('rho = "2"', "rho = 2.0", "budget.rho: is a floating-point number"),
    ('name = "people"', 'name = "the people"', "name: 'the people' is not a name"),
]


def test_a_sound_card_reads_as_written() -> None:
    card = read_card(CARD.encode())
    visits, drugs, cities = card.tables
    columns = {column.name: column for column in visits.columns}
    assert visits.unit == UnitPath(("pid",), None)
    assert drugs.unit == UnitPath(("visit_no",), "visits")
    assert (cities.unit, cities.private, cities.key) == (None, False, ("code",))
    assert (visits.unit_key, visits.rows_per_unit, visits.bounds) == (("day",), 50, Bounds(4, 5))
    assert (columns["cost"].lo, columns["cost"].hi, columns["cost"].granularity) == (
        0,
        Fraction(41, 2),
        Fraction(1, 100),
    )
    assert isinstance(columns["cost"].lo, Fraction)
    assert (columns["age"].granularity, columns["age"].violation) == (Fraction(1), Violation.CLAMP)
    assert (columns["科室"].violation, columns["科室"].other) == (Violation.OTHER, "其他")
    assert (columns["city"].key_of, columns["city"].violation) == ("cities", Violation.NULL)
    assert (columns["day"].lo, columns["at"].lo) == (date(2024, 1, 1), datetime(2024, 1, 1))  # noqa: DTZ001
    assert columns["pid"].type is ColumnType.UNIT


@pytest.mark.parametrize(("old", "new", "problem"), CARDS)
def test_a_spoilt_card_is_refused_by_name(old: str, new: str, problem: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read_card(spoil(CARD, old, new))
    assert any(problem in found for found in refused.value.problems), refused.value.problems


@pytest.mark.parametrize(("old", "new", "problem"), DOMAINS)
def test_a_spoilt_domain_is_refused_by_name(old: str, new: str, problem: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read_domain(spoil(DOMAIN, old, new))
    assert any(problem in found for found in refused.value.problems), refused.value.problems


def test_a_public_table_refers_to_one_above_it() -> None:
    """They are loaded in the card's order, each when what it refers to is there."""
    towns = """
[[tables]]
name = "towns"
kind = "public"
title = { zh = "镇", en = "Towns" }
key = ["town"]
columns = [
  { name = "town", type = "text", title = { zh = "镇", en = "Town" } },
  { name = "city", type = "text", key_of = "cities", title = { zh = "城市", en = "City" } },
]
"""
    assert read_card((CARD + towns).encode()).tables[-1].name == "towns"
    head, cities = CARD.split('[[tables]]\nname = "cities"')
    with pytest.raises(PolicyError, match="stands below"):
        read_card(f'{head}{towns}[[tables]]\nname = "cities"{cities}'.encode())


def test_all_problems_are_listed_at_once() -> None:
    text = CARD.replace("range = [0, 120]", "range = [120, 0]").replace("rows = 5 }", "rows = 99 }")
    with pytest.raises(PolicyError) as refused:
        read_card(text.replace('sharing = "conditional"', 'sharing = "x"').encode())
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize("data", [b"\xff", b"name = ", b"[" * 3000, b"a = " + b"[" * 5000], ids=repr)
def test_what_is_no_toml_is_refused(data: bytes) -> None:
    with pytest.raises(PolicyError):
        read_card(data)


def test_references_in_a_wider_circle_are_refused() -> None:
    text = CARD.replace('unit = "pid"', 'unit_through = { columns = ["visit_no"], references = "drugs" }')
    text = text.replace("rows_per_unit = 200", 'rows_per_unit = 200\nkey = ["visit_no"]')
    with pytest.raises(PolicyError) as refused:
        read_card(text.encode())
    circle = "unit: the references go round in a circle and reach no unit key"
    assert {f"tables.visits.{circle}", f"tables.drugs.{circle}"} <= set(refused.value.problems)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (3, Fraction(3)),
        ("0.1", Fraction(1, 10)),
        ("1e-6", Fraction(1, 10**6)),
        ("1/3", Fraction(1, 3)),
        ("-2", Fraction(-2)),
    ],
)
def test_exact_numbers(written: object, meant: Fraction) -> None:
    assert exact(written) == meant


@pytest.mark.parametrize("written", [0.1, True, None, "", " 1", "1e999", "1_0", "nan", "inf", "١", "1/0", "1.5/2"])
def test_inexact_numbers(written: object) -> None:
    with pytest.raises(ValueError, match=r"number|zero"):
        exact(written)
