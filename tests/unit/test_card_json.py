"""A card's JSON: exact, canonical, and the only text of it."""

from __future__ import annotations

import json

import pytest

from policies.canonical import card_from_json, card_to_json, digest
from policies.documents import read_card, read_domain, read_licence_text
from policies.errors import PolicyError
from tests.support.documents import CARD, DOMAIN, LICENCE

WRITTEN = read_card(CARD.encode())
TEXT = card_to_json(WRITTEN)


def test_the_round_trip_is_exact() -> None:
    assert card_from_json(TEXT) == WRITTEN
    assert [type(column.lo) for column in card_from_json(TEXT).tables[0].columns] == [
        type(column.lo) for column in WRITTEN.tables[0].columns
    ]


def test_the_json_is_canonical() -> None:
    again = json.dumps(json.loads(TEXT), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert again.encode() == TEXT
    assert '"granularity":"1/100","hi":"41/2"' in again
    assert "科室" in again


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version":1', b'"version": 1'),
        (b'"version":1', b'"version":1.0'),
        (b'"version":1', b'"version":true'),
        (b'"version":1', b'"owner":1,"version":1'),
        (b'"version":1', b'"version":"1"'),
        (b'"hi":"41/2"', b'"hi":"82/4"'),
        (b'"hi":"41/2"', b'"hi":20.5'),
        (b'"hi":"41/2"', b'"hi":"1/0"'),
        (b'"hi":"41/2"', b'"hi":"-41/2"'),
        (b'"rho":"1"', b'"rho":"1e999999999"'),
        (b'"hi":120', b'"hi":-120'),
        (b'"type":"boolean"', b'"type":"bool"'),
        (b'"references":"visits"', b'"references":"drugs"'),
        (b'"acquired":"2026-01-31"', b'"acquired":"2026-01-31T00:00:00"'),
        (b'"en":"Clinic"', b'"en":"\\ud800"'),
        (b"{", b""),
        (b'{"budget"', b'[{"budget"'),
    ],
)
def test_no_other_text_is_read(old: bytes, new: bytes) -> None:
    assert old in TEXT
    with pytest.raises(PolicyError):
        card_from_json(TEXT.replace(old, new, 1))


@pytest.mark.parametrize("text", [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000], ids=repr)
def test_what_is_no_card_is_refused(text: bytes) -> None:
    with pytest.raises(PolicyError):
        card_from_json(text)


def test_digests_follow_the_meaning() -> None:
    respelt = read_card(("# comment\n" + CARD.replace('"20.50"', '"20.5"')).encode())
    changed = read_card(CARD.replace('"20.50"', '"20.51"').encode())
    assert digest(WRITTEN) == digest(respelt) != digest(changed)
    others = {digest(read_domain(DOMAIN.encode())), digest(read_licence_text(LICENCE.encode()))}
    assert len(others | {digest(WRITTEN)}) == 3
