"""The sandbox's side of the API: a signed request in, canonical JSON out. Every authenticated act leaves one leaf."""

from __future__ import annotations

import logging
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from secrets import token_hex

from sqlalchemy import Connection

from policies.canonical import canonical_json
from policies.catalogue import catalogue_entry
from policies.rules import Action, Target
from sandbox.audit import entry, log, published
from sandbox.audit.checkpoint import LogPublicKey, open_note
from sandbox.broker import Answered, Broker, DryRun, Read
from sandbox.errors import PROBLEMS, Refusal
from sandbox.identity import VerifiedRequest, verify
from sandbox.ledger.charges import Charge, find_charge
from sandbox.ledger.database import cause, is_storage
from sandbox.ledger.outcomes import Leaf
from sandbox.queries.answers import (
    dry_run_answer,
    estimate_answer,
    history_answer,
    licence_answer,
    query_answer,
    repeat_receipt,
)
from sandbox.queries.requests import is_batch, read_batch, read_query
from sandbox.registry.directory import RegisteredLicence
from sandbox.serving.admission import Admission
from sandbox.serving.frames import HttpAnswer, HttpRequest
from sandbox.serving.parameters import number, parameters, span

_LOGGER = logging.getLogger("vitrine.door")
_PAGE = 256
"""The most entries or requests in one answer."""
_KEY_ID = re.compile(r';keyid="([0-9a-f]{16})"')
_PUBLISHED = re.compile(r"/log/(?!tile/entries/)(.*)", re.DOTALL)
"""What is read without an identity."""

Handler = Callable[["Door", VerifiedRequest, HttpRequest, str], HttpAnswer]
"""Answers one route; the text is the path's own part, empty where there is none."""


def refused(refusal: Refusal) -> HttpAnswer:
    """A refusal as an answer; the gateway writes its sentence."""
    span = None if refusal.span is None else [refusal.span.start, refusal.span.end]
    body = {
        "code": refusal.code,
        "detail": dict(refusal.detail),
        "span": span,
        "rewrite": refusal.rewrite,
        "query": refusal.query,
        "trace": token_hex(8),
    }
    headers = () if refusal.after is None else (("retry-after", str(refusal.after)),)
    return HttpAnswer(PROBLEMS[refusal.code].status, canonical_json(body), headers)


def _failure(error: Exception) -> Refusal:
    """What a caller learns of a failure of ours."""
    return Refusal("service.storage" if is_storage(error) else "service.failed")


