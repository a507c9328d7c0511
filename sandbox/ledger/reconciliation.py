"""The database compared with its own log: what the entries tell of, the tables hold, and nothing else.

The log is believed only as far as its tree and its signed checkpoints go. `UNTOLD` are the columns that no entry tells
of; whoever changes those alone is not found out here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Engine, Row, Table, select

from policies.errors import PolicyError
from policies.licence_files import licence_digest, read_licence
from sandbox.audit import log
from sandbox.audit.checkpoint import LogPublicKey, open_note
from sandbox.audit.encoding import decode, texts_of
from sandbox.audit.forms import Malformed, joint_digest
from sandbox.audit.merkle import Frontier, Unverified, leaf_hash
from sandbox.ledger.schema import (
    accounts,
    charge_lines,
    charge_snapshots,
    charges,
    measured_relations,
    nonces,
    releases,
    restarts,
)
from sandbox.ledger.telling import Key, Told
from sandbox.privacy.kept import from_json
from sandbox.registry.schema import bundles, datasets, institutions, keys, licences, people, snapshots

UNTOLD: Mapping[str, frozenset[str]] = {
    "institutions": frozenset({"added_at"}),
    "people": frozenset({"added_at"}),
    "keys": frozenset({"registered_at"}),
    "licences": frozenset({"issued_at"}),
    "snapshots": frozenset({"sealed_at"}),
    "bundles": frozenset({"adopted_at"}),
    "charges": frozenset({"request", "identity", "attempts", "copies", "authorized_at", "finished_at", "sandbox"}),
}
"""Moments (an entry's is never before that of the entry before it), and how a charge is found again and run again."""


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """A place where the database is not what its log tells."""

    table: str
    row: str
    """Its key."""
    column: str
    """Empty where the whole row is missing or was never told of."""


Found: TypeAlias = "dict[Key, dict[str, object]]"
Shape: TypeAlias = "Callable[[Row[Any]], tuple[Key, dict[str, object]]]"


def at_one_moment(engine: Engine) -> Connection:
    """A connection whose transaction sees what was committed when it began, and nothing that is written meanwhile."""
    connection = engine.connect()
    if engine.dialect.name == "sqlite":
        return connection  # as any of its transactions
    return connection.execution_options(isolation_level="REPEATABLE READ")


def differences(connection: Connection, key: LogPublicKey, department: Ed25519PublicKey) -> list[Difference]:
    """Every place that differs; of a log that its own tree does not fit, those of the log alone."""
    told = Told()
    broken = sorted(_log(connection, key, told))
    if broken:
        return broken
    held = {table.name: dict(map(shape, connection.execute(select(table)))) for table, shape in _SHAPES.items()}
    computed = [*_computed(told, held[releases.name]), *_repeated(connection, held[charge_snapshots.name])]
    found = [each for name, rows in held.items() for each in _compared(name, told.tables[name], rows)]
    return sorted([*computed, *found, *_licences(connection, department), *_physical(connection)])


def _computed(told: Told, held: Found) -> Iterator[Difference]:
    """Releases by reuse, of which an entry tells together; they are taken out of what is held."""
    for charge, (digest, leaf) in told.computed.items():
        places = sorted((place for place in held if place[0] == charge), key=lambda place: int(str(place[1])))
        rows = [held.pop(place) for place in places]
        whole = all(row["leaf"] == leaf and row["body"] == row["digest"] for row in rows)
        counted = [place[1] for place in places] == list(range(len(rows)))
        if not rows or not whole or not counted or joint_digest([str(row["digest"]) for row in rows]) != digest:
            yield Difference(releases.name, charge, "digest")


def _repeated(connection: Connection, held: Found) -> Iterator[Difference]:
    """A repeat was asked of the snapshots that the charge it follows was; they are taken out of what is held."""
    used: dict[object, dict[object, object]] = {}
    for (charge, dataset), found in held.items():
        used.setdefault(charge, {})[dataset] = found["snapshot"]
    for row in connection.execute(select(charges.c.id, charges.c.follows).where(charges.c.follows.is_not(None))):
        own = used.get(row.id, {})
        for dataset in own:
            del held[row.id, dataset]
        if own != used.get(row.follows):
            yield Difference(charge_snapshots.name, row.id, "snapshot")


def _compared(name: str, told: Found, held: Found) -> Iterator[Difference]:
    for place in sorted(told.keys() | held.keys(), key=str):
        one, other = told.get(place), held.get(place)
        row = " ".join(map(str, place))
        if one is None or other is None:
            yield Difference(name, row, "")
        else:
            yield from (Difference(name, row, column) for column in one if one[column] != other.get(column))


def _log(connection: Connection, key: LogPublicKey, told: Told) -> Iterator[Difference]:
    """Leaves, stored hashes, head, checkpoints and texts; every entry is taken in on the way."""
    hashes = {(row.level, row.position): bytes(row.hash) for row in connection.execute(select(log.hashes))}
    roots, made, texts, tree, latest = {0: Frontier().root()}, set[Key](), dict[str, int](), Frontier(), 0
    leaves = connection.execute(select(log.leaves).order_by(log.leaves.c.leaf).execution_options(yield_per=1000))
    for index, (leaf, data) in enumerate(leaves):
        try:
            entry = decode(bytes(data)) if leaf == index else None
        except Malformed:
            entry = None
        if entry is None:
            yield Difference(log.leaves.name, str(index), "entry")
            return
        for node, hashed in tree.append(leaf_hash(bytes(data))):
            made.add((node.level, node.position))
            if hashes.get((node.level, node.position)) != hashed:
                yield Difference(log.hashes.name, f"{node.level} {node.position}", "hash")
        roots[tree.size] = tree.root()
        latest = entry.header.time
        for digest_of in texts_of(entry):
            texts.setdefault(digest_of, index)
        try:
            told.take(index, entry)
        except KeyError:  # of what no entry before tells of
            yield Difference(log.leaves.name, str(index), "entry")
            return
    yield from (Difference(log.hashes.name, f"{level} {place}", "") for level, place in hashes.keys() - made)
    head = [tuple(row) for row in connection.execute(select(log.head))]
    if head != [(1, tree.size, latest)]:
        yield Difference(log.head.name, "1", "size")
    yield from _checkpoints(connection, key, roots)
    stored = {row.digest: row for row in connection.execute(select(log.stored_bodies))}
    for digest in stored.keys() | texts.keys():
        row = stored.get(digest)
        if row is None or row.leaf != texts.get(digest) or sha256(bytes(row.body)).hexdigest() != digest:
            yield Difference(log.stored_bodies.name, digest, "body")


def _checkpoints(connection: Connection, key: LogPublicKey, roots: Mapping[int, bytes]) -> Iterator[Difference]:
    """Each is signed and is one of the tree as it grew; the newest leaves may have none yet."""
    for row in connection.execute(select(log.checkpoints)):
        try:
            head = open_note(row.note, key)
        except Unverified:
            yield Difference(log.checkpoints.name, str(row.size), "note")
            continue
        if head.size != row.size or roots.get(head.size) != head.root:
            yield Difference(log.checkpoints.name, str(row.size), "size")


def _licences(connection: Connection, department: Ed25519PublicKey) -> Iterator[Difference]:
    """Each licence's file is what the department signed, and the row says what the file does."""
    for row in connection.execute(select(licences)):
        try:
            found = read_licence(bytes(row.file), department)
        except PolicyError:
            yield Difference(licences.name, row.id, "file")
            continue
        term = [round(moment.timestamp() * 1000) for moment in (found.not_before, found.not_after)]
        if (found.id, found.institution, *term) != (row.id, row.institution, row.not_before, row.not_after):
            yield Difference(licences.name, row.id, "not_before")


def _physical(connection: Connection) -> Iterator[Difference]:
    """What SQLite finds wrong with its own file: pages, indexes, constraints, references to rows that are not there."""
    if connection.dialect.name != "sqlite":
        return
    for pragma in ("integrity_check", "foreign_key_check"):
        for row in connection.exec_driver_sql(f"PRAGMA {pragma}"):
            if row[0] != "ok":
                yield Difference("database", pragma, "")


def _plain(table: Table, *key: str) -> Shape:
    """Every column that is told, by the columns of the key."""
    columns = [each.name for each in table.columns if each.name not in UNTOLD.get(table.name, frozenset()) | set(key)]

    def shape(row: Row[Any]) -> tuple[Key, dict[str, object]]:
        found = row._mapping  # noqa: SLF001 - SQLAlchemy's public name
        return tuple(found[each] for each in key), {each: found[each] for each in columns}

    return shape


def _revocable(table: Table) -> Shape:
    """Of a revocation that there was one."""
    plain = _plain(table, "id")

    def shape(row: Row[Any]) -> tuple[Key, dict[str, object]]:
        key, found = plain(row)
        return key, {**found, "revoked_at": row.revoked_at is not None}

    return shape


def _licence(row: Row[Any]) -> tuple[Key, dict[str, object]]:
    found = {"institution": row.institution, "digest": row.digest, "state": row.state}
    return (row.id,), {**found, "file": licence_digest(bytes(row.file))}


def _charge(row: Row[Any]) -> tuple[Key, dict[str, object]]:
    """By the leaf of its authorization, since a repeat's entry has no other name for it."""
    told = (
        "institution",
        "person",
        "key_id",
        "licence",
        "request_digest",
        "state",
        "incident",
        "follows",
        "final_leaf",
    )
    found = {each: row._mapping[each] for each in told}  # noqa: SLF001 - SQLAlchemy's public name
    named = None if row.follows is not None else row.id
    idempotency = sha256(row.idempotency_key.encode()).hexdigest()
    return (row.authorized_leaf,), {**found, "id": named, "idempotency_key": idempotency}


def _release(row: Row[Any]) -> tuple[Key, dict[str, object]]:
    return (row.charge, row.number), {
        "digest": row.digest,
        "leaf": row.leaf,
        "body": sha256(bytes(row.body)).hexdigest(),
    }


def _measured(row: Row[Any]) -> tuple[Key, dict[str, object]]:
    """What is told is the digest; the rest stands in the body that has it."""
    body = bytes(row.body)
    whole = sha256(body).hexdigest() == row.digest
    kept = from_json(body) if whole else None
    named = kept is not None and (kept.measure, kept.relation) == (row.measure, row.relation)
    return (row.charge, row.number, row.digest), {"body": whole, "measure": named}


def _nonce(row: Row[Any]) -> tuple[Key, dict[str, object]]:
    return (row.key_id, sha256(row.nonce.encode()).hexdigest()), {}


_SHAPES: Mapping[Table, Shape] = {
    institutions: _revocable(institutions),
    people: _revocable(people),
    keys: _revocable(keys),
    licences: _licence,
    datasets: _plain(datasets, "name"),
    snapshots: _plain(snapshots, "id"),
    bundles: _plain(bundles, "digest"),
    accounts: _plain(accounts, "id"),
    charges: _charge,
    charge_lines: _plain(charge_lines, "charge", "account"),
    charge_snapshots: _plain(charge_snapshots, "charge", "dataset"),
    releases: _release,
    measured_relations: _measured,
    nonces: _nonce,
    restarts: _plain(restarts, "leaf"),
}
