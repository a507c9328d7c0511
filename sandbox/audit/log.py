"""The log in the database: leaves, stored tree hashes, signed checkpoints, and the texts that stand beside the log.

Every function works inside the caller's transaction. A leaf, once committed, is never changed or removed, and a
checkpoint is signed over committed leaves only, each larger one consistent with all before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from secrets import token_bytes

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    LargeBinary,
    Select,
    SmallInteger,
    String,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from sandbox.audit import merkle
from sandbox.audit.checkpoint import LogKey, LogPublicKey, open_note, sign
from sandbox.audit.encoding import SALT_SIZE, encode, texts_of
from sandbox.audit.entry import Entry
from sandbox.audit.merkle import Frontier, Node
from sandbox.audit.receipt import Receipt
from sandbox.audit.tree_head import Checkpoint
from sandbox.errors import Fault
from sandbox.ledger.schema import metadata

leaves = Table(
    "log_leaves",
    metadata,
    Column("leaf", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
)
hashes = Table(
    "log_hashes",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(merkle.HASH_SIZE), nullable=False),
    sqlite_with_rowid=False,
)
head = Table(
    "log_head",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
)
checkpoints = Table(
    "log_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)
stored_bodies = Table(
    "log_bodies",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("leaf", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

_APPENDED = "vitrine.log.appended"
"""Key in a connection's `info`: the transaction in which it last appended."""
_PAGE = 256
"""Leaves read at once."""

# Statements of every act, made once: making one anew costs more than running it.
_HEAD = select(head.c.size, head.c.time).with_for_update()
_GROW = update(head).where(head.c.size == bindparam("before")).values(size=bindparam("after"), time=bindparam("now"))
_BODIES = select(stored_bodies.c.digest).where(stored_bodies.c.digest.in_(bindparam("digests", expanding=True)))
_NEWEST = select(checkpoints.c.note).order_by(checkpoints.c.size.desc()).limit(1)
_COVERING = (
    select(checkpoints.c.note).where(checkpoints.c.size > bindparam("index")).order_by(checkpoints.c.size).limit(1)
)
_INSERT_LEAF, _INSERT_HASHES, _INSERT_BODY = insert(leaves), insert(hashes), insert(stored_bodies)


@lru_cache
def _nodes(count: int) -> Select[int, int, bytes]:
    """So many nodes of the tree, each looked up by its key: their number is logarithmic."""
    keys = (
        and_(hashes.c.level == bindparam(f"level{number}"), hashes.c.position == bindparam(f"position{number}"))
        for number in range(count)
    )
    return select(hashes).where(or_(*keys))


def append(connection: Connection, entry: Entry, texts: Sequence[bytes] = ()) -> int:
    """The index of the new leaf, which stands when the caller's transaction commits.

    Takes the lock of the log's head until then. The entry's time is raised to that of the leaf before it, so that
    time never runs backward in the log. `texts` are those whose digests the entry names.
    """
    row = connection.execute(_HEAD).one_or_none()
    if row is None:
        connection.execute(insert(head).values(id=1, size=0, time=0))
    index, latest = (0, 0) if row is None else (row.size, row.time)
    time = max(entry.header.time, latest)
    data = encode(replace(entry, header=replace(entry.header, time=time)), token_bytes(SALT_SIZE))
    _keep_bodies(connection, index, entry, texts)
    connection.execute(_INSERT_LEAF, {"leaf": index, "entry": data})
    tree = _frontier(connection, index)
    connection.execute(
        _INSERT_HASHES,
        [
            {"level": node.level, "position": node.position, "hash": digest}
            for node, digest in tree.append(merkle.leaf_hash(data))
        ],
    )
    connection.execute(_GROW, {"before": index, "after": index + 1, "now": time})
    connection.info[_APPENDED] = connection.get_transaction()
    return index


def size(connection: Connection) -> int:
    return connection.execute(select(head.c.size)).scalar_one_or_none() or 0


def entries(connection: Connection, start: int, end: int) -> Iterator[bytes]:
    """The bytes of the leaves [start, end), in order."""
    for low in range(start, end, _PAGE):
        high = min(low + _PAGE, end)
        query = select(leaves.c.entry).where(leaves.c.leaf >= low, leaves.c.leaf < high).order_by(leaves.c.leaf)
        page = connection.execute(query).scalars().all()
        if len(page) != high - low:
            raise Fault("the log lacks a leaf")
        yield from page


def root(connection: Connection, size: int) -> bytes:
    return merkle.root(size, _reader(connection))


def inclusion_proof(connection: Connection, index: int, size: int) -> list[bytes]:
    return merkle.inclusion_proof(index, size, _reader(connection))


def consistency_proof(connection: Connection, old: int, new: int) -> list[bytes]:
    return merkle.consistency_proof(old, new, _reader(connection))


