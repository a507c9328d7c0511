"""Licence texts are consistent, and a licence file is exactly what the department signed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policies.documents import read_card, read_licence_text
from policies.errors import PolicyError
from policies.licence_consistency import grant_problems
from policies.licence_files import licence_digest, read_licence, sign_licence
from policies.licences import Grant, LicenceBudget, Mode, Notion
from tests.support.documents import CARD, LICENCE, spoil

DEPARTMENT = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))

LICENCES = [
    ('mode = "scenario"', 'mode = "any"', "mode: input should be"),
    ('mode = "scenario"', "", "mode: is missing"),
    ('outputs = ["query"]', 'outputs = ["rows"]', "outputs: rows is not one of"),
    ('outputs = ["query"]', "outputs = []", "outputs: there is none"),
    ('outputs = ["query"]', 'outputs = ["query", "query"]', "outputs: query, query are the same name"),
    ('institution = "institute"', 'institution = "an institute"', "institution: is up to 64 ASCII"),
    ('agreement = "9f86', 'agreement = "9F86', "agreement: is the SHA-256"),
    ("not_before = 2026-01-01T00:00:00Z", "not_before = 2026-01-01T00:00:00", "not_before: is a UTC time"),
    ("not_before = 2026-01-01T00:00:00Z", "not_before = 2026-01-01T00:00:00.5Z", "not_before: is a UTC time"),
    ("not_before = 2026-01-01T00:00:00Z", "not_before = 2026-01-01", "not_before: input should be a valid datetime"),
    ("not_before = 2026-01-01T00:00:00Z", "not_before = 2027-01-01T00:00:00Z", "not_after: is not after not_before"),
    ('rho = "0.25"', 'epsilon = "1"', "budget.epsilon: a zcdp licence has rho and delta"),
    ('rho = "0.25"', "rho = 0.25", "budget.rho: is a floating-point number"),
    ('rho = "0.25"', 'rho = "-1"', "budget.rho: lies from"),
    ('delta = "1e-6"', 'delta = "0"', "budget.delta: lies from 2^-60"),
    ('notion = "zcdp"', 'notion = "pure"', "budget.rho: a pure licence has epsilon alone"),
    ('id = "insurance"', 'id = "保险"', "scenarios.保险.id: is ASCII"),
    ('table = "cities"', 'table = "visits"', "grants: clinic.visits, clinic.visits are the same name"),
    ('columns = ["code"]', 'columns = ["code", "CODE"]', "grants.clinic.cities.columns: code, CODE are the same name"),
]


def test_a_sound_licence_reads_as_written() -> None:
    licence = read_licence_text(LICENCE.encode())
    assert (licence.id, licence.mode, licence.notion) == ("clinic-2026-001", Mode.SCENARIO, Notion.ZCDP)
    assert licence.grants[0] == Grant("clinic", "visits", ("pid", "科室", "cost"))
    assert licence.budget == LicenceBudget(Fraction(1, 4), None, Fraction(1, 10**6))
    assert licence.not_after == datetime(2026, 12, 31, tzinfo=UTC)


def test_times_with_an_offset_become_utc() -> None:
    text = LICENCE.replace("2026-01-01T00:00:00Z", "2026-01-01T08:00:00+08:00")
    assert read_licence_text(text.encode()).not_before == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_pure_licence() -> None:
    text = LICENCE.replace('notion = "zcdp"', 'notion = "pure"').replace('rho = "0.25"', 'epsilon = "2"')
    licence = read_licence_text(text.replace('delta = "1e-6"', 'delta = "0"').encode())
    assert licence.budget == LicenceBudget(None, Fraction(2), Fraction(0))


@pytest.mark.parametrize(("old", "new", "problem"), LICENCES)
def test_a_spoilt_licence_is_refused_by_name(old: str, new: str, problem: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read_licence_text(spoil(LICENCE, old, new))
    assert any(problem in found for found in refused.value.problems), refused.value.problems


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('columns = ["code"]', 'columns = ["name"]', "grants: clinic.cities has no column name"),
        ('table = "cities"', 'table = "towns"', "grants: clinic has no table towns"),
        ('dataset = "clinic"\ntable = "cities"', 'dataset = "x"\ntable = "cities"', "grants: there is no data set x"),
    ],
)
def test_a_grant_of_what_no_card_has(old: str, new: str, problem: str) -> None:
    cards = {"clinic": read_card(CARD.encode())}
    assert grant_problems(read_licence_text(LICENCE.encode()), cards) == ()
    assert grant_problems(read_licence_text(spoil(LICENCE, old, new)), cards) == (problem,)


def test_the_signed_file_reads_back() -> None:
    signed = sign_licence(LICENCE, DEPARTMENT)
    assert read_licence(signed, DEPARTMENT.public_key()) == read_licence_text(LICENCE.encode())
    assert signed.startswith(LICENCE.encode())
    assert sign_licence(LICENCE, DEPARTMENT) == signed
    assert licence_digest(signed) != licence_digest(sign_licence(LICENCE + "\n", DEPARTMENT))


def test_every_changed_byte_is_noticed() -> None:
    signed = sign_licence(LICENCE, DEPARTMENT)
    for place in range(len(signed)):
        changed = bytearray(signed)
        changed[place] ^= 1
        with pytest.raises(PolicyError):
            read_licence(bytes(changed), DEPARTMENT.public_key())


SIGNED = sign_licence(LICENCE, DEPARTMENT)
SIGNATURE = SIGNED.rsplit(b"\n", 2)[1] + b"\n"


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(b"", id="empty"),
        pytest.param(LICENCE.encode(), id="unsigned"),
        pytest.param(sign_licence(LICENCE, OTHER), id="another key"),
        pytest.param(SIGNED + SIGNATURE, id="signed twice"),
        pytest.param(SIGNED + b"\n", id="line after"),
        pytest.param(b"\n" + SIGNED, id="line before"),
        pytest.param(SIGNED[:-1], id="no last line end"),
        pytest.param(SIGNED.replace(b"\n", b"\r\n"), id="other line ends"),
        pytest.param(SIGNED.replace(b" department ", b" provider "), id="another name"),
        pytest.param(LICENCE.encode() + b"\n" + SIGNATURE[:-6] + b"\n", id="base64 cut"),
        pytest.param(
            LICENCE.encode() + "\n— department ".encode() + base64.b64encode(bytes(68)) + b"\n", id="zero signature"
        ),
        pytest.param(LICENCE.encode() + LICENCE.encode() + b"\n" + SIGNATURE, id="text twice"),
    ],
)
def test_what_the_department_did_not_sign_is_no_licence(forged: bytes) -> None:
    with pytest.raises(PolicyError):
        read_licence(forged, DEPARTMENT.public_key())


@pytest.mark.parametrize(
    "text", [LICENCE.rstrip(), LICENCE + "\t\n", LICENCE.replace("\n", "\r\n"), LICENCE + "x = 1\n"]
)
def test_only_a_sound_text_is_signed(text: str) -> None:
    with pytest.raises(PolicyError):
        sign_licence(text, DEPARTMENT)
