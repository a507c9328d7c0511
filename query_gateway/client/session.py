"""The client: signs every request, sends it safely more than once, believes no answer that the log does not hold."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, repeat
from pathlib import Path
from secrets import token_urlsafe
from types import TracebackType
from typing import Any, Literal, TypeVar
from urllib.parse import quote, urlencode

import httpx2

from policies.cards import Bounds
from query_gateway.client.answers import (
    Answer,
    BatchAnswer,
    Pending,
    Problem,
    Unproven,
    checked_answer,
    checked_batch,
    checked_dry_run,
)
from query_gateway.client.log_copy import copy_log
from query_gateway.client.sending import PATIENCE, Sender, Sent
from query_gateway.client.settings import ClientSettings
from sandbox.audit.checkpoint import open_note
from sandbox.audit.merkle import Unverified
from sandbox.audit.tree_head import Checkpoint
from sandbox.privacy.clip import ClipAt
from sandbox.serving.frames import HttpRequest, request_digest

_POLLS = (0.25, 0.5, 1.0, 2.0, 5.0)
"""Seconds between looks at a query under way, the last for all further ones: each look is an entry of the log."""

_PROOF = "vitrine-receipt"
"""The header that proves a repeat."""
Known = TypeVar("Known", Answer, BatchAnswer, Answer | Pending)
Asked = Bounds | ClipAt | Literal["card"]
"""Bounds as a query names them; where it names none they are chosen privately."""
Spend = Mapping[str, str | Decimal | Mapping[str, str | Decimal]]
"""`{"epsilon": …}` or `{"rho": …}` as an exact decimal; or an accuracy, `{"half_width": …, "confidence": …}` or
`{"relative": …, "confidence": …}`, with `column`, `expected_value` and `at_most` (a spend) where wanted;
each with `weights` of columns too."""


@dataclass(frozen=True, slots=True)
class _Queried:
    """What came of a query or batch that was sent."""

    response: httpx2.Response
    asked: str
    """The digest of what was signed, which the log names."""
    repeat: bool
    """Nothing was charged for it."""
    proof: str | None
    """The receipt of a repeat's own entry."""