def tile(connection: Connection, level: int, start: int, end: int) -> bytes:
    """The stored hashes [start, end) of a tree level, one after the other."""
    query = (
        select(hashes.c.hash)
        .where(hashes.c.level == level, hashes.c.position >= start, hashes.c.position < end)
        .order_by(hashes.c.position)
    )
    found = connection.execute(query).scalars().all()
    if len(found) != end - start:
        raise Fault("the log lacks a hash")
    return b"".join(found)


def body(connection: Connection, digest: str) -> bytes | None:
    """The text beside the log that has this SHA-256."""
    return connection.execute(select(stored_bodies.c.body).where(stored_bodies.c.digest == digest)).scalar_one_or_none()


def bodies(connection: Connection, end: int) -> Iterator[tuple[str, bytes]]:
    """The texts that the leaves [0, end) name, each with its digest."""
    query = select(stored_bodies.c.digest).where(stored_bodies.c.leaf < end).order_by(stored_bodies.c.digest)
    for digest in connection.execute(query).scalars().all():
        text = body(connection, digest)
        if text is None:
            raise Fault("the log lacks a body")
        yield digest, text


def bodies_of(connection: Connection, start: int, end: int) -> dict[str, bytes]:
    """The texts that the leaves [start, end) are the first to name, by digest."""
    query = select(stored_bodies.c.digest, stored_bodies.c.body).where(
        stored_bodies.c.leaf >= start, stored_bodies.c.leaf < end
    )
    return {row.digest: bytes(row.body) for row in connection.execute(query)}


def checkpoint(connection: Connection) -> str | None:
    """The newest signed checkpoint."""
    return connection.execute(_NEWEST).scalar_one_or_none()


def sign_checkpoint(connection: Connection, key: LogKey, told: str | None) -> str:
    """The signed checkpoint of all committed leaves, stored when the caller's transaction commits.

    Call it in a transaction of its own. Faults when this transaction appended, and when the newest stored checkpoint,
    or that which was told last, is larger than the log or does not fit its tree: then the database was rolled back or
    rewritten.
    """
    if connection.in_transaction() and connection.info.get(_APPENDED) is connection.get_transaction():
        raise Fault("a checkpoint is signed over committed leaves only")
    current = connection.execute(_HEAD).scalar_one_or_none() or 0
    stored = checkpoint(connection)
    if not all(continues(connection, open_note(note, key.public)) for note in {stored, told} if note is not None):
        raise Fault("the log does not continue its newest checkpoint")
    if stored is not None and open_note(stored, key.public).size == current:
        return stored
    note = sign(Checkpoint(key.name, current, root(connection, current)), key)
    connection.execute(insert(checkpoints).values(size=current, note=note))
    return note


def forget_checkpoints(connection: Connection) -> None:
    """None was signed: those that were are of a log whose entries are gone."""
    connection.execute(delete(checkpoints))


def continues(connection: Connection, known: Checkpoint) -> bool:
    """Whether the log is that of the checkpoint, or has grown from it."""
    return known.size <= size(connection) and root(connection, known.size) == known.root


def covered(connection: Connection, index: int) -> bool:
    """Whether a signed checkpoint covers the leaf."""
    query = select(checkpoints.c.size).where(checkpoints.c.size > index).limit(1)
    return connection.execute(query).scalar_one_or_none() is not None


def receipt(connection: Connection, index: int, key: LogPublicKey) -> Receipt:
    """The proof that the leaf stands in the log, under the first checkpoint that covers it: the same for ever."""
    note = connection.execute(_COVERING, {"index": index}).scalar_one_or_none()
    if note is None:
        raise Fault("no checkpoint covers the leaf")
    proof = inclusion_proof(connection, index, open_note(note, key).size)
    (data,) = entries(connection, index, index + 1)
    return Receipt(index, data, tuple(proof), note)


def _keep_bodies(connection: Connection, index: int, entry: Entry, texts: Sequence[bytes]) -> None:
    """Every text the entry names stands beside the log, given now or before; nothing else is given."""
    given = {sha256(text).hexdigest(): text for text in texts}
    named = set(texts_of(entry))
    known = set(connection.execute(_BODIES, {"digests": sorted(named)}).scalars()) if named else set()
    if not given.keys() <= named or not named <= given.keys() | known:
        raise Fault("the bodies given are not those the entry names")
    for digest in sorted(given.keys() - known):
        connection.execute(_INSERT_BODY, {"digest": digest, "leaf": index, "body": given[digest]})


def _frontier(connection: Connection, size: int) -> Frontier:
    return Frontier(size, _reader(connection)(merkle.peaks(size)))


def _reader(connection: Connection) -> merkle.Read:
    """Reads all nodes asked for by one query."""

    def read(nodes: Sequence[Node]) -> list[bytes]:
        if not nodes:
            return []
        places = {f"level{number}": node.level for number, node in enumerate(nodes)}
        places |= {f"position{number}": node.position for number, node in enumerate(nodes)}
        rows = connection.execute(_nodes(len(nodes)), places)
        found = {Node(row.level, row.position): bytes(row.hash) for row in rows}
        if len(found) != len(set(nodes)):
            raise Fault("the log lacks a hash")
        return [found[node] for node in nodes]

    return read
