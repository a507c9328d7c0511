"""The served processes: TLS, ports, and that they end when they are told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from query_gateway.client.answers import Unreachable
from query_gateway.client.session import Client
from query_gateway.client.settings import ClientSettings
from query_gateway.processes import Ended, children, module_command
from sandbox.keys import make_private_key
from tests.support.certificates import certificate
from tests.support.deployment import EXAMPLE, free_port
from tests.support.fake_sandbox import answer, fake_sandbox
from tests.support.released import LOG
from tests.support.starters import children_of, command_of, descendants, lives

READY = 120.0


def until(happens: float, what: str) -> Iterator[None]:
    """Goes round until the time is over."""
    end = time.monotonic() + happens
    while time.monotonic() < end:
        yield
        time.sleep(0.05)
    pytest.fail(f"{what} not in {happens:.0f} s")


NEGOTIATED = [
    (ssl.TLSVersion.TLSv1_3, None, "TLSv1.3"),
    (ssl.TLSVersion.TLSv1_2, "ECDHE+AESGCM", "TLSv1.2"),
    (ssl.TLSVersion.TLSv1_2, "ECDHE+AES+SHA384:!AESGCM", None),  # no authenticated encryption
    (ssl.TLSVersion.TLSv1_2, "kRSA+AESGCM", None),  # no forward secrecy
]


def negotiated(address: str, chain: Path, version: ssl.TLSVersion, cipher: str | None) -> str | None:
    """What is spoken with a client that offers this alone; None when they have nothing in common."""
    context = ssl.create_default_context(cafile=chain)
    context.minimum_version = context.maximum_version = version
    if cipher is not None:
        context.set_ciphers(cipher)
    host, _, port = address.partition(":")
    try:
        with socket.create_connection((host, int(port))) as raw, context.wrap_socket(raw, server_hostname=host) as made:
            spoken: str | None = made.version()
            return spoken
    except (ssl.SSLError, ConnectionError):
        return None


def test_gateway_speaks_tls(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    chain, private = certificate(tmp_path)
    make_private_key(tmp_path / "person.pem")
    settings = ClientSettings(f"https://{address}", address, tmp_path / "person.pem", str(LOG.public), chain)
    with fake_sandbox(tmp_path) as fake, children() as running:
        fake.respond = lambda _: answer({"datasets": []})
        options = ("--tls-cert", str(chain), "--tls-key", str(private), "--log-requests")
        command = module_command("query_gateway", "--socket", str(fake.socket), "--listen", address, *options)
        running.start("gateway", command, tmp_path / "log")
        with Client(settings) as client:
            for _ in until(READY, "health"):
                running.check()
                try:
                    assert client.health() == {"gateway": "ok", "sandbox": "ok"}
                    break
                except Unreachable:
                    continue
            assert client.catalogue() == {"datasets": []}
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"https://{address}/healthz")  # a certificate that nobody else trusts
        trusting = ssl.create_default_context(cafile=chain)
        headers = httpx2.get(f"https://{address}/healthz", verify=trusting).headers
        assert "server" not in headers
        assert headers["strict-transport-security"].startswith("max-age=63072000")
        for version, cipher, spoken in NEGOTIATED:
            assert negotiated(address, chain, version, cipher) == spoken
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    told = {"method": "GET", "route": "/v1/catalogue", "status": 200}
    assert any(told.items() <= line.items() for line in lines)


@contextmanager
def serving(state: Path, address: str) -> Iterator[subprocess.Popen[bytes]]:
    """`vitrine serve`, which starts both sides."""
    command = [sys.executable, "-c", "from query_gateway.cli import main; main()", "serve"]
    process = subprocess.Popen([*command, "--state", str(state), "--listen", address], stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with nothing in it but keys and policies."""
    folder = tmp_path_factory.mktemp("serve") / "state"
    named = ("--authority", "vitrine.example", "--origin", "test.example/log", "--tick", "20", "--state", str(folder))
    subprocess.run(module_command("sandbox", "init", *named, "--policies", str(EXAMPLE / "policy")), check=True)
    return folder


def _health(address: str) -> int | None:
    """The status of the health check; None while nobody listens."""
    try:
        return httpx2.get(f"http://{address}/healthz").status_code
    except httpx2.TransportError:
        return None


