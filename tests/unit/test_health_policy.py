"""The demo's policy and licence, and the reference of cards, are what they say."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from policies.canonical import card_from_json, card_to_json
from policies.cards import ColumnType, DatasetCard
from policies.catalogue import catalogue_entry
from policies.documents import read_card, read_domain, read_licence_text
from policies.licence_consistency import grant_problems

ROOT = Path(__file__).parents[2]
HEALTH = ROOT / "examples" / "health"
CARD = read_card(HEALTH / "policy" / "cards" / "health.toml")
DOMAIN = read_domain(HEALTH / "policy" / "domains" / "panel_persons.toml")
LICENCE = read_licence_text(HEALTH / "licence.toml")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def documented() -> Mapping[str, str]:
    """What the data set's README declares of each column of the records."""
    lines = (HEALTH / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return {row[0]: row[2] for row in rows if len(row) == 6 and row[0] != "column"}


def declared(card: DatasetCard) -> dict[str, str]:
    """The same from the card, in the README's words."""
    said = {}
    for column in card.tables[0].columns:
        if column.type is ColumnType.UNIT:
            said[column.name] = "unit key"
        elif column.key_of:
            said[column.name] = f"key of `{column.key_of}`"
        elif (column.lo, column.hi) == (0, 1):
            said[column.name] = "{0, 1}"
        else:
            said[column.name] = f"{column.lo} to {column.hi}"
    return said


def test_the_card_declares_what_the_readme_documents() -> None:
    documentation = documented()
    for name, words in declared(CARD).items():
        assert documentation[name].startswith(words), name
    assert documentation.keys() == declared(CARD).keys()


@pytest.mark.parametrize("table", ["education", "calendar"])
def test_public_files_have_the_declared_columns(table: str) -> None:
    with (HEALTH / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    described = CARD.table(table)
    assert described is not None
    columns = {column.name: column for column in described.columns}
    assert header == list(columns)
    key = columns[described.key[0]]
    values = sorted(int(row[header.index(key.name)]) for row in rows)
    assert values == list(range(int(str(key.lo)), int(str(key.hi)) + 1))


def test_everything_is_said_in_both_languages() -> None:
    texts = [CARD.title, CARD.description, CARD.catalogue.provider, CARD.catalogue.usage, DOMAIN.title]
    texts += [table.title for table in CARD.tables] + [
        column.title for table in CARD.tables for column in table.columns
    ]
    texts += [scenario.title for scenario in LICENCE.scenarios]
    assert [text for text in texts if not CHINESE.search(text.zh) or CHINESE.search(text.en)] == []


def test_card_domain_and_licence_fit() -> None:
    assert CARD.unit_domain == DOMAIN.name
    assert grant_problems(LICENCE, {CARD.name: CARD}) == ()
    assert LICENCE.agreement == hashlib.sha256((HEALTH / "agreement.txt").read_bytes()).hexdigest()
    assert LICENCE.budget.rho is not None
    assert LICENCE.budget.rho <= CARD.budget.rho <= DOMAIN.budget.rho
    assert LICENCE.budget.delta <= CARD.budget.delta <= DOMAIN.budget.delta
    assert card_from_json(card_to_json(CARD)) == CARD


def test_the_catalogue_says_what_the_card_says() -> None:
    entry = catalogue_entry(CARD)
    assert json.loads(json.dumps(entry)) == entry
    records = entry["tables"][0]
    assert (records["kind"], records["rows_per_unit"], records["unit_key"]) == ("private", 5, ["year"])
    assert records["columns"][0] == {
        "name": "id",
        "title": {"zh": "个人编号", "en": "Person"},
        "type": "unit",
        "nullable": False,
    }
    hhninc = next(column for column in records["columns"] if column["name"] == "hhninc")
    assert (hhninc["range"], hhninc["granularity"], hhninc["outside"]) == (["0", "20"], "1/1000", "clamp")
    assert {"rows_per_unit", "unit", "unit_key", "bounds"} & entry["tables"][1].keys() == set()


def test_the_examples_of_the_reference_can_be_read() -> None:
    text = (ROOT / "docs" / "cards.md").read_text(encoding="utf-8")
    card, domain, licence = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    described = read_card(card.encode())
    assert described.unit_domain == read_domain(domain.encode()).name
    assert grant_problems(read_licence_text(licence.encode()), {described.name: described}) == ()
