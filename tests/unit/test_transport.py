"""The gateway listens beyond this host only with TLS, or when told that a proxy speaks it."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path

import pytest

from query_gateway.__main__ import _arguments
from query_gateway.listening import Listening
from query_gateway.transport import tls
from sandbox.hosts import is_this_host
from tests.support.certificates import certificate


def arguments(monkeypatch: pytest.MonkeyPatch, *words: str) -> Listening | None:
    """Where the gateway listens; None where that is refused."""
    monkeypatch.setattr(sys, "argv", ["gateway", "--socket", "s", *words])
    try:
        found: Listening = _arguments().listening
    except SystemExit:
        return None
    return found


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "[::1]", "localhost", ""])
def test_on_this_host_it_needs_no_tls(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    found = arguments(monkeypatch, "--listen", f"{host}:8080")
    assert found is not None
    assert found.tls is None
    assert is_this_host(found.host)


@pytest.mark.parametrize("host", ["[::]", "192.0.2.1", "gateway.example", "127.0.0.1.example", "*"])
def test_beyond_this_host_it_needs_tls_or_a_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str) -> None:
    listen = ("--listen", f"{host}:8080")
    assert arguments(monkeypatch, *listen) is None
    assert arguments(monkeypatch, *listen, "--behind-proxy") is not None
    chain, key = certificate(tmp_path)
    found = arguments(monkeypatch, *listen, "--tls-cert", str(chain), "--tls-key", str(key))
    assert found is not None
    assert isinstance(found.tls, ssl.SSLContext)


def test_tls_files_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    chain, key = certificate(tmp_path)
    key.chmod(0o604)
    given = ("--tls-cert", str(chain), "--tls-key", str(key))
    assert arguments(monkeypatch, *given) is None  # all can read the key
    key.chmod(0o600)
    assert arguments(monkeypatch, *given) is not None
    assert arguments(monkeypatch, *given[:2]) is None
    assert arguments(monkeypatch, "--tls-cert", str(key), "--tls-key", str(chain)) is None
    assert arguments(monkeypatch, "--tls-cert", str(tmp_path / "none"), "--tls-key", str(key)) is None


def test_only_authenticated_encryption_with_forward_secrecy(tmp_path: Path) -> None:
    chain, key = certificate(tmp_path)
    context = tls(chain, key)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    for cipher in context.get_ciphers():
        assert cipher["aead"], cipher["name"]
        assert cipher["kea"] in ("kx-ecdhe", "kx-any"), cipher["name"]
