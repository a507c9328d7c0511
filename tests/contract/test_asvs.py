"""The answers to the OWASP ASVS: complete, counted, and about files, tests and algorithms that there are."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.pages import ROOT, anchors, text_of

PAGE = ROOT / "docs" / "asvs.md"
SECURITY = ROOT / "docs" / "security.md"
LIST = Path(__file__).parent / "asvs-5.0.0.csv"
"""Number and level of every requirement of levels 1 and 2. Source: OWASP ASVS 5.0.0 (CC BY-SA 4.0)."""
ANSWERS = ("met", "not applicable", "not met")
_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_PATH = re.compile(r"(docs|policies|query_gateway|requirements|sandbox|tests)/|Dockerfile$|pyproject\.toml$")
_NAMED = re.compile(r"`([^`]+)`")
_IMPORTED = re.compile(r"^from (cryptography[\w.]*|http_message_signatures\.algorithms) import", re.MULTILINE)
ALGORITHMS = {
    "cryptography.hazmat.primitives.asymmetric.ed25519": "Ed25519",
    "cryptography.hazmat.primitives.asymmetric.mldsa": "ML-DSA-44",
    "cryptography.hazmat.primitives.asymmetric.types": None,
    "cryptography.hazmat.primitives.ciphers.aead": "AES-256-GCM",
    "cryptography.hazmat.primitives.serialization": None,
    "cryptography.exceptions": None,
    "hashlib.file_digest": "SHA-256",
    "hashlib.sha256": "SHA-256",
    "hashlib.md5": "MD5",
    "http_message_signatures.algorithms": "Ed25519",
    "ssl": "TLS 1.2 or 1.3",
}
"""By import: its name in the inventory."""


@dataclass(frozen=True, slots=True)
class Answer:
    requirement: str
    level: str
    words: str
    answer: str
    why: str


FOUND = [Answer(*(part.strip() for part in row)) for row in _ROW.findall(text_of(PAGE))]


def demanded() -> dict[str, str]:
    with LIST.open(encoding="utf-8") as file:
        return {row["requirement"]: row["level"] for row in csv.DictReader(file)}


def test_the_list_is_that_of_the_standard() -> None:
    assert Counter(demanded().values()) == {"1": 70, "2": 183}
    assert len({number.split(".")[0] for number in demanded()}) == 17


def test_every_requirement_is_answered_once() -> None:
    assert len(FOUND) == len(demanded())
    assert {each.requirement: each.level for each in FOUND} == demanded()
    assert {each.answer for each in FOUND} == set(ANSWERS)
    assert all(each.words and each.why for each in FOUND)


def test_the_counts_are_right() -> None:
    text = text_of(PAGE)
    for name, levels in (("1", "1"), ("2", "2"), ("both", "12")):
        counts = Counter(each.answer for each in FOUND if each.level in levels)
        row = [name, str(counts.total()), *(str(counts[answer]) for answer in ANSWERS)]
        assert f"| {' | '.join(row)} |" in text
    assert f"Not met: {', '.join(each.requirement for each in FOUND if each.answer == 'not met')}." in text
    counts = Counter(each.answer for each in FOUND)
    figure = f"{counts.total()} requirements of the ASVS: " + ", ".join(
        f"{counts[answer]} {answer}" for answer in ANSWERS
    )
    assert figure in text_of(SECURITY)


@pytest.mark.parametrize("answer", FOUND, ids=lambda answer: answer.requirement)
def test_what_an_answer_names_exists(answer: Answer) -> None:
    """What is met names code of ours and a test or command that shows it."""
    named = _NAMED.findall(answer.why)
    for path, _, test in (
        name.partition("::") for name in named if re.match(r"[\w.]+/|Dockerfile$|[\w.]+\.toml$", name)
    ):
        assert list(ROOT.glob(path.rstrip("/"))), path
        if test:
            assert re.search(rf"^def {test}\(", text_of(ROOT / path), re.MULTILINE), test
    for page, _, fragment in (link.partition("#") for link in re.findall(r"\]\(([^)]+)\)", answer.why)):
        assert fragment in anchors(ROOT / "docs" / page)
    if answer.answer == "met":
        code = [name for name in named if name.startswith(("sandbox/", "policies/", "query_gateway/", "requirements/"))]
        assert code or {"Dockerfile", "pyproject.toml"} & set(named)
        assert [name for name in named if name.startswith(("tests/", "make "))]


def test_every_algorithm_in_use_stands_in_the_inventory() -> None:
    """One that is new in the code is none of `ALGORITHMS` and fails."""
    section = text_of(SECURITY).split("## Keys and algorithms")[1].split("\n## ")[0]
    used = set()
    for package in ("policies", "sandbox", "query_gateway"):
        for path in (ROOT / package).rglob("*.py"):
            text = text_of(path)
            used |= set(_IMPORTED.findall(text))
            used |= {f"hashlib.{name}" for name in re.findall(r"^from hashlib import (\w+)", text, re.MULTILINE)}
            used |= {f"hashlib.{name}" for name in re.findall(r"\bhashlib\.(\w+)\(", text)}
            used |= {"ssl"} & set(re.findall(r"^import (\w+)", text, re.MULTILINE))
    assert used == ALGORITHMS.keys()
    assert [name for name in ALGORITHMS.values() if name is not None and name not in section] == []
