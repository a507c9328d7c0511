"""The client sends again what was lost: at every stage, under the same idempotency key, within its patience."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from query_gateway.client import sending
from query_gateway.client.answers import Problem, Unreachable
from query_gateway.client.sending import PATIENCE
from query_gateway.client.session import Client
from query_gateway.client.settings import ClientSettings
from sandbox.keys import make_private_key
from tests.support.dropping import Dropping, Response, Stage, dropping
from tests.support.released import BODY, LOG, asked, released, released_batch, repeated

SPEND = {"epsilon": "0.5"}
UNREACHABLE = {"code": "service.unreachable", "status": 503, "detail_en": "no", "detail_zh": "不"}
TOO_MANY = {"code": "service.busy", "status": 429, "detail_en": "too many", "detail_zh": "过多"}
ANSWER = Response(released())
OWN = Response(released(), headers={"vitrine-repeat": "true"})
"""What the same idempotency key finds when it is sent a second time."""


@pytest.fixture
def settings(tmp_path: Path) -> ClientSettings:
    key = tmp_path / "key.pem"
    make_private_key(key)
    return ClientSettings("http://gateway:1", "vitrine.example", key, str(LOG.public), None, "L", "S", "D")


class Sleeper:
    """Keeps how long the client would have slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)

    def assert_jittered(self, number: int) -> None:
        """Each pause is between half of its length and the whole, which doubles."""
        assert len(self.slept) == number
        for tries, pause in enumerate(self.slept):
            most = min(8.0, 0.5 * 2**tries)
            assert most / 2 <= pause < most


