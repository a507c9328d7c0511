"""The client: signs every request, sends it safely more than once, believes no answer that the log does not hold."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain, repeat
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
    Unreachable,
    checked_answer,
    checked_batch,
    checked_dry_run,
)
from query_gateway.client.settings import ClientSettings
from query_gateway.client.signing import sign
from sandbox.audit.checkpoint import Checkpoint, open_note
from sandbox.audit.merkle import Unverified
from sandbox.frames import HttpRequest, request_digest
from sandbox.keys import key_id, read_private_key
from sandbox.privacy.clip import ClipAt

_ATTEMPTS = 5
_BUSY = 503
_PAUSE = 0.5
"""Seconds before the second attempt; doubled for each further one."""
_POLLS = (0.25, 0.5, 1.0, 2.0, 5.0)
"""Seconds between looks at a query under way, the last for all further ones: each look is an entry of the log."""
_SECONDS = 330.0
"""The longest wait for one answer: more than the gateway's own for the sandbox."""

Known = TypeVar("Known", Answer, BatchAnswer, Answer | Pending)
Asked = Bounds | ClipAt | Literal["card"]
"""Bounds as a query names them; where it names none they are chosen privately."""
Spend = Mapping[str, str | Decimal | Mapping[str, str | Decimal]]
"""`{"epsilon": …}` or `{"rho": …}` as an exact decimal; or an accuracy, `{"half_width": …, "confidence": …}` or
`{"relative": …, "confidence": …}`, with `column`, `expected_value` and `at_most` (a spend) where wanted;
each with `weights` of columns too."""


class Client:
    """One person's access to the service. Refuses `key.unreadable` and `key.exposed` when made."""

    def __init__(
        self,
        settings: ClientSettings,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._key = read_private_key(settings.key)
        self._key_id = key_id(self._key.public_key())
        self._log_key = settings.log_public_key
        self._sleep = sleep
        context = ssl.create_default_context(cafile=settings.ca)
        self._http = httpx2.Client(base_url=settings.url, timeout=_SECONDS, transport=transport, verify=context)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    @property
    def key_id(self) -> str:
        """Id of the signing key, as the registry knows it."""
        return self._key_id

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
        try:
            return _document(self._http.get("/healthz"))
        except httpx2.TransportError:
            raise Unreachable(None) from None

    def checkpoint(self) -> tuple[str, Checkpoint]:
        """The newest signed note of the log and what it says. Raises Unproven."""
        note = self._read("/v1/audit/checkpoint").get("checkpoint")
        if not isinstance(note, str):
            raise Unproven("there is no checkpoint")
        try:
            return note, open_note(note, self._log_key)
        except Unverified as error:
            raise Unproven(str(error)) from None

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
        response, asked = self._queried("/v1/queries", body, idempotency_key)
        found = self._found(response, asked)
        proof = response.headers.get("vitrine-receipt")
        pauses = chain(_POLLS, repeat(_POLLS[-1]))
        while isinstance(found, Pending):
            self._sleep(next(pauses))
            found = self._status(found.id, asked, proof)
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
        response, asked = self._queried("/v1/queries", body, None)
        return checked_dry_run(_document(response), self._log_key, asked=asked)

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
        response, asked = self._queried("/v1/queries:batch", body, idempotency_key)
        repeated, pauses = response.headers.get("vitrine-receipt"), chain(_POLLS, repeat(_POLLS[-1]))
        again = response.headers.get("vitrine-repeat") == "true"
        while response.status_code == 202:
            self._sleep(next(pauses))
            response = self._charge(str(_document(response)["id"]))
        found = checked_batch(_document(response), self._log_key, asked=asked, repeat=again, repeated=repeated)
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

    def _status(self, charge: str, asked: str | None, repeated: str | None) -> Answer | Pending:
        return _own(self._found(self._charge(charge), asked, repeated), charge)

    def _charge(self, charge: str) -> httpx2.Response:
        return self._send("GET", f"/v1/queries/{quote(charge, safe='')}")

    def _queried(self, path: str, body: Mapping[str, Any], idempotency_key: str | None) -> tuple[httpx2.Response, str]:
        """The response to a query or batch, and the digest of what was signed, which the log names."""
        encoded = _encoded(body)
        response = self._send("POST", path, encoded, idempotency_key or token_urlsafe(16))
        return response, request_digest(HttpRequest("POST", path, "", (), encoded))

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
        """The response; a lost connection or a busy service is tried again, newly signed, under the same key."""
        response = None
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(_PAUSE * 2 ** (attempt - 1))
            try:
                response = self._http.send(self._signed(method, target, body, idempotency_key))
            except httpx2.TransportError:
                response = None
                continue
            if response.status_code != _BUSY:
                break
        if response is None or response.status_code == _BUSY:
            raise Unreachable(idempotency_key)
        return response

    def _signed(self, method: str, target: str, body: bytes | None, idempotency_key: str | None) -> httpx2.Request:
        request = self._http.build_request(method, target, content=body, headers={"accept": "application/json"})
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        headers = sign(
            method,
            self._settings.authority,
            path,
            query,
            body,
            self._key,
            self._key_id,
            idempotency_key,
            datetime.now(UTC),
            token_urlsafe(16),
        )
        request.headers.update(headers)
        if body is not None:
            request.headers["content-type"] = "application/json"
        return request

    def _found(self, response: httpx2.Response, asked: str | None, repeated: str | None = None) -> Answer | Pending:
        document = _document(response)
        if response.status_code == 202:
            return Pending(str(document["id"]))
        return checked_answer(
            document,
            self._log_key,
            asked=asked,
            repeat=response.headers.get("vitrine-repeat") == "true",
            repeated=response.headers.get("vitrine-receipt", repeated),
        )


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
