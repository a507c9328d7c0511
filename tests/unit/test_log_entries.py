"""Entries: one canonical text each, read as strictly as written; the published schema and vectors are the code's."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from sandbox.audit.encoding import ACTS, MAX_ENTRY, SALT_SIZE, decode, encode, kind_of, texts_of
from sandbox.audit.entry import Entry, Estimated, QueryAuthorized, QueryReleased, Read, Refused, ServiceStarted
from sandbox.audit.forms import Malformed, canonical
from sandbox.audit.merkle import Frontier, leaf_hash
from sandbox.audit.records import Amounts
from sandbox.audit.registry_acts import InstitutionAdded, LicenceSuspended
from tests.support.log_history import ACTOR, CARD, LICENCE, RESTART, SQL, history, request, sha
from tests.support.log_schema import schema

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "golden" / "log_entries.json"
ENTRIES = [step.entry for step in (*history(), RESTART)]
SALT = bytes(range(SALT_SIZE))


def test_the_history_has_every_kind() -> None:
    assert {kind_of(entry) for entry in ENTRIES} == set(ACTS)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.header.time}-{kind_of(entry)}")
def test_round_trip(entry: Entry) -> None:
    data = encode(entry, SALT)
    assert data[:SALT_SIZE] == SALT
    assert decode(data) == entry
    assert json.dumps(json.loads(data[SALT_SIZE:]), sort_keys=True, separators=(",", ":"), ensure_ascii=False) == (
        data[SALT_SIZE:].decode()
    )


def vectors() -> list[dict[str, Any]]:
    """Each entry of the history with a salt of its own, its leaf hash, and the root after it."""
    frontier, found = Frontier(), []
    for index, entry in enumerate(ENTRIES):
        data = encode(entry, bytes([index]) * SALT_SIZE)
        leaf = leaf_hash(data)
        frontier.append(leaf)
        salt, text = data[:SALT_SIZE].hex(), data[SALT_SIZE:].decode()
        found.append({"salt": salt, "text": text, "leaf_hash": leaf.hex(), "root": frontier.root().hex()})
    return found


def test_published_vectors() -> None:
    assert json.loads(VECTORS.read_text()) == vectors()


def test_published_schema() -> None:
    page = (ROOT / "docs" / "log.md").read_text()
    assert page.split("<!-- schema -->\n")[1] == schema(), "python -m tests.support.log_schema prints the new tables"


def test_texts_beside_the_log() -> None:
    named = {digest for entry in ENTRIES for digest in texts_of(entry)}
    assert named == {sha(SQL), sha(CARD), sha(LICENCE), sha(b"SELECT * FROM visits")}


HEADER = ENTRIES[0].header
SIGNED = replace(HEADER, actor=ACTOR, request=request("w"))


@pytest.mark.parametrize(
    "entry",
    [
        Entry(HEADER, Read("catalogue", None)),
        Entry(replace(HEADER, actor=ACTOR), Read("catalogue", None)),
        Entry(SIGNED, ServiceStarted("1", sha("c"))),
        Entry(replace(HEADER, actor=ACTOR), LicenceSuspended("L1")),
        Entry(replace(HEADER, request=request("w")), LicenceSuspended("L1")),
        Entry(replace(HEADER, time=-1), LicenceSuspended("L1")),
        Entry(replace(HEADER, time=2**53), LicenceSuspended("L1")),
        Entry(replace(HEADER, time=True), LicenceSuspended("L1")),
        Entry(replace(HEADER, bundle="00"), LicenceSuspended("L1")),
        Entry(HEADER, LicenceSuspended("")),
        Entry(HEADER, LicenceSuspended("two\nlines")),
        Entry(HEADER, LicenceSuspended("\ud800")),
        Entry(HEADER, LicenceSuspended("x" * 201)),
        Entry(HEADER, LicenceSuspended(1.5)),  # type: ignore[arg-type]
        Entry(HEADER, QueryReleased("q", 0, 0, sha("m"), sha("r").upper(), ())),
        Entry(SIGNED, Refused("query", "Sql", (), None, None)),
        Entry(SIGNED, Refused("query", "sql.x", ["a"], None, None)),  # type: ignore[arg-type]
        Entry(SIGNED, Refused("query", "sql.x", ("x" * 200,) * 400, None, None)),
    ],
)
def test_what_cannot_be_written(entry: Entry) -> None:
    with pytest.raises(Malformed):
        encode(entry, SALT)


def test_the_salt_has_its_size() -> None:
    with pytest.raises(Malformed):
        encode(ENTRIES[0], SALT[1:])


def test_the_largest_entry() -> None:
    """65,535 bytes fit, one more does not."""

    def refused(last: int) -> Entry:
        return Entry(SIGNED, Refused("query", "sql.x", (*("x" * 200 for _ in range(319)), "y" * last), None, None))

    room = MAX_ENTRY - len(encode(refused(1), SALT))
    assert 0 < room < 199
    assert len(encode(refused(1 + room), SALT)) == MAX_ENTRY
    with pytest.raises(Malformed):
        encode(refused(2 + room), SALT)


GOOD = encode(Entry(HEADER, InstitutionAdded("clinic", "诊所")), SALT)[SALT_SIZE:].decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{" * 100_000,
        GOOD[:-1],
        GOOD + " ",
        " " + GOOD,
        GOOD.replace('":', '": ', 1),
        GOOD.replace("诊", "\\u8bca"),
        GOOD.replace('"act":"institution.added",', "").replace('"version":1', '"act":"institution.added","version":1'),
        GOOD.replace('"version":1', '"version":2'),
        GOOD.replace('"version":1', '"version":true'),
        GOOD.replace('"version":1', '"version":1.0'),
        GOOD.replace('"version":1', '"version":1,"version":1'),
        GOOD.replace('"version":1', '"version":1,"x":1'),
        GOOD.replace("institution.added", "institution.eaten"),
        GOOD.replace('"title":"诊所"', '"title":1'),
        GOOD.replace('"title":"诊所"', '"title":null'),
        GOOD.replace(',"title":"诊所"', ""),
        GOOD.replace('"title":"诊所"', '"title":"诊所","x":1'),
        GOOD.replace('"time":1', '"time":-1'),
        GOOD.replace('"time":1', '"time":"1"'),
        GOOD.replace('"time":1', '"time":1e0'),
        GOOD.replace('"time":1', '"time":NaN'),
        GOOD.replace('"time":1', '"time":9007199254740992'),
        GOOD.replace('"actor":null', '"actor":{}'),
        GOOD.replace('"header":{', '"header":[],"h":{'),
    ],
)
def test_what_cannot_be_read(text: str) -> None:
    assert decode(SALT + GOOD.encode()).act == InstitutionAdded("clinic", "诊所")
    with pytest.raises(Malformed):
        decode(SALT + text.encode())


def test_bytes_that_are_no_entry() -> None:
    for data in (b"", SALT, SALT + b"\xff", GOOD.encode(), SALT + b" " * MAX_ENTRY):
        with pytest.raises(Malformed):
            decode(data)


def test_amounts_of_any_size_stay_exact() -> None:
    """δ in units of 2⁻⁶⁰ passes what a JSON number holds, so amounts are strings of digits."""
    asked = next(entry.act for entry in ENTRIES if isinstance(entry.act, Estimated))
    huge = Entry(SIGNED, replace(asked, loss=Amounts(2**62, 2**60, None)))
    data = encode(huge, SALT)
    assert b'"loss":{"delta":"1152921504606846976","epsilon":null,"rho":"4611686018427387904"}' in data
    assert decode(data) == huge
    for other in (b'"01152921504606846976"', b'"-1"', b'"1.0"', b"1152921504606846976", b'""'):
        with pytest.raises(Malformed):
            decode(data.replace(b'"1152921504606846976"', other))


@pytest.mark.parametrize("scale", ["3", "0.5", "1/3", "0x1.8p+3", "-2", "0x0.0p+0"])
def test_exact_numbers(scale: str) -> None:
    value = Fraction(float.fromhex(scale)) if "x" in scale else Fraction(scale)
    assert value.denominator > 0
    data = encode(with_scale(scale), SALT)
    assert decode(data) == with_scale(scale)


@pytest.mark.parametrize("scale", ["", "nan", "inf", "1e3", "1/0", ".5", "1.", "0x1.8", " 1", "1_0", "١"])
def test_numbers_that_are_not_exact(scale: str) -> None:
    with pytest.raises(Malformed):
        encode(with_scale(scale), SALT)


def with_scale(scale: str) -> Entry:
    act = next(entry.act for entry in ENTRIES if isinstance(entry.act, QueryAuthorized))
    return Entry(SIGNED, replace(act, mechanisms=tuple(replace(use, scale=scale) for use in act.mechanisms)))


def test_canonical_json_refuses_what_has_no_one_text() -> None:
    for value in (float("nan"), {1: 2, "1": 3}, object(), "\ud800"):
        with pytest.raises(Malformed):
            canonical(value)  # type: ignore[arg-type]
