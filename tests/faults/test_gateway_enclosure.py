"""Who runs code in the gateway, even as the sandbox's user, reads no file of the state folder and starts nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from query_gateway.processes import children, module_command
from sandbox.confinement import landlock
from tests.support.deployment import free_port
from tests.support.fake_sandbox import fake_sandbox

ENCLOSED = """
import os, socket, subprocess, sys
from pathlib import Path
from query_gateway import enclosure
secret, door, port, act = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
if sys.argv[5] == "enclosed":
    enclosure.enclose()
try:
    exec(act)
except OSError:
    print("refused")
else:
    print("let through")
"""
ATTACKS = {
    "read a secret": "secret.read_bytes()",
    "list the folder": "list(secret.parent.iterdir())",
    "write beside it": "(secret.parent / 'made').write_text('x')",
    "overwrite it": "secret.open('r+b').close()",
    "remove a file": "(secret.parent / 'doomed').unlink()",
    "read it through a process": "Path(f'/proc/{os.getppid()}/root{secret}').read_bytes()",
    "read the machine's users": "Path('/etc/passwd').read_bytes()",
    "read another's memory": "os.close(os.open(f'/proc/{os.getppid()}/mem', os.O_RDONLY))",
    "run a program": "subprocess.run(['/bin/true'], check=True)",
    "run the interpreter": "os.execv(sys.executable, [sys.executable, '-c', 'print(\"let through\")'])",
    "connect elsewhere": "socket.create_connection(('127.0.0.1', port), 5).close()",
    "listen elsewhere": "socket.create_server(('127.0.0.1', 0)).close()",
}
ROOTS = {
    "give a file away": "os.chown(secret, 4242, 4242)",
    "become another user": "os.setresuid(4242, 4242, 4242)",
    "come before everybody": "os.setpriority(os.PRIO_PROCESS, 0, -10)",
}
"""What only root could do."""
NEEDED = {
    "code of ours": "Path(enclosure.__file__).read_bytes()",
    "a module that was not loaded yet": "import wave",
    "the sandbox's socket": "socket.socket(socket.AF_UNIX).connect(door)",
}


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[str, str, str]]:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as door:
        secret = Path(folder) / "keys" / "log.pem"
        secret.parent.mkdir()
        secret.write_text("key")
        (secret.parent / "doomed").touch()
        door.bind(f"{folder}/s")
        door.listen(64)
        with socket.create_server(("127.0.0.1", 0), backlog=64) as other:
            yield str(secret), f"{folder}/s", str(other.getsockname()[1])


def carried_out(place: tuple[str, str, str], act: str, *, enclosed: bool) -> str:
    command = [sys.executable, "-W", "ignore", "-c", ENCLOSED, *place, act, "enclosed" if enclosed else "open"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@pytest.mark.skipif(landlock.version() < 4, reason="this kernel's Landlock knows no TCP")
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_nothing(place: tuple[str, str, str], name: str) -> None:
    assert carried_out(place, ATTACKS[name], enclosed=True) == "refused"
    if os.geteuid() == 0:  # others may be kept from some by the machine itself
        assert carried_out(place, ATTACKS[name], enclosed=False) == "let through", "the attack is none"
    (Path(place[0]).parent / "doomed").touch()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has powers to lose")
@pytest.mark.parametrize("name", ROOTS)
def test_root_has_no_powers(place: tuple[str, str, str], name: str) -> None:
    assert carried_out(place, ROOTS[name], enclosed=True) == "refused"


@pytest.mark.parametrize("name", NEEDED)
def test_what_it_needs_is_there(place: tuple[str, str, str], name: str) -> None:
    assert carried_out(place, NEEDED[name], enclosed=True) == "let through"


def test_a_serving_gateway_is_enclosed(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with fake_sandbox(tmp_path) as fake, children() as running:
        running.start("gateway", module_command("query_gateway", "--socket", str(fake.socket), "--listen", address))
        running.wait_ready(f"http://{address}/healthz", 60)
        [each] = running._running
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{each.process.pid}/status").read_text().splitlines()
            if ":\t" in line
        )
    assert status["NoNewPrivs"] == "1"
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