def _come_up(process: subprocess.Popen[bytes], address: str) -> None:
    for _ in until(READY, "health"):
        assert process.poll() is None
        if _health(address) == 200:
            break


def _side(process: int, module: str) -> int:
    """The child that runs a module."""
    (found,) = (each for each in children_of(process) if f"-m {module}" in command_of(each))
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_with_everything_it_started(state: Path, number: int) -> None:
    address = f"127.0.0.1:{free_port()}"
    with serving(state, address) as process:
        _come_up(process, address)
        started = descendants(process.pid)
        assert len(started) >= 2
        process.send_signal(number)
        assert process.wait(READY) == 128 + number
    assert not [each for each in started if Path(f"/proc/{each}").exists()]
    assert not (state / "sandbox.sock").exists()


def test_serve_starts_again_what_is_killed(state: Path) -> None:
    """The other side stays as it was."""
    address = f"127.0.0.1:{free_port()}"
    with serving(state, address) as process:
        _come_up(process, address)
        for killed, other in (("sandbox", "query_gateway"), ("query_gateway", "sandbox")):
            before, beside = _side(process.pid, killed), _side(process.pid, other)
            os.kill(before, signal.SIGKILL)
            for _ in until(READY, "another process"):
                if not lives(before) and _health(address) == 200:
                    break
            assert _side(process.pid, killed) != before
            assert _side(process.pid, other) == beside
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=READY)
    for name in ("sandbox", "gateway"):
        assert f"{name} was killed by signal 9 and is started again" in said.decode()


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("", "short ended with status 0"),
        ("raise SystemExit(1)", "short ended with status 1"),
        ("import os; os.kill(os.getpid(), 15)", "short ended with status -15"),
        ("import os; os.kill(os.getpid(), 9)", "short was killed 6 times in 3600 s"),
    ],
    ids=["by itself", "refusing", "told to", "killed again and again"],
)
def test_one_side_that_ends_ends_the_other(monkeypatch: pytest.MonkeyPatch, ending: str, said: str) -> None:
    monkeypatch.setattr("query_gateway.processes._WHILE", 3600.0)  # however slow the machine
    with children() as running:
        running.start("long", [sys.executable, "-c", "import time; time.sleep(600)"])
        running.start("short", [sys.executable, "-S", "-c", ending])
        long = running._running[0].process
        with pytest.raises(Ended, match=said):
            running.keep()
    assert long.returncode == -signal.SIGTERM


def test_what_ignores_the_request_to_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("query_gateway.processes._GRACE", 0.2)
    ready = tmp_path / "ready"
    stubborn = f"import signal, time; signal.signal(15, signal.SIG_IGN); open({str(ready)!r}, 'w'); time.sleep(600)"
    with children() as running:
        running.start("stubborn", [sys.executable, "-c", stubborn])
        process = running._running[0].process
        for _ in until(READY, "start"):
            if ready.exists():
                break
    assert process.returncode == -signal.SIGKILL


def test_service_that_is_not_ready_in_time() -> None:
    with children() as running, pytest.raises(Ended, match="was not ready"):
        running.wait_ready(f"http://127.0.0.1:{free_port()}/healthz", 0.1)


def test_signal_ends_the_block_and_is_ours_no_longer() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit), children():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


PLANTED = (
    "json",
    "logging",
    "structlog",
    "sqlalchemy",
    "duckdb",
    "typer",
    "uvicorn",
    "policies",
    "sandbox",
    "query_gateway",
)
"""Modules that lie in a folder: of a data provider's, say."""
COMMANDS = {
    "the operator's": ("licence", "list"),
    "a load": ("dataset", "load", "health", "records.csv"),
    "the service": ("serve", "sandbox"),
    "the gateway": ("serve", "gateway", "--help"),
    "both": ("serve", "--listen", "127.0.0.1:1"),
    "a verification": ("audit", "verify", "log", "--log-key", "k"),
    "the client": ("key", "new", "k.pem"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_module_of_the_current_folder_is_run(tmp_path: Path, name: str) -> None:
    for module in PLANTED:
        (tmp_path / f"{module}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w').close()")
    vitrine = Path(sys.executable).with_name("vitrine")
    environment = {"VITRINE_STATE": str(tmp_path / "none"), "PATH": "/usr/bin", "LANG": "C.UTF-8"}
    subprocess.run([vitrine, *COMMANDS[name]], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert not (tmp_path / "run").exists()
