"""A released answer with a receipt that verifies, made without a sandbox."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from policies.canonical import canonical_json
from sandbox.audit.checkpoint import Checkpoint, LogKey, sign
from sandbox.audit.encoding import encode
from sandbox.audit.entry import Actor, Entry, Header, QueryReleased
from sandbox.audit.merkle import leaf_hash
from sandbox.audit.receipt import Receipt

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
        "bounds": [{"measure": "m1", "groups": 2, "rows": 5, "fold": True}],
    },
}


def released(charge: str = "c" * 32, release: dict[str, Any] = RELEASE, key: LogKey = LOG) -> dict[str, Any]:
    """The whole answer of a charge, in a log of this one entry."""
    digest = sha256(canonical_json(release)).hexdigest()
    header = Header(1, "ab" * 32, Actor("i", "p", "k"), None)
    data = encode(Entry(header, QueryReleased(charge, 0, digest)), b"s" * 16)
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