@dataclass(frozen=True, slots=True)
class Door:
    """Answers every request; it never raises, and says of a failure of ours only that there was one."""

    broker: Broker
    log_key: LogPublicKey
    admission: Admission

    def handle(self, request: HttpRequest) -> HttpAnswer:
        """The answer to a request as it came from the gateway, which is not trusted."""
        if request.method == "GET" and request.path == "/healthz":
            return HttpAnswer(200, canonical_json({"status": "storage" if self.broker.writer.failing else "ok"}))
        wait = self.admission.knock()
        if wait:
            return refused(Refusal("service.busy", after=wait))  # one of a flood: no line of the operator's log
        try:
            open_path = _PUBLISHED.fullmatch(request.path)
            if open_path is not None and request.method == "GET":
                return self._published(open_path[1])
            return self._handled(request)
        except Refusal as refusal:
            _LOGGER.warning("turned away: %s, key %s", refusal.code, _claimed_key(request))
            return refused(refusal)
        except Exception as error:  # noqa: BLE001 - whatever it was, no caller learns of it
            _LOGGER.error("request failed: %s", cause(error))
            return refused(_failure(error))

    def _published(self, path: str) -> HttpAnswer:
        """What of the log is for everybody: nobody's act, which leaves no leaf."""
        with self.broker.engine.connect() as connection:
            found = published.hashes(connection, self.log_key, path)
        return refused(Refusal("request.route")) if found is None else HttpAnswer(200, found)

    def _handled(self, request: HttpRequest) -> HttpAnswer:
        """Refuses identity.*: the act of nobody, which leaves no leaf."""
        broker = self.broker
        now = datetime.now(UTC)
        caller = verify(request, now, broker.registry.signer, broker.settings.authority)
        try:
            self.admission.enter(caller.actor)
        except Refusal as refusal:
            return self._turned_away(caller, refusal)
        try:
            return self._acted(caller, request)
        finally:
            self.admission.leave(caller.actor)

    def _turned_away(self, caller: VerifiedRequest, refusal: Refusal) -> HttpAnswer:
        """Nothing is done for the request, its nonce stays unused; that there are such is said now and then."""
        untold = self.admission.turned_away(caller.actor)
        if untold is not None:
            try:
                self.broker.note(caller, Leaf(entry.Limited(refusal.code, untold)))
            except Exception:
                self.admission.unsaid(caller.actor, untold + 1)
                raise
        return refused(refusal)

    def _acted(self, caller: VerifiedRequest, request: HttpRequest) -> HttpAnswer:
        try:
            handler, part = _route(request)
            return handler(self, caller, request, part)
        except Refusal as refusal:
            return self._refused(caller, request, refusal)
        except Exception as error:  # noqa: BLE001 - an act that failed is an act: it has its leaf
            _LOGGER.error("request failed: %s", cause(error))
            return self._refused(caller, request, _failure(error))

    def _refused(self, caller: VerifiedRequest, request: HttpRequest, refusal: Refusal) -> HttpAnswer:
        return refused(self.broker.refuse(caller, f"{request.method} {request.path}"[:200], refusal, None))

    def query(self, caller: VerifiedRequest, request: HttpRequest, _: str) -> HttpAnswer:
        """The answer to a query, or 202 while it runs and the caller prefers not to wait."""
        return self._asked(caller, request, read_query, batch=False)

    def batch(self, caller: VerifiedRequest, request: HttpRequest, _: str) -> HttpAnswer:
        """The same for several queries, planned and charged together."""
        return self._asked(caller, request, read_batch, batch=True)

    def _asked(self, caller: VerifiedRequest, request: HttpRequest, read: Read, *, batch: bool) -> HttpAnswer:
        wait = request.header("prefer") != "respond-async"
        found = self.broker.answer(caller, request.body, read, wait)
        if isinstance(found, Refusal):
            return refused(found)
        if isinstance(found, DryRun):
            return self._dry_run(found, batch=batch)
        if not wait and not found.repeat:
            self.admission.stay(caller.actor)
            self.broker.runs.under_way.then(found.charge.id, partial(self.admission.leave, caller.actor))
        return self._answer(found.charge, self._repeated(found) if found.repeat else (), batch=batch)

    def _dry_run(self, found: DryRun, *, batch: bool) -> HttpAnswer:
        key = self.log_key
        with self.broker.engine.connect() as connection:
            body = dry_run_answer(connection, found.id, found.prepared, found.releases, found.leaf, key, batch=batch)
        return HttpAnswer(200, canonical_json(body), (("vitrine-dry-run", "true"),))

    def _repeated(self, found: Answered) -> tuple[tuple[str, str], ...]:
        """What says that nothing was charged, in headers: the bodies of repeats are equal."""
        if found.leaf is None:
            return (("vitrine-repeat", "true"),)
        with self.broker.engine.connect() as connection:
            proof = repeat_receipt(connection, found.leaf, self.log_key)
        return (("vitrine-repeat", "true"), ("vitrine-receipt", proof))

    def _answer(self, charge: Charge, headers: tuple[tuple[str, str], ...], *, batch: bool) -> HttpAnswer:
        with self.broker.engine.connect() as connection:
            status, body = query_answer(connection, charge, self.log_key, batch=batch)
        if status == 202:
            headers += (("location", f"/v1/queries/{charge.id}"),)
        return HttpAnswer(status, body, headers)

    def estimate(self, caller: VerifiedRequest, request: HttpRequest, _: str) -> HttpAnswer:
        """The price of a query."""
        return self._estimated(caller, request, read_query, batch=False)

    def estimate_batch(self, caller: VerifiedRequest, request: HttpRequest, _: str) -> HttpAnswer:
        """The price of several queries together."""
        return self._estimated(caller, request, read_batch, batch=True)

    def _estimated(self, caller: VerifiedRequest, request: HttpRequest, read: Read, *, batch: bool) -> HttpAnswer:
        found = self.broker.estimate(caller, request.body, read)
        if isinstance(found, Refusal):
            return refused(found)
        with self.broker.engine.connect() as connection:
            return _ok(estimate_answer(connection, found, batch=batch))

    def catalogue(self, caller: VerifiedRequest, _: HttpRequest, __: str) -> HttpAnswer:
        """Every data set that can be asked."""
        return self._read(caller, Action.CATALOGUE_READ, Target("catalogue", None), self._catalogue_body)

    def _catalogue_body(self) -> Mapping[str, object]:
        snapshots = [self.broker.snapshots.open(each.id) for each in self.broker.registry.snapshots()]
        return {"datasets": [{**catalogue_entry(each.card), "snapshot": each.id} for each in snapshots]}

    def licences(self, caller: VerifiedRequest, _: HttpRequest, __: str) -> HttpAnswer:
        """The caller's institution's licences."""
        institution = caller.signer.institution
        found = self.broker.registry.licences(institution)
        return self._read(
            caller,
            Action.LICENCE_READ,
            Target("licences", institution),
            lambda: {"licences": [self._licence_body(each) for each in found]},
        )

    def licence(self, caller: VerifiedRequest, _: HttpRequest, name: str) -> HttpAnswer:
        """One licence and its balance."""
        found = self.broker.registry.licence(name)
        if found is None:
            raise Refusal("licence.unknown", {"licence": name})
        target = Target(name, found.licence.institution)
        return self._read(caller, Action.LICENCE_READ, target, lambda: self._licence_body(found))

    def _licence_body(self, found: RegisteredLicence) -> Mapping[str, object]:
        with self.broker.engine.connect() as connection:
            return licence_answer(connection, found)

    def history(self, caller: VerifiedRequest, request: HttpRequest, _: str) -> HttpAnswer:
        """The caller's own queries."""
        asked = parameters(request, {"limit"})
        limit = min(number(asked.get("limit", "20")), _PAGE)
        target = Target("queries", caller.signer.institution)
        person = caller.signer.person
        return self._from_log(
            caller,
            Action.HISTORY_READ,
            target,
            lambda connection: {"queries": history_answer(connection, person, limit)},
        )

    def one_query(self, caller: VerifiedRequest, _: HttpRequest, charge: str) -> HttpAnswer:
        """The state or the answer of an earlier query of the institution."""
        with self.broker.engine.connect() as connection:
            found = find_charge(connection, charge)
            payer = None if found is None else find_charge(connection, found.payer)
        if found is None or payer is None:
            raise Refusal("request.route")
        self._read(caller, Action.HISTORY_READ, Target(charge, found.actor.institution), dict)
        return self._answer(payer, (), batch=is_batch(payer.request))

    def checkpoint(self, caller: VerifiedRequest, _: HttpRequest, __: str) -> HttpAnswer:
        """The newest signed checkpoint."""
        return self._from_log(
            caller,
            Action.CHECKPOINT_READ,
            Target("checkpoint", None),
            lambda connection: {"checkpoint": log.checkpoint(connection)},
        )

    def entries(self, caller: VerifiedRequest, request: HttpRequest, _: str) -> HttpAnswer:
        """A page of the log, for auditors."""
        start, end = span(request, "start", "end")
        return self._from_log(
            caller, Action.AUDIT_READ, Target("entries", None), lambda connection: _page(connection, start, end)
        )

    def bundle(self, caller: VerifiedRequest, _: HttpRequest, path: str) -> HttpAnswer:
        """The entries of a tile, for auditors."""

        def file() -> HttpAnswer:
            with self.broker.engine.connect() as connection:
                found = published.bundle(connection, self.log_key, path)
            if found is None:
                raise Refusal("request.route")
            return HttpAnswer(200, found)

        return self._decided(caller, Action.AUDIT_READ, Target("entries", None), file)

    def inclusion(self, caller: VerifiedRequest, request: HttpRequest, _: str) -> HttpAnswer:
        """The proof that a leaf stands in the log."""
        index, size = span(request, "index", "size")
        return self._from_log(
            caller,
            Action.CHECKPOINT_READ,
            Target("proof", None),
            lambda connection: self._proof(connection, log.inclusion_proof, index, size, ordered=index < size),
        )

    def consistency(self, caller: VerifiedRequest, request: HttpRequest, _: str) -> HttpAnswer:
        """The proof that the log only grew."""
        old, new = span(request, "old", "new")
        return self._from_log(
            caller,
            Action.CHECKPOINT_READ,
            Target("proof", None),
            lambda connection: self._proof(connection, log.consistency_proof, old, new, ordered=0 < old <= new),
        )

    def _proof(
        self,
        connection: Connection,
        prove: Callable[[Connection, int, int], list[bytes]],
        first: int,
        size: int,
        *,
        ordered: bool,
    ) -> Mapping[str, object]:
        """A proof between sizes that a signed checkpoint covers. Refuses `request.range`."""
        note = log.checkpoint(connection)
        if note is None or not ordered or size > open_note(note, self.log_key).size:
            raise Refusal("request.range")
        return {"proof": [b64encode(step).decode() for step in prove(connection, first, size)]}

    def _from_log(
        self,
        caller: VerifiedRequest,
        action: Action,
        target: Target,
        read: Callable[[Connection], Mapping[str, object]],
    ) -> HttpAnswer:
        def body() -> Mapping[str, object]:
            with self.broker.engine.connect() as connection:
                return read(connection)

        return self._read(caller, action, target, body)

    def _read(
        self, caller: VerifiedRequest, action: Action, target: Target, body: Callable[[], Mapping[str, object]]
    ) -> HttpAnswer:
        return self._decided(caller, action, target, lambda: _ok(body()))

    def _decided(
        self, caller: VerifiedRequest, action: Action, target: Target, make: Callable[[], HttpAnswer]
    ) -> HttpAnswer:
        """Decides on a reading, makes its answer and writes its leaf, in this order. Refuses policy.*."""
        self.broker.decisions.allowed(caller.signer, action, target, None)
        answer = make()
        self.broker.note(caller, Leaf(entry.Read(action.value, target.id)))
        return answer


_ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = (
    ("POST", re.compile(r"/v1/queries()"), Door.query),
    ("GET", re.compile(r"/v1/queries()"), Door.history),
    ("GET", re.compile(r"/v1/queries/([0-9a-f]{32})"), Door.one_query),
    ("POST", re.compile(r"/v1/queries:batch()"), Door.batch),
    ("POST", re.compile(r"/v1/estimates()"), Door.estimate),
    ("POST", re.compile(r"/v1/estimates:batch()"), Door.estimate_batch),
    ("GET", re.compile(r"/v1/catalogue()"), Door.catalogue),
    ("GET", re.compile(r"/v1/licences()"), Door.licences),
    ("GET", re.compile(r"/v1/licences/([^/]{1,64})"), Door.licence),
    ("GET", re.compile(r"/v1/audit/checkpoint()"), Door.checkpoint),
    ("GET", re.compile(r"/v1/audit/entries()"), Door.entries),
    ("GET", re.compile(r"/log/(tile/entries/[0-9x/.p]{1,40})"), Door.bundle),
    ("GET", re.compile(r"/v1/audit/proofs/inclusion()"), Door.inclusion),
    ("GET", re.compile(r"/v1/audit/proofs/consistency()"), Door.consistency),
)


def _claimed_key(request: HttpRequest) -> str:
    """The id of the signing key that a request names; `unknown` where it names none. Proven by nothing."""
    for name, value in request.headers:
        found = _KEY_ID.search(value) if name == "signature-input" else None
        if found is not None:
            return found[1]
    return "unknown"


def _route(request: HttpRequest) -> tuple[Handler, str]:
    """The route and the path's own part. Refuses `request.route`."""
    for method, path, handler in _ROUTES:
        found = path.fullmatch(request.path)
        if method == request.method and found is not None:
            return handler, found[1]
    raise Refusal("request.route")


def _page(connection: Connection, start: int, end: int) -> Mapping[str, object]:
    """The entries [start, end), at most a page of those that stand. Refuses `request.range`."""
    end = min(end, start + _PAGE, log.size(connection))
    if start > end:
        raise Refusal("request.range")
    found = [b64encode(data).decode() for data in log.entries(connection, start, end)]
    texts = {digest: b64encode(text).decode() for digest, text in log.bodies_of(connection, start, end).items()}
    return {"start": start, "entries": found, "bodies": texts}


def _ok(body: Mapping[str, object]) -> HttpAnswer:
    return HttpAnswer(200, canonical_json(body))