@pytest.mark.parametrize("stage", Stage)
def test_lost_at_a_stage_it_is_sent_again_and_charged_once(
    settings: ClientSettings, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    """Two losses, then the answer that the key finds: it was paid for by this call, and the client says so."""
    if stage is Stage.SILENT:
        monkeypatch.setattr(sending, "_SECONDS", 0.2)
    sleeper = Sleeper()
    with (
        dropping(stage, stage, ANSWER if stage is Stage.ACCEPTED else OWN) as server,
        Client(replace(settings, url=server.url), sleep=sleeper) as client,
    ):
        answer = client.query("SELECT 1", SPEND)
    assert answer.rows
    assert not answer.repeat
    tries = len(sleeper.slept)
    assert tries == 2 or (stage is Stage.SILENT and tries > 2)  # on a busy machine the answer may be late as well
    sleeper.assert_jittered(tries)
    assert server.connections == tries + 1
    assert len(server.asked) == (1 if stage in {Stage.ACCEPTED, Stage.HALF_ASKED} else tries + 1)
    assert len({each.headers["idempotency-key"] for each in server.asked}) == 1
    assert len({each.headers["signature-input"] for each in server.asked}) == len(server.asked)  # nonces are used once
    assert len({each.body for each in server.asked}) == 1


@pytest.mark.parametrize(
    "lost",
    [
        Response(UNREACHABLE, 503, {"retry-after": "1"}),
        Response(TOO_MANY, 429, {"retry-after": "1"}),
        Response("<html>", 502),
        Response("<html>", 504),
    ],
    ids=lambda response: str(response.status),
)
def test_passing_status_is_tried_again(settings: ClientSettings, lost: Response) -> None:
    sleeper = Sleeper()
    with dropping(lost, lost, ANSWER) as server, Client(replace(settings, url=server.url), sleep=sleeper) as client:
        client.query("SELECT 1", SPEND)
        client.health()
    assert len({each.headers.get("idempotency-key") for each in server.asked[:3]}) == 1
    assert all(pause >= 1 for pause in sleeper.slept) or "retry-after" not in lost.headers
    assert len(sleeper.slept) == 2


def test_refused_connection_is_tried_until_somebody_listens(settings: ClientSettings) -> None:
    """As while both sides are started again: nobody has seen the request."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    slept: list[float] = []
    with ExitStack() as stack:

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 3:
                server.append(stack.enter_context(dropping(ANSWER, port=port)))

        server: list[Dropping] = []
        with Client(replace(settings, url=f"http://127.0.0.1:{port}"), sleep=sleep) as client:
            assert not client.query("SELECT 1", SPEND).repeat
        assert len(server[0].asked) == 1
    assert len(slept) == 3


def transport(*responses: httpx2.Response | Exception) -> tuple[httpx2.MockTransport, list[httpx2.Request]]:
    """Answers in turn, the last one for ever."""
    left, seen = list(responses), list[httpx2.Request]()

    def respond(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, Exception):
            raise found
        return found

    return httpx2.MockTransport(respond), seen


@pytest.mark.parametrize(
    "lost",
    [httpx2.ConnectError("x"), httpx2.ReadTimeout("x"), httpx2.Response(503, json=UNREACHABLE)],
    ids=["refused", "silent", "503"],
)
def test_lost_for_good_it_names_the_key_to_go_on_with_and_ends(
    settings: ClientSettings, lost: httpx2.Response | Exception
) -> None:
    sleeper = Sleeper()
    found, seen = transport(lost)
    with Client(settings, found, sleeper) as client, pytest.raises(Unreachable) as raised:
        client.query("SELECT 1", SPEND, idempotency_key="mine")
    assert raised.value.idempotency_key == "mine"
    assert {request.headers["idempotency-key"] for request in seen} == {"mine"}
    sleeper.assert_jittered(len(seen) - 1)
    assert sum(sleeper.slept) <= PATIENCE
    assert sum(sleeper.slept) > PATIENCE - 8


def test_without_patience_it_is_sent_once(settings: ClientSettings) -> None:
    sleeper = Sleeper()
    found, seen = transport(httpx2.ConnectError("x"))
    with Client(settings, found, sleeper, patience=0) as client, pytest.raises(Unreachable):
        client.catalogue()
    assert (len(seen), sleeper.slept) == (1, [])


def test_who_is_told_to_come_back_later_than_the_patience_lasts_is_not_kept_waiting(settings: ClientSettings) -> None:
    sleeper = Sleeper()
    found, seen = transport(httpx2.Response(429, json=TOO_MANY, headers={"retry-after": "3600"}))
    with Client(settings, found, sleeper) as client, pytest.raises(Problem) as raised:
        client.query("SELECT 1", SPEND)
    assert (len(seen), sleeper.slept, raised.value.status) == (1, [], 429)


def test_refused_for_good_after_a_loss_it_names_the_key(settings: ClientSettings) -> None:
    """The first sending may have been charged: the refusal of the second does not say."""
    found, _ = transport(httpx2.ReadError("x"), httpx2.Response(429, json=TOO_MANY, headers={"retry-after": "3600"}))
    with Client(settings, found, Sleeper()) as client, pytest.raises(Unreachable) as raised:
        client.query("SELECT 1", SPEND, idempotency_key="mine")
    assert raised.value.idempotency_key == "mine"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
def test_what_is_refused_is_not_sent_again(settings: ClientSettings, status: int) -> None:
    sleeper = Sleeper()
    found, seen = transport(httpx2.Response(status, json=UNREACHABLE | {"status": status}))
    with Client(settings, found, sleeper) as client, pytest.raises(Problem):
        client.query("SELECT 1", SPEND)
    assert (len(seen), sleeper.slept) == (1, [])


@pytest.mark.parametrize("word", ["-1", "1.5", "Wed, 25 Nov 2026 10:00:00 GMT", "٣", "9" * 40, ""])
def test_a_strange_retry_after_is_passed_over(settings: ClientSettings, word: str) -> None:
    sleeper = Sleeper()
    headers = [(b"retry-after", word.encode())]
    found, _ = transport(httpx2.Response(503, json=UNREACHABLE, headers=headers), httpx2.Response(200, json={}))
    with Client(settings, found, sleeper) as client:
        client.catalogue()
    sleeper.assert_jittered(1)


def test_repeat_is_told_from_what_this_call_paid_for(settings: ClientSettings) -> None:
    """A repeat of an earlier question has an entry of its own, also after a loss; a key that the caller names may have
    been used before."""
    other = {"vitrine-repeat": "true", "vitrine-receipt": repeated(asked(BODY))}
    cases = {
        (True, None): httpx2.Response(200, json=released(message="cd" * 32), headers=other),
        (True, "mine"): httpx2.Response(200, json=released(), headers={"vitrine-repeat": "true"}),
        (False, None): httpx2.Response(200, json=released(), headers={"vitrine-repeat": "true"}),
    }
    for (repeat, key), response in cases.items():
        found, _ = transport(httpx2.ReadError("x"), response)
        with Client(settings, found, Sleeper()) as client:
            assert client.query("SELECT 1", SPEND, idempotency_key=key).repeat is repeat
    two = {**{name: each for name, each in BODY.items() if name != "sql"}, "queries": ["SELECT 1", "SELECT 2"]}
    batch = httpx2.Response(200, json=released_batch(2, two), headers={"vitrine-repeat": "true"})
    found, _ = transport(httpx2.ReadError("x"), batch)
    with Client(settings, found, Sleeper()) as client:
        assert not any(each.repeat for each in client.batch(two["queries"], SPEND).answers)


def test_repeat_under_way_is_told_when_it_ends(settings: ClientSettings) -> None:
    other = {"vitrine-repeat": "true", "vitrine-receipt": repeated(asked(BODY))}
    under_way = httpx2.Response(202, json={"id": "c" * 32, "state": "authorized"}, headers=other)
    found, _ = transport(under_way, httpx2.Response(200, json=released(message="cd" * 32)))
    with Client(settings, found, Sleeper()) as client:
        assert client.query("SELECT 1", SPEND).repeat


def test_a_connection_closed_while_idle_costs_one_pause(settings: ClientSettings) -> None:
    """A gateway that was started again knows nothing of the connections of before."""
    sleeper = Sleeper()
    with dropping(Response({})) as server, Client(replace(settings, url=server.url), sleep=sleeper) as client:
        client.catalogue()
        client.catalogue()
    assert len(server.asked) == 2
    assert len(sleeper.slept) <= 1
