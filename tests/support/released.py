"""A released answer with a receipt that verifies, made without a sandbox."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

from policies.canonical import canonical_json
from sandbox.audit.checkpoint import LogKey, sign
from sandbox.audit.encoding import encode
from sandbox.audit.entry import Entry, Header, QueryDryRun, QueryReleased, QueryRepeated
from sandbox.audit.merkle import leaf_hash
from sandbox.audit.receipt import Receipt
from sandbox.audit.records import Actor, Amounts, SignedRequest
from sandbox.audit.tree_head import Checkpoint

SALT = b"s" * 16
LOG = LogKey.generate("test.example/log")

RELEASE: dict[str, Any] = {
    "columns": [
        {"name": "level", "type": "text", "measured": False},
        {"name": "n", "type": "integer", "measured": True},
        {"name": "mean", "type": "double", "measured": True},
    ],
    "rows": [["高中", 1204, 2.5], ["a,b", -3, None]],
    "intervals": [[None, [1190.5, 1217.5], [2.25, 3.0]], [None, [-16.5, 10.5], None]],
    "privacy": {
        "mechanisms": [{"measure": "m1", "statistic": "a1", "mechanism": "gaussian", "scale": 6.9}],
        "bounds": [{"measure": "m1", "groups": 2, "rows": 5, "fold": True, "clips": []}],
    },
}


BODY: dict[str, Any] = {
    "licence": "L",
    "scenario": "S",
    "dataset": "D",
    "sql": "SELECT 1",
    "spend": {"epsilon": "0.5"},
}


def asked(body: dict[str, Any]) -> str:
    """The digest of a query with this body, as the log names it."""
    encoded = json.dumps(body, ensure_ascii=False, sort_keys=True).encode()
    return sha256(b"POST\n/v1/queries\n\n" + encoded).hexdigest()


def released(
    charge: str = "c" * 32, release: dict[str, Any] = RELEASE, key: LogKey = LOG, message: str = asked(BODY)
) -> dict[str, Any]:
    """The whole answer of a charge, in a log of this one entry."""
    digest = sha256(canonical_json(release)).hexdigest()
    data = encode(Entry(_header(None), QueryReleased(charge, 0, 0, message, digest, ())), SALT)
    note = sign(Checkpoint(key.name, 1, leaf_hash(data)), key)
    amounts = {"rho": "0.01", "delta": "1e-9", "epsilon": None, "epsilon_at_delta": "0.5"}
    return {
        "id": charge,
        "state": "released",
        "digest": digest,
        "release": release,
        "charge": {"rho": "0.01", "delta": "0", "epsilon": None},
        "balance": [{"account": "licence:L", "kind": "licence", "spent": amounts, "limit": amounts, "more": 0}],
        "receipt": Receipt(0, data, (), note).to_json(),
    }


def released_batch(count: int, body: dict[str, Any], charge: str = "c" * 32) -> dict[str, Any]:
    """The whole answer to a batch of so many queries, each release in a log of its one entry."""
    message = sha256(b"POST\n/v1/queries:batch\n\n" + json.dumps(body, sort_keys=True).encode()).hexdigest()
    answers = []
    for number in range(count):
        release = RELEASE | {"number": number}
        digest = sha256(canonical_json(release)).hexdigest()
        data = encode(Entry(_header(None), QueryReleased(charge, 0, number, message, digest, ())), SALT)
        note = sign(Checkpoint(LOG.name, 1, leaf_hash(data)), LOG)
        answers.append({"digest": digest, "release": release, "receipt": Receipt(0, data, (), note).to_json()})
    whole = released(charge)
    return {name: whole[name] for name in ("id", "state", "charge", "balance")} | {"answers": answers}


def repeated(message: str, authorization: int = 0, release: dict[str, Any] = RELEASE) -> str:
    """The header that proves a repeat, in a log of its one entry."""
    digest = sha256(canonical_json(release)).hexdigest()
    act = QueryRepeated("L", "S", authorization, digest, "ab" * 32)
    data = encode(Entry(_header(message), act), SALT)
    note = sign(Checkpoint(LOG.name, 1, leaf_hash(data)), LOG)
    return b64encode(canonical_json(Receipt(0, data, (), note).to_json())).decode()


def dry_run(message: str | None = None, run: str = "d" * 32, **changes: Any) -> dict[str, Any]:
    """The whole answer of a dry run, in a log of this one entry."""
    release = RELEASE | {"dummy": True} | changes
    digest = sha256(canonical_json(release)).hexdigest()
    amounts = Amounts(1, 0, None)
    act = QueryDryRun(run, "L", "S", (), "ab" * 32, "ab" * 32, (), amounts, digest)
    data = encode(Entry(_header(message or asked(BODY | {"dry_run": True})), act), SALT)
    note = sign(Checkpoint(LOG.name, 1, leaf_hash(data)), LOG)
    charge = {"rho": "0", "delta": "0", "epsilon": None}
    price = {"rho": "0.01", "delta": "0", "epsilon": None}
    receipt = Receipt(0, data, (), note).to_json()
    known = {"id": run, "state": "dry_run", "digest": digest, "release": release}
    return known | {"charge": charge, "price": price, "balance": [], "receipt": receipt}


def _header(message: str | None) -> Header:
    signed = None if message is None else SignedRequest(message, "ab" * 32, "ab" * 64, "ab" * 32, "ab" * 32)
    return Header(1, "ab" * 32, Actor("i", "p", "k"), signed)