class Client:
    """One person's access to the service. Refuses `key.unreadable` and `key.exposed` when made.

    A request that finds no answer is sent again, for as long as `patience` seconds of pauses.
    """

    def __init__(
        self,
        settings: ClientSettings,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        self._settings = settings
        self._log_key = settings.log_public_key
        self._sleep = sleep
        self._sender = Sender(settings, transport, sleep, patience)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._sender.close()

    @property
    def key_id(self) -> str:
        """Id of the signing key, as the registry knows it."""
        return self._sender.key_id

    def catalogue(self) -> Mapping[str, Any]:
        """The data sets that can be asked."""
        return self._read("/v1/catalogue")

    def licences(self) -> Mapping[str, Any]:
        """The licences of the caller's institution."""
        return self._read("/v1/licences")

    def licence(self, name: str) -> Mapping[str, Any]:
        """One licence with its balances."""
        return self._read(f"/v1/licences/{quote(name, safe='')}")

    def history(self, limit: int = 20) -> Mapping[str, Any]:
        """The caller's own charged requests, newest first."""
        return self._read("/v1/queries", limit=limit)

    def health(self) -> Mapping[str, Any]:
        """Whether gateway and sandbox answer. Unsigned."""
        return _document(self._sender.unsigned("/healthz"))

    def checkpoint(self) -> tuple[str, Checkpoint]:
        """The newest signed note of the log and what it says. Raises Unproven."""
        note = self._read("/v1/audit/checkpoint").get("checkpoint")
        if not isinstance(note, str):
            raise Unproven("there is no checkpoint")
        try:
            return note, open_note(note, self._log_key)
        except Unverified as error:
            raise Unproven(str(error)) from None

    def copy_log(self, directory: Path) -> tuple[int, int]:
        """Continues an auditor's copy of the log; its entries, and how many of them were fetched. Raises Unproven."""
        note, head = self.checkpoint()

        def page(start: int, end: int) -> Mapping[str, Any]:
            return self._read("/v1/audit/entries", start=start, end=end)

        return head.size, copy_log(note, head, page, directory)

    def estimate(
        self,
        sql: str,
        spend: Spend,
        *,
        licence: str | None = None,
        scenario: str | None = None,
        dataset: str | None = None,
        bounds: Asked | None = None,
        ranges: Literal["auto"] | None = None,
        expected_size: int | None = None,
        reuse: bool = True,
    ) -> Mapping[str, Any]:
        """What the query would cost and how exact it would be; free."""
        body = self._asked(sql, spend, licence, scenario, dataset, bounds, expected_size, ranges) | _fresh(reuse)
        response = self._send("POST", "/v1/estimates", _encoded(body), token_urlsafe(16))
        return _document(response)

    def query(
        self,
        sql: str,
        spend: Spend,
        *,
        licence: str | None = None,
        scenario: str | None = None,
        dataset: str | None = None,
        bounds: Asked | None = None,
        ranges: Literal["auto"] | None = None,
        expected_size: int | None = None,
        reuse: bool = True,
        idempotency_key: str | None = None,
    ) -> Answer:
        """The query's answer, charged once however often it had to be sent; not charged where earlier releases of the
        licence are as exact, unless `reuse` is not wanted.

        Raises Problem, Unreachable (with the idempotency key to go on with) and Unproven.
        """
        body = self._asked(sql, spend, licence, scenario, dataset, bounds, expected_size, ranges) | _fresh(reuse)
        sent, pauses = self._queried("/v1/queries", body, idempotency_key), chain(_POLLS, repeat(_POLLS[-1]))
        found = self._found(sent.response, sent)
        while isinstance(found, Pending):
            self._sleep(next(pauses))
            found = _own(self._found(self._charge(found.id), sent), found.id)
        return found

    def dry_run(
        self,
        sql: str,
        spend: Spend,
        *,
        licence: str | None = None,
        scenario: str | None = None,
        dataset: str | None = None,
        bounds: Asked | None = None,
        ranges: Literal["auto"] | None = None,
        expected_size: int | None = None,
    ) -> Answer:
        """What the query gives on dummy records, made from the card alone; free. Raises as `query` does."""
        body = self._asked(sql, spend, licence, scenario, dataset, bounds, expected_size, ranges) | {"dry_run": True}
        sent = self._queried("/v1/queries", body, None)
        return checked_dry_run(_document(sent.response), self._log_key, asked=sent.asked)

    def batch(
        self,
        queries: Sequence[str],
        spend: Spend,
        *,
        licence: str | None = None,
        scenario: str | None = None,
        dataset: str | None = None,
        bounds: Asked | None = None,
        expected_size: int | None = None,
        ranges: Literal["auto"] | None = None,
        reuse: bool = True,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> BatchAnswer:
        """The answers to several queries, planned together and charged once, all or none; raises as `query` does."""
        named = self._asked("", spend, licence, scenario, dataset, bounds, expected_size, ranges)
        body = _several(named, queries) | _fresh(reuse) | ({"dry_run": True} if dry_run else {})
        sent, pauses = self._queried("/v1/queries:batch", body, idempotency_key), chain(_POLLS, repeat(_POLLS[-1]))
        response = sent.response
        while response.status_code == 202:
            self._sleep(next(pauses))
            response = self._charge(str(_document(response)["id"]))
        found = checked_batch(
            _document(response), self._log_key, asked=sent.asked, repeat=sent.repeat, repeated=sent.proof
        )
        if len(found.answers) != len(queries):
            raise Unproven("not every query is answered")
        return found

    def estimate_batch(
        self,
        queries: Sequence[str],
        spend: Spend,
        *,
        licence: str | None = None,
        scenario: str | None = None,
        dataset: str | None = None,
        bounds: Asked | None = None,
        expected_size: int | None = None,
        ranges: Literal["auto"] | None = None,
        reuse: bool = True,
    ) -> Mapping[str, Any]:
        """What the queries would cost together, and how exact each would be; free."""
        named = self._asked("", spend, licence, scenario, dataset, bounds, expected_size, ranges)
        body = _several(named, queries) | _fresh(reuse)
        return _document(self._send("POST", "/v1/estimates:batch", _encoded(body), token_urlsafe(16)))

    def status(self, charge: str) -> Answer | BatchAnswer | Pending:
        """The state of an earlier query or batch."""
        response = self._charge(charge)
        if response.status_code == 200 and "answers" in _document(response):
            found = checked_batch(_document(response), self._log_key, asked=None, repeat=False, repeated=None)
            return _own(found, charge)
        return _own(self._found(response, None), charge)

    def _charge(self, charge: str) -> httpx2.Response:
        return self._send("GET", f"/v1/queries/{quote(charge, safe='')}")

    def _queried(self, path: str, body: Mapping[str, Any], idempotency_key: str | None) -> _Queried:
        """What comes of a query or batch."""
        encoded = _encoded(body)
        sent = self._sender.send("POST", path, encoded, idempotency_key or token_urlsafe(16))
        asked, proof = request_digest(HttpRequest("POST", path, "", (), encoded)), sent.response.headers.get(_PROOF)
        return _Queried(sent.response, asked, _repeats(sent, own=idempotency_key is None), proof)

    def _asked(
        self,
        sql: str,
        spend: Spend,
        licence: str | None,
        scenario: str | None,
        dataset: str | None,
        bounds: Asked | None,
        expected_size: int | None,
        ranges: Literal["auto"] | None,
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "licence": licence or self._settings.licence,
            "scenario": scenario or self._settings.scenario,
            "dataset": dataset or self._settings.dataset,
            "sql": sql,
            "spend": _exact(spend),
        }
        if bounds is not None:
            body["bounds"] = _bounds(bounds)
        if expected_size is not None:
            body["expected_size"] = expected_size
        if ranges is not None:
            body["ranges"] = ranges
        return body

    def _read(self, path: str, **query: int) -> Mapping[str, Any]:
        return _document(self._send("GET", f"{path}?{urlencode(query)}" if query else path))

    def _send(
        self, method: str, target: str, body: bytes | None = None, idempotency_key: str | None = None
    ) -> httpx2.Response:
        return self._sender.send(method, target, body, idempotency_key).response

    def _found(self, response: httpx2.Response, sent: _Queried | None) -> Answer | Pending:
        """The answer, to what was sent where that is known; it may be its first response or a later look."""
        document = _document(response)
        if response.status_code == 202:
            return Pending(str(document["id"]))
        asked, again, proof = (None, False, None) if sent is None else (sent.asked, sent.repeat, sent.proof)
        return checked_answer(document, self._log_key, asked=asked, repeat=again, repeated=proof)


def _repeats(sent: Sent, *, own: bool) -> bool:
    """Whether nothing was charged. What an `own` idempotency key finds that only this call has used was charged for it,
    by a sending whose response was lost."""
    headers = sent.response.headers
    return headers.get("vitrine-repeat") == "true" and not (own and sent.again and _PROOF not in headers)


def _own(found: Known, charge: str) -> Known:
    """What was found of this charge. Raises Unproven for another."""
    if found.id != charge:
        raise Unproven("the answer is for another query")
    return found


def _several(body: Mapping[str, Any], queries: Sequence[str]) -> dict[str, Any]:
    """The body with several queries in place of one."""
    return {name: value for name, value in body.items() if name != "sql"} | {"queries": list(queries)}


def _fresh(reuse: bool) -> dict[str, Any]:
    """What is said of earlier releases: nothing where they may be used."""
    return {} if reuse else {"reuse": False}


def _exact(spend: Spend) -> dict[str, object]:
    """Numbers as texts, which every reader takes exactly."""
    return {name: _exact(value) if isinstance(value, Mapping) else str(value) for name, value in spend.items()}


def _bounds(bounds: Asked) -> dict[str, Any] | str:
    match bounds:
        case "card":
            return bounds
        case Bounds(groups, rows):
            return {"groups": groups, "rows": rows}
        case ClipAt(norm):
            return "auto" if norm is None else {"clip": str(Decimal(norm.numerator) / norm.denominator)}


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, sort_keys=True).encode()


def _document(response: httpx2.Response) -> Mapping[str, Any]:
    """The JSON object of a good answer. Raises Problem."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Problem(response.status_code, {})
    if response.status_code >= 400 and "code" in document:
        raise Problem(response.status_code, document)
    return document
