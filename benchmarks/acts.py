"""What people do to a service under load: each kind of act, what must come of it, and who does which how often.

An act raises `Wrong` where something else comes of it, and whatever the client raises.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import httpx2

from benchmarks.town import Town
from query_gateway.client.answers import Answer, BatchAnswer, Problem
from query_gateway.client.session import Client
from sandbox.audit.merkle import leaf_hash, verify_consistency, verify_inclusion
from sandbox.audit.tiles import WIDTH, Tile
from sandbox.privacy.loss import EPSILON_UNIT, RHO_UNIT

PATIENCE = 120.0
"""Seconds that a client goes on: more than a busy machine takes to start a sandbox again."""
PASSING = frozenset({"service.busy", "sql.too_complex"})
"""Documented refusals of what could be answered, for want of a processor: lowering has a second of wall time."""
_PAGE = 64


class Wrong(Exception):
    """Something else came than must come."""


@dataclass(slots=True)
class Person:
    """An analyst or auditor, with what they have been answered."""

    name: str
    institution: str
    town: Town
    number: int = 0
    """Of their acts so far: no two of their fresh queries are the same."""
    charges: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Charge → the licence's account, and what it paid, in units of the ledger."""
    fresh: set[str] = field(default_factory=set)
    """Charges that were made for a call of theirs."""
    seen: tuple[int, bytes] = (0, b"")
    """Size and root of the log, as last checked."""

    _client: Client | None = None

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """With connections of their own to the service, which end with the block."""
        with Client(self.town.settings(self.name, self.institution), patience=PATIENCE) as self._client:
            yield

    @property
    def client(self) -> Client:
        if self._client is None:
            raise Wrong("no connection")
        return self._client

    def licence(self, kind: str) -> str:
        return f"{self.institution}-{kind}"

    def little(self, most: str) -> str:
        """A spend a little below this, as nobody else's: `most` is a decimal with one digit that counts."""
        return f"{most}{self.number % 10**6:06}{sum(map(ord, self.name)) % 100:02}"

    def acknowledge(self, found: Answer | BatchAnswer, kind: str = "main", *, fresh: bool | None) -> None:
        """Notes what was paid for an answer. Raises Wrong when it is not `fresh` and was charged, or the reverse; None:
        it cannot be told, and counts as fresh."""
        repeat = found.repeat if isinstance(found, Answer) else all(each.repeat for each in found.answers)
        paid = found.document["charge"]
        amount = Fraction(paid["epsilon"]) / EPSILON_UNIT if kind == "pure" else Fraction(paid["rho"]) / RHO_UNIT
        self.charges[found.id] = (f"licence:{self.licence(kind)}", int(amount))  # what is shown was rounded up
        if fresh is repeat:
            raise Wrong("a repeat" if repeat else "charged again")
        if fresh is not False:
            if found.id in self.fresh:
                raise Wrong("one charge for two calls")
            self.fresh.add(found.id)


Act = Callable[[Person], None]


def estimate(person: Person) -> None:
    number = person.number % 100
    sql = f"SELECT sex, COUNT(*) AS n, AVG(income) AS a FROM sample WHERE age >= {number} GROUP BY sex"
    person.client.estimate(sql, {"epsilon": "0.1"}, expected_size=500)


def estimate_accuracy(person: Person) -> None:
    spend = {"half_width": "200", "confidence": "0.95"}
    found = person.client.estimate("SELECT sex, COUNT(*) AS n FROM sample GROUP BY sex", spend)
    if Fraction(found["fresh"]["rho"]) <= 0:
        raise Wrong("a free accuracy")


def estimate_batch(person: Person) -> None:
    person.client.estimate_batch(BATCH, {"epsilon": "0.1"}, dataset="panel", bounds="card")


def fresh(person: Person) -> None:
    """One-row units, public group keys."""
    sql = (
        f"SELECT sex, COUNT(*) AS n, AVG(income) AS a FROM sample WHERE age >= {person.number % 90}"
        " GROUP BY sex ORDER BY sex"
    )
    found = person.client.query(sql, {"rho": person.little("0.001")}, bounds="card", reuse=False)
    if [row[0] for row in found.rows] != [0, 1]:
        raise Wrong("not the declared groups")
    person.acknowledge(found, fresh=True)


def fresh_join(person: Person) -> None:
    """Two private tables, bounds chosen privately."""
    sql = "SELECT city, SUM(amount) AS s FROM members JOIN purchases ON members.pid = purchases.pid GROUP BY city"
    found = person.client.query(sql, {"rho": person.little("0.01")}, dataset="panel", reuse=False)
    person.acknowledge(found, fresh=True)


