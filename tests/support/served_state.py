"""A state folder made once for tests with real processes: people, two licences for ten queries each, 200 rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from policies.licence_files import sign_licence
from policies.rules import Role
from sandbox.audit.entry import Header
from sandbox.keys import read_private_key
from sandbox.registry import acts
from sandbox.state import StateFolder, create
from sandbox.upkeep import commands

AUTHORITY = "sandbox.test"
KEYS = {name: Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest()) for name in ("li", "wang")}
RHO = "0.125"
"""A tenth of a licence's budget, exactly."""
SETTINGS: dict[str, str | int] = {
    "authority": AUTHORITY,
    "origin": "sandbox.test/log",
    "socket": "s",
    "database": "sqlite",
    "tick_milliseconds": 10,
    "row_nanoseconds": 1,
    "workers": 2,
    "worker_threads": 1,
    "worker_megabytes": 256,
    "worker_jobs": 1000,
    "worker_seconds": 120,
    "free_seconds": 120,
    "frontends": 2,
    "connections": 32,
    "max_body": 65536,
    "max_cells": 1000,
    "requests_per_second": 1_000_000,
    "person_requests_per_minute": 1_000_000,
    "institution_requests_per_minute": 1_000_000,
    "person_requests_at_once": 32,
    "institution_requests_at_once": 32,
    "max_failures": 3,
    "without_layers": "",
}
CARD = """
name = "clinic"
version = 1
unit_domain = "people"
title = { zh = "门诊", en = "Clinic" }
description = { zh = "门诊", en = "Clinic" }

[budget]
rho = "1000"
delta = "1e-3"

[catalogue]
provider = { zh = "卫健委", en = "Commission" }
category = { zh = "卫生", en = "Health" }
format = "csv"
sharing = "conditional"
opening = "conditional"
security_level = "3"
usage = { zh = "许可场景", en = "Licensed scenarios" }
update_cycle = "yearly"
source = { zh = "登记", en = "Register" }
acquired = 2026-01-31

[[tables]]
name = "visits"
kind = "private"
title = { zh = "就诊", en = "Visits" }
unit = "pid"
rows_per_unit = 5
bounds = { groups = 1, rows = 5 }
columns = [
  { name = "pid", type = "unit", title = { zh = "人", en = "Person" } },
  { name = "cost", type = "integer", range = [0, 1000], title = { zh = "费用", en = "Cost" } },
]
"""
DOMAIN = """
name = "people"
title = { zh = "居民", en = "Residents" }
canonical = "integer"
max_units = 1000

[budget]
rho = "1000"
delta = "1e-3"
"""
LICENCE = """id = "{name}"
institution = "clinic"
mode = "scenario"
agreement = "{agreement}"
outputs = ["query"]
not_before = 2026-01-01T00:00:00Z
not_after = 2036-01-01T00:00:00Z
notion = "zcdp"

[budget]
rho = "1.25"
delta = "1e-6"

[[scenarios]]
id = "planning"
title = {{ en = "Planning", zh = "规划" }}

[[grants]]
dataset = "clinic"
table = "visits"
columns = ["pid", "cost"]
"""
_ROWS = "pid,cost\n" + "".join(f"{person},{person * 7 % 1000}\n" for person in range(200))


def sql(number: int) -> str:
    """A query; another number is another query."""
    return f"SELECT COUNT(*) AS n FROM visits WHERE cost < {number}"


def make_state(path: Path, **settings: str | int) -> None:
    """A state folder with a loaded data set, two analysts and the licences L1 and L2, each for ten queries."""
    state = empty_state(path, CARD, DOMAIN, **settings)
    commands.load(state, "clinic", [make_rows(path.parent)], print)
    register(state, LICENCE)


def make_rows(folder: Path) -> Path:
    """The only table's file, within the folder."""
    rows = folder / "visits.csv"
    rows.write_text(_ROWS, encoding="utf-8")
    return rows


def empty_state(path: Path, card: str, domain: str, **settings: str | int) -> StateFolder:
    """A state folder without data, for the card of the data set `clinic`."""
    policies = path.with_name("policies")
    for folder, name, text in (("cards", "clinic", card), ("domains", "people", domain)):
        (policies / folder).mkdir(parents=True)
        (policies / folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return create(path, {**SETTINGS, **settings}, policies)


def register(state: StateFolder, licence: str) -> None:
    """Two analysts, and licences of these terms, L1 and L2."""
    department = read_private_key(state.path / "keys" / "department.pem")
    until = round((datetime.now(UTC) + timedelta(days=365)).timestamp() * 1000)

    def registry(connection: Connection, header: Header) -> None:
        acts.add_institution(connection, header, None, "clinic", "Clinic")
        for name, key in KEYS.items():
            acts.add_person(connection, header, None, name, "clinic", frozenset({Role.ANALYST}))
            acts.register_key(connection, header, None, name, key.public_key(), until)
        for name in ("L1", "L2"):
            signed = sign_licence(licence.format(name=name, agreement="0" * 64), department)
            acts.issue_licence(connection, header, None, signed, department.public_key())

    commands.act(state, registry)
