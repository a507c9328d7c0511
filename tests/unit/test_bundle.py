"""A policy folder is one whole: every problem of every file refuses it, and its digest covers what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from policies.bundle import read_bundle
from policies.errors import PolicyError
from policies.rules import FOLDER, packaged_rules
from tests.support.documents import CARD, DOMAIN


def pem(key: PublicKeyTypes) -> bytes:
    """The key as a PEM file."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


DEPARTMENT: Ed25519PublicKey = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
TOWN = CARD.replace('name = "clinic"', 'name = "town"')
ORDINARY: dict[str, str | bytes] = {
    "department.pub": pem(DEPARTMENT),
    "domains/people.toml": DOMAIN,
    "cards/clinic.toml": CARD,
    "cards/town.toml": TOWN,
}
USE, ACTS = ((FOLDER / name).read_text(encoding="utf-8") for name in ("use.cedar", "acts.cedar"))


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    """The policy folder with these files."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_a_folder_reads_whole(tmp_path: Path) -> None:
    bundle = read_bundle(write(tmp_path, ORDINARY))
    assert (list(bundle.cards), list(bundle.domains)) == (["clinic", "town"], ["people"])
    assert bundle.rules is packaged_rules()
    assert bundle.department.public_bytes_raw() == DEPARTMENT.public_bytes_raw()
    assert len(bundle.digest) == 64


SAME = [
    {**ORDINARY, "cards/clinic.toml": TOWN, "cards/town.toml": CARD},
    {**ORDINARY, "cards/clinic.toml": "# a comment\n" + CARD.replace('rho = "1"', 'rho = "1.0"')},
    {**ORDINARY, "rules/a.cedar": USE, "rules/b.cedar": ACTS},
]
OTHER = [
    {**ORDINARY, "cards/clinic.toml": CARD.replace("version = 1", "version = 2")},
    {**ORDINARY, "cards/clinic.toml": CARD.replace("Person", "Persons")},
    {**ORDINARY, "domains/people.toml": DOMAIN.replace("1000", "1001")},
    {**ORDINARY, "department.pub": pem(Ed25519PrivateKey.from_private_bytes(bytes(31) + b"1").public_key())},
    {**ORDINARY, "rules/a.cedar": USE},
    {name: content for name, content in ORDINARY.items() if name != "cards/town.toml"},
]


@pytest.mark.parametrize("files", SAME, ids=range(len(SAME)))
def test_the_digest_ignores_the_form(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    ordinary = read_bundle(write(tmp_path / "ordinary", ORDINARY))
    assert read_bundle(write(tmp_path / "other", files)).digest == ordinary.digest


@pytest.mark.parametrize("files", OTHER, ids=range(len(OTHER)))
def test_the_digest_covers_the_contents(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    ordinary = read_bundle(write(tmp_path / "ordinary", ORDINARY))
    assert read_bundle(write(tmp_path / "other", files)).digest != ordinary.digest


REFUSED: list[tuple[dict[str, str | bytes], list[str]]] = [
    (
        {"department.pub": b"", "cards/clinic.toml": CARD.replace("[0, 120]", "[120, 0]"), "domains/x.toml": "a"},
        [
            "domains/x.toml: the file is not TOML",
            "cards/clinic.toml: tables.visits.columns.age: range: is the wrong way round",
            "department.pub: this is no public key in PEM",
        ],
    ),
    (
        {"department.pub": pem(generate_private_key(SECP256R1()).public_key())},
        ["department.pub: this is no Ed25519 key"],
    ),
    ({"domains/people.toml": DOMAIN.replace("people", "others")}, ["cards: clinic: there is no unit domain people"]),
    (
        {"cards/town.toml": TOWN.replace('name = "town"', 'name = "CLINIC"')},
        ["cards: clinic, CLINIC are the same name"],
    ),
    ({"domains/more.toml": DOMAIN}, ["domains: people, people are the same name"]),
    ({"rules/own.cedar": "permit (principal, action, resource);"}, ["rules: rules: every rule has an @id"]),
    ({"rules/readme.txt": ""}, ["rules: rules: there is none"]),
    ({"rules/own.cedar": b"\xff"}, ["rules: is not UTF-8"]),
    ({"cards/clinic.toml/file": ""}, ["cards/clinic.toml: cannot be read"]),
]


@pytest.mark.parametrize(("changes", "problems"), REFUSED)
def test_an_invalid_file_refuses_all(tmp_path: Path, changes: dict[str, str | bytes], problems: list[str]) -> None:
    kept = {
        name: content for name, content in ORDINARY.items() if not any(new.startswith(f"{name}/") for new in changes)
    }
    with pytest.raises(PolicyError) as refused:
        read_bundle(write(tmp_path, kept | changes))
    for problem in problems:
        assert any(found.startswith(problem) for found in refused.value.problems), refused.value.problems


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as refused:
        read_bundle(tmp_path)
    assert set(refused.value.problems) == {
        "domains: there is no .toml file",
        "cards: there is no .toml file",
        "department.pub: cannot be read",
    }