def fresh_pure(person: Person) -> None:
    """Another licence and another notion of privacy."""
    found = person.client.query(
        "SELECT shop, COUNT(*) AS n FROM purchases GROUP BY shop",
        {"epsilon": person.little("0.01")},
        licence=person.licence("pure"),
        dataset="panel",
        bounds="card",
        reuse=False,
    )
    person.acknowledge(found, "pure", fresh=True)


def fresh_median(person: Person) -> None:
    spend = {"rho": person.little("0.01")}
    sql = "SELECT MEDIAN(amount) AS m FROM purchases"
    person.acknowledge(person.client.query(sql, spend, dataset="panel", bounds="card", reuse=False), fresh=True)


def fresh_groups(person: Person) -> None:
    """Two hundred cells with intervals of ratios."""
    sql = "SELECT sex, age, AVG(income) AS a FROM sample GROUP BY sex, age ORDER BY a DESC LIMIT 10"
    spend = {"rho": person.little("0.01")}
    person.acknowledge(person.client.query(sql, spend, bounds="card", reuse=False), fresh=True)


BATCH = (
    "SELECT shop, COUNT(*) AS n FROM purchases GROUP BY shop",
    "SELECT shop, SUM(amount) AS s, COUNT(*) AS n FROM purchases GROUP BY shop",
    "SELECT COUNT(*) AS n FROM purchases",
)


def batch(person: Person) -> None:
    spend = {"rho": person.little("0.01")}
    person.acknowledge(person.client.batch(BATCH, spend, dataset="panel", bounds="card", reuse=False), fresh=True)


CACHED = ("SELECT COUNT(*) AS n FROM sample", {"rho": "0.002"})
"""What everybody asks again; each institution pays for it before the run."""


def cached(person: Person) -> None:
    sql, spend = CACHED
    person.acknowledge(person.client.query(sql, spend, bounds="card"), fresh=False)


def reused(person: Person) -> None:
    """A release, and what follows from it: another one of the licence's eight newest would do as well."""
    source = "SELECT sex, educ, COUNT(*) AS n FROM sample GROUP BY sex, educ"
    person.acknowledge(
        person.client.query(source, {"rho": person.little("0.1")}, bounds="card", reuse=False), fresh=True
    )
    sql = f"SELECT sex, COUNT(*) AS n FROM sample WHERE educ > {person.number % 15} GROUP BY sex"
    found = person.client.query(sql, {"rho": person.little("0.0001")}, bounds="card")
    if not found.reused:
        person.acknowledge(found, fresh=True)
        raise Wrong("charged for what follows from an earlier release")


def dry_run(person: Person) -> None:
    found = person.client.dry_run("SELECT sex, COUNT(*) AS n FROM sample GROUP BY sex", {"rho": "0.01"})
    if not found.dry_run:
        raise Wrong("no dry run")


def looked_up(person: Person) -> None:
    """An earlier answer, by its id."""
    charge = next(iter(person.charges), None)
    if charge is not None and person.client.status(charge).id != charge:
        raise Wrong("another answer")


def catalogue(person: Person) -> None:
    if {each["name"] for each in person.client.catalogue()["datasets"]} != {"sample", "panel"}:
        raise Wrong("another catalogue")


def licences(person: Person) -> None:
    person.client.licences()


def balance(person: Person) -> None:
    (found,) = person.client.licence(person.licence("main"))["balance"]
    own = sum(paid for account, paid in person.charges.values() if account.endswith("-main"))
    if Fraction(found["spent"]["rho"]) / RHO_UNIT < own - 1:
        raise Wrong("less is spent than was paid")


def history(person: Person) -> None:
    person.client.history(20)


def unsigned(person: Person) -> None:
    """What needs no signature, and what must have one."""
    for path, status in (("/metrics", 200), ("/healthz", 200), ("/v1/catalogue", 401), ("/v1/nowhere", 404)):
        found = httpx2.get(f"http://{person.town.address}{path}", timeout=60)
        if found.status_code != status and found.status_code not in {502, 503}:
            raise Wrong(f"{path}: {found.status_code}")


REFUSED: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    ("sql.syntax", "SELECT (", {}),
    ("plan.raw_rows", "SELECT age FROM sample", {}),
    ("sql.unit_value", "SELECT pid, COUNT(*) AS n FROM sample GROUP BY pid", {}),
    ("sql.unknown_table", "SELECT COUNT(*) AS n FROM people", {}),
    ("policy.column", "SELECT COUNT(*) AS n FROM sample WHERE region = 1", {}),
    ("budget.exhausted", "SELECT COUNT(*) AS n FROM sample", {"licence": "small", "spend": {"rho": "0.5"}}),
    ("licence.suspended", "SELECT COUNT(*) AS n FROM sample", {"licence": "stopped"}),
    ("licence.unknown", "SELECT COUNT(*) AS n FROM sample", {"licence": "none"}),
    ("request.body", "SELECT COUNT(*) AS n FROM sample", {"spend": {"rho": "-1"}}),
    ("sql.too_deep", f"SELECT COUNT(*) AS n FROM sample WHERE {'(' * 300}age > 1{')' * 300}", {}),
    ("sql.unknown_column", "SELECT COUNT(wages) AS n FROM sample", {}),
)
"""Code, SQL, and what is asked otherwise."""


