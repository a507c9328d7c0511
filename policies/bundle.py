"""The policy folder as one signed-off whole: cards, unit domains, rules and the department's key, under one digest.

```
department.pub     the department's Ed25519 public key, PEM
domains/*.toml     unit domains
cards/*.toml       data set cards
rules/*.cedar      rules in place of Vitrine's own; usually absent
```
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from policies.canonical import canonical_json, digest
from policies.cards import DatasetCard
from policies.documents import read_card, read_domain
from policies.domains import UnitDomain
from policies.errors import PolicyError
from policies.names import twin_problems
from policies.rules import Rules, packaged_rules, read_rules

KEY_FILE = "department.pub"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What the service stands on; every log entry carries its digest."""

    cards: Mapping[str, DatasetCard]
    domains: Mapping[str, UnitDomain]
    rules: Rules
    department: Ed25519PublicKey
    digest: str
    """SHA-256 over the contents, hex: neither file names nor their order, comments or spacing matter, save in rules."""


Document = TypeVar("Document", DatasetCard, UnitDomain)
Part = TypeVar("Part")


def read_bundle(folder: Path) -> Bundle:
    """The bundle of a policy folder. Refuses: PolicyError with every problem of every file; there is no part bundle."""
    problems: list[str] = []
    domains = _documents(folder / "domains", read_domain, problems)
    cards = _documents(folder / "cards", read_card, problems)
    rules = _collect("rules", lambda: _rules(folder / "rules"), problems)
    department = _collect(KEY_FILE, lambda: read_public_key((folder / KEY_FILE).read_bytes()), problems)
    problems.extend(twin_problems("domains", (domain.name for domain in domains)))
    problems.extend(twin_problems("cards", (card.name for card in cards)))
    known = {domain.name for domain in domains}
    problems.extend(
        f"cards: {card.name}: there is no unit domain {card.unit_domain}"
        for card in cards
        if card.unit_domain not in known
    )
    if problems or rules is None or department is None:
        raise PolicyError(problems)
    contents = {
        "cards": {card.name: digest(card) for card in cards},
        "domains": {domain.name: digest(domain) for domain in domains},
        "rules": rules.digest,
        "department": department.public_bytes_raw().hex(),
    }
    return Bundle(
        cards={card.name: card for card in sorted(cards, key=lambda card: card.name)},
        domains={domain.name: domain for domain in sorted(domains, key=lambda domain: domain.name)},
        rules=rules,
        department=department,
        digest=hashlib.sha256(canonical_json(contents)).hexdigest(),
    )


def read_public_key(pem: bytes) -> Ed25519PublicKey:
    """The Ed25519 public key of a PEM file. Refuses: PolicyError."""
    try:
        key = load_pem_public_key(pem)
    except ValueError:
        raise PolicyError(["this is no public key in PEM"]) from None
    if not isinstance(key, Ed25519PublicKey):
        raise PolicyError(["this is no Ed25519 key"])
    return key


def _documents(folder: Path, read: Callable[[Path], Document], problems: list[str]) -> list[Document]:
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        problems.append(f"{folder.name}: there is no .toml file")
    found = [_collect(f"{folder.name}/{path.name}", partial(read, path), problems) for path in paths]
    return [document for document in found if document is not None]


def _rules(folder: Path) -> Rules:
    if not folder.is_dir():
        return packaged_rules()
    return read_rules({path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.cedar")})


def _collect(where: str, read: Callable[[], Part], problems: list[str]) -> Part | None:
    """What `read` reads; None when it refuses, with its problems collected."""
    try:
        return read()
    except PolicyError as error:
        problems.extend(f"{where}: {problem}" for problem in error.problems)
    except UnicodeDecodeError:
        problems.append(f"{where}: is not UTF-8")
    except OSError:
        problems.append(f"{where}: cannot be read")
    return None
