"""What the log tells of the database: its tables, made again entry by entry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from policies.licences import Notion
from policies.rules import State as Standing
from sandbox.audit.entry import (
    AccountLimited,
    AccountOpened,
    DatasetLoaded,
    DatasetWithdrawn,
    Entry,
    FailureCause,
    Header,
    LogRestarted,
    QueryAuthorized,
    QueryFailed,
    QueryReleased,
    QueryRepeated,
    QueryReused,
    ServiceStarted,
)
from sandbox.audit.records import AccountCharge, Amounts, DatasetUse, OpenedAccount
from sandbox.audit.registry_acts import (
    InstitutionAdded,
    InstitutionRevoked,
    KeyRegistered,
    KeyRevoked,
    LicenceIssued,
    LicenceResumed,
    LicenceRevoked,
    LicenceSuspended,
    PersonAdded,
    PersonRevoked,
)
from sandbox.ledger.charges import State

Key: TypeAlias = tuple[object, ...]
"""Of a row."""
_TABLES = (
    *("institutions", "people", "keys", "licences", "datasets", "snapshots", "bundles", "accounts"),
    *("charges", "charge_lines", "charge_snapshots", "releases", "measured_relations", "nonces"),
    "log_restarts",
)


class Told:
    """Takes the entries in order."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[Key, dict[str, object]]] = {name: {} for name in _TABLES}
        """By name and key, the columns that an entry tells of."""
        self._queries: dict[int, int] = {}
        """How many a charge has, by the leaf of its authorization."""
        self._waiting: dict[object, list[dict[str, object]]] = {}
        """Repeats of a charge that has not ended, by its id."""
        self.computed: dict[str, tuple[str, int]] = {}
        """Of a charge answered by reuse, the digest of all its releases, and its leaf."""

    def take(self, index: int, entry: Entry) -> None:
        header = entry.header
        if header.actor is not None and header.request is not None:
            self.tables["nonces"][header.actor.key, header.request.nonce] = {}
        match entry.act:
            case InstitutionAdded(institution, title):
                self.tables["institutions"][institution,] = {"name": title, "revoked_at": False}
            case PersonAdded(person, institution, roles):
                row = {"institution": institution, "roles": " ".join(roles), "revoked_at": False}
                self.tables["people"][person,] = row
            case KeyRegistered(key, person, public, expires):
                row = {"person": person, "public": bytes.fromhex(public), "expires_at": expires, "revoked_at": False}
                self._forget_nonces(header.time)
                self.tables["keys"][key,] = row
            case InstitutionRevoked(institution):
                self.tables["institutions"][institution,]["revoked_at"] = True
                self._revoke(key for key, row in self.tables["people"].items() if row["institution"] == institution)
            case PersonRevoked(person):
                self._revoke([(person,)])
            case KeyRevoked(key):
                self.tables["keys"][key,]["revoked_at"] = True
            case LicenceIssued(licence, institution, file, opened):
                row = {"institution": institution, "digest": file, "file": file, "state": Standing.ACTIVE.value}
                self.tables["licences"][licence,] = row
                self._open(opened)
            case LicenceSuspended(licence):
                self.tables["licences"][licence,]["state"] = Standing.SUSPENDED.value
            case LicenceResumed(licence):
                self.tables["licences"][licence,]["state"] = Standing.ACTIVE.value
            case LicenceRevoked(licence):
                self.tables["licences"][licence,]["state"] = Standing.REVOKED.value
            case DatasetLoaded() as loaded:
                self._load(loaded)
            case DatasetWithdrawn(dataset):
                for row in self.tables["snapshots"].values():
                    if row["dataset"] == dataset:
                        row["state"] = Standing.WITHDRAWN.value
            case AccountOpened(opened):
                self._open([opened])
            case AccountLimited(account, _, limit):
                self.tables["accounts"][account,] |= _amounts(limit, "limit")
            case LogRestarted():
                self.tables["log_restarts"][index,] = {}
                for row in self.tables["accounts"].values():
                    row.update({f"{each}_limit": row[f"{each}_spent"] for each in ("rho", "delta", "epsilon")})
            case ServiceStarted():
                for row in self.tables["bundles"].values():
                    row["state"] = "superseded"
                self.tables["bundles"][header.bundle,] = {"state": "current"}
            case QueryAuthorized() | QueryReused() as charged:
                self._charge(index, header, charged)
            case QueryReleased() as released:
                self._release(index, released)
            case QueryFailed(_, authorization, cause):
                self._end(authorization, State.FAILED, index, incident=cause is FailureCause.INCIDENT)
            case QueryRepeated() as repeated:
                self._repeat(index, header, repeated)
            case _:
                return

    def _revoke(self, persons: Iterable[Key]) -> None:
        """People with their signing keys."""
        for person in list(persons):
            self.tables["people"][person]["revoked_at"] = True
            for row in self.tables["keys"].values():
                row["revoked_at"] = row["revoked_at"] or (row["person"],) == person

    def _forget_nonces(self, at: int) -> None:
        """Those of signing keys that can never sign again, whenever a key is registered."""
        gone = {
            key
            for (key,), row in self.tables["keys"].items()
            if row["revoked_at"] or (isinstance(row["expires_at"], int) and row["expires_at"] <= at)
        }
        kept = {key: row for key, row in self.tables["nonces"].items() if key[0] not in gone}
        self.tables["nonces"] = kept

    def _open(self, opened: Iterable[OpenedAccount]) -> None:
        for each in opened:
            notion = Notion.ZCDP if each.limit.epsilon is None else Notion.PURE
            named = {"kind": each.kind.value, "name": each.account.partition(":")[2], "notion": notion.value}
            spent = _amounts(Amounts(0, 0, 0), "spent")
            self.tables["accounts"][each.account,] = {**named, **_amounts(each.limit, "limit"), **spent}

    def _load(self, act: DatasetLoaded) -> None:
        self.tables["datasets"][act.dataset,] = {"unit_domain": act.domain}
        for row in self.tables["snapshots"].values():
            if row["dataset"] == act.dataset and row["state"] == "current":
                row["state"] = "superseded"
        made = {"dataset": act.dataset, "card_version": act.card_version, "card_digest": act.card, "state": "current"}
        self.tables["snapshots"][act.snapshot,] = made
        self._open(act.opened)

    def _charge(self, index: int, header: Header, act: QueryAuthorized | QueryReused) -> None:
        row = self._row(index, header, act.licence, act.charge)
        for line in act.accounts:
            self._line(act.charge, line)
        self._read(act.charge, act.datasets)
        if isinstance(act, QueryAuthorized):
            self._queries[index] = act.queries
        else:
            self.computed[act.charge] = (act.release, index)
            row |= {"state": State.RELEASED.value, "final_leaf": index}

    def _row(self, index: int, header: Header, licence: str, charge: str | None) -> dict[str, object]:
        actor, request = header.actor, header.request
        row: dict[str, object] = {
            "id": charge,
            "institution": None if actor is None else actor.institution,
            "person": None if actor is None else actor.person,
            "key_id": None if actor is None else actor.key,
            "licence": licence,
            "request_digest": None if request is None else request.message,
            "idempotency_key": None if request is None else request.idempotency,
            "state": State.AUTHORIZED.value,
            "incident": False,
            "follows": None,
            "final_leaf": None,
        }
        self.tables["charges"][index,] = row
        return row

    def _line(self, charge: str, line: AccountCharge) -> None:
        loss = _amounts(line.loss, "")
        self.tables["charge_lines"][charge, line.account] = loss
        self.tables["accounts"][line.account,] |= _amounts(line.spent, "spent")

    def _read(self, charge: str, used: Iterable[DatasetUse]) -> None:
        for each in used:
            self.tables["charge_snapshots"][charge, each.dataset] = {"snapshot": each.snapshot}

    def _release(self, index: int, act: QueryReleased) -> None:
        released = {"digest": act.release, "body": act.release, "leaf": index}
        self.tables["releases"][act.charge, act.number] = released
        for digest in act.measured:
            self.tables["measured_relations"][act.charge, act.number, digest] = {"body": True, "measure": True}
        if act.number == self._queries[act.authorization] - 1:
            self._end(act.authorization, State.RELEASED, index, incident=False)

    def _end(self, authorization: int, state: State, index: int, *, incident: bool) -> None:
        """The charge and the repeats that wait for it."""
        paid = self.tables["charges"][authorization,]
        ended = {"state": state.value, "final_leaf": index}
        paid |= {**ended, "incident": incident}
        for row in self._waiting.pop(paid["id"], []):
            row.update(ended)

    def _repeat(self, index: int, header: Header, act: QueryRepeated) -> None:
        paid = self.tables["charges"][act.authorization,]
        row = self._row(index, header, act.licence, None)
        row["follows"] = paid["id"]
        if act.release is None:
            self._waiting.setdefault(paid["id"], []).append(row)
        else:
            row |= {"state": State.RELEASED.value, "final_leaf": index}


def _amounts(found: Amounts, suffix: str) -> dict[str, object]:
    """As the columns of accounts and lines count them."""
    end = f"_{suffix}" if suffix else ""
    return {f"rho{end}": found.rho or 0, f"delta{end}": found.delta, f"epsilon{end}": found.epsilon or 0}
