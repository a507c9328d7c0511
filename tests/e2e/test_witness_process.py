"""A witness as a process of its own: made, served, asked over HTTP, killed and started again."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import httpx2

from query_gateway.processes import children, module_command
from sandbox.audit.notes import Note, NoteKey, parse_lines
from sandbox.audit.tree_head import Checkpoint
from tests.support.deployment import free_port
from tests.unit.test_witness import LOG, TREE

READY = 60.0


def test_it_cosigns_growth_and_remembers_when_it_was_killed(tmp_path: Path) -> None:
    folder, address = tmp_path / "witness", f"127.0.0.1:{free_port()}"
    made = subprocess.run(
        module_command("query_gateway.witness", "init", str(folder), "--name", "witness.test/w"),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    keys = [NoteKey.parse(line) for line in made.splitlines()]
    assert (folder / "witness.pub").read_text() == made
    assert {(folder / name).stat().st_mode & 0o777 for name in ("ed25519.pem", "ml-dsa.pem")} == {0o600}
    (folder / "logs" / "one.pub").write_text(f"{LOG.public}\n")
    command = module_command("query_gateway.witness", "serve", str(folder), "--listen", address)
    url = f"http://{address}"
    with children() as running:
        running.start("witness", command, tmp_path / "log")
        running.wait_ready(f"{url}/healthz", READY)
        assert httpx2.get(f"{url}/checkpoint", params={"origin": LOG.name}).status_code == 404
        answer = httpx2.post(f"{url}/add-checkpoint", content=TREE.submission(0, 20))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        signed = Note(TREE.checkpoint(20).text(), parse_lines(answer.text))
        assert all(signed.of(key) for key in keys)
        newest = httpx2.get(f"{url}/checkpoint", params={"origin": LOG.name}).text
        assert Checkpoint.parse(Note.parse(newest).text) == TREE.checkpoint(20)
        assert httpx2.post(f"{url}/add-checkpoint", content=b"x" * 200_000).status_code == 413
        assert httpx2.get(f"{url}/add-checkpoint").status_code == 405
        (process,) = running._running
        process.process.send_signal(signal.SIGKILL)
        process.process.wait()
    with children() as running:
        running.start("witness", command, tmp_path / "log")
        running.wait_ready(f"{url}/healthz", READY)
        conflict = httpx2.post(f"{url}/add-checkpoint", content=TREE.submission(0, 33))
        assert (conflict.status_code, conflict.text) == (409, "20\n")
        assert conflict.headers["content-type"] == "text/x.tlog.size"
        assert httpx2.post(f"{url}/add-checkpoint", content=TREE.submission(20, 33)).status_code == 200


def test_what_cannot_be_served_is_said_in_a_line(tmp_path: Path) -> None:
    """No stack trace for a folder that is none, a bad name, keys made twice, or an address beyond this host."""

    def told(*arguments: str) -> str:
        command = module_command("query_gateway.witness", *arguments)
        found = subprocess.run(command, check=False, capture_output=True, text=True)
        assert (found.returncode, found.stderr.count("\n")) == (1, 1)
        return found.stderr

    folder = str(tmp_path / "w")
    assert "No such file" in told("serve", folder)
    assert "malformed" in told("init", folder, "--name", "a b")
    subprocess.run(module_command("query_gateway.witness", "init", folder, "--name", "w.test"), check=True)
    assert "already" in told("init", folder, "--name", "w.test")
    assert "beyond this host" in told("serve", folder, "--listen", "0.0.0.0:1")
    assert "go together" in told("serve", folder, "--tls-cert", "chain.pem")
