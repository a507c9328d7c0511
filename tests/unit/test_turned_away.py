"""A request by nobody leaves no leaf, and is told to the operator by code and claimed key alone."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sandbox.serving.door import Door
from sandbox.serving.frames import HttpRequest
from tests.unit.test_identity import AUTHORITY, ID, signed

DOOR = Door(
    cast(
        "Any",
        SimpleNamespace(registry=SimpleNamespace(signer=lambda _: None), settings=SimpleNamespace(authority=AUTHORITY)),
    ),
    cast("Any", None),
    cast("Any", SimpleNamespace(knock=lambda: 0)),
)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (signed(), f"turned away: identity.unknown_key, key {ID}"),
        (HttpRequest("GET", "/v1/catalogue", "", (), b""), "turned away: identity.unsigned, key unknown"),
        (
            HttpRequest(
                "GET", "/\n2026 forged", "", (("signature-input", 's=();keyid="\x1b[2J"'), ("signature", "s")), b""
            ),
            "turned away: identity.signature, key unknown",
        ),
    ],
)
def test_it_is_told(caplog: pytest.LogCaptureFixture, request_: HttpRequest, told: str) -> None:
    with caplog.at_level(logging.WARNING, "vitrine.door"):
        assert DOOR.handle(request_).status == 401
    assert caplog.messages == [told]