def refused(person: Person) -> None:
    code, sql, other = REFUSED[person.number % len(REFUSED)]
    licence = person.licence(other.get("licence", "main"))
    refuses(code, lambda: person.client.query(sql, other.get("spend", {"rho": "0.1"}), licence=licence, bounds="card"))


def conflicting(person: Person) -> None:
    """The idempotency key of another request of theirs."""
    key, sql = f"{person.name}-{person.number}", "SELECT COUNT(*) AS n FROM sample"

    def ask(spend: str) -> Answer:
        return person.client.query(sql, {"rho": spend}, bounds="card", reuse=False, idempotency_key=key)

    person.acknowledge(ask(person.little("0.001")), fresh=None)
    refuses("request.idempotency_conflict", lambda: ask("0.003"))


def curious(person: Person) -> None:
    """An analyst who wants to read the log."""
    refuses("policy.denied", lambda: _read(person, "/v1/audit/entries", start=0, end=1))


def refuses(code: str, act: Callable[[], object]) -> None:
    """Raises Wrong where anything but this refusal comes."""
    try:
        act()
    except Problem as problem:
        if problem.code == code or problem.code in PASSING:
            return
        raise
    raise Wrong(f"no {code}")


def checkpoint(person: Person) -> None:
    """The log only grows: the new head's proof from the last one."""
    _, head = person.client.checkpoint()
    size, root = person.seen
    if 0 < size < head.size:
        proof = _read(person, "/v1/audit/proofs/consistency", old=size, new=head.size)["proof"]
        verify_consistency(size, head.size, root, head.root, list(map(b64decode, proof)))
    elif size > head.size:
        raise Wrong("a log that is shorter")
    person.seen = head.size, head.root


def entries(person: Person) -> None:
    """A page of the log, and the proof that its first entry stands in it."""
    size, root = person.seen
    if size == 0:
        return
    start = person.number * _PAGE % size
    page = _read(person, "/v1/audit/entries", start=start, end=min(start + _PAGE, size))
    proof = _read(person, "/v1/audit/proofs/inclusion", index=start, size=size)["proof"]
    verify_inclusion(leaf_hash(b64decode(page["entries"][0])), start, size, list(map(b64decode, proof)), root)


def tile(person: Person) -> None:
    """A full tile, which anybody may read, holds the hashes of the entries that auditors read."""
    full = person.seen[0] // WIDTH
    if full == 0:
        return
    asked = Tile(0, person.number % full, WIDTH)
    found = httpx2.get(f"http://{person.town.address}/log/{asked.path}", timeout=60)
    if found.status_code == 503:
        return
    page = _read(person, "/v1/audit/entries", start=asked.start, end=asked.start + WIDTH)
    if found.content != b"".join(leaf_hash(b64decode(entry)) for entry in page["entries"]):
        raise Wrong(f"another tile: {found.status_code}")


def copied(person: Person) -> None:
    """Goes on with a copy of the whole log."""
    person.client.copy_log(person.town.folder / "copies" / person.name)


def _read(person: Person, path: str, **query: int) -> Mapping[str, Any]:
    return person.client._read(path, **query)  # noqa: SLF001 - the client has no method of its own for it


ANALYST: Sequence[tuple[Act, int]] = (
    (estimate, 5),
    (estimate_accuracy, 1),
    (estimate_batch, 1),
    (fresh, 5),
    (fresh_join, 2),
    (fresh_pure, 2),
    (fresh_median, 1),
    (fresh_groups, 2),
    (batch, 1),
    (cached, 9),
    (reused, 3),
    (dry_run, 1),
    (looked_up, 1),
    (catalogue, 1),
    (licences, 1),
    (balance, 2),
    (history, 1),
    (unsigned, 1),
    (refused, 6),
    (conflicting, 1),
    (curious, 1),
)
"""Each act and how often, of as many acts as the numbers add up to."""
AUDITING: Sequence[tuple[Act, int]] = ((checkpoint, 4), (entries, 8), (tile, 4), (copied, 1))
_STEP = 19
"""Prime to the length of either round: acts of one kind do not follow each other."""


def round_of(acts: Sequence[tuple[Act, int]]) -> list[Act]:
    """One round of acts, mixed."""
    listed = [act for act, often in acts for _ in range(often)]
    return [listed[place * _STEP % len(listed)] for place in range(len(listed))]
