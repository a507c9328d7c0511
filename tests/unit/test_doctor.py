"""What `vitrine doctor` says of a machine, and what `serve` does about it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.confinement import machine
from sandbox.confinement.layers import Layer, mandatory, named
from sandbox.errors import Refusal
from sandbox.settings import write_settings
from sandbox.state import StateFolder
from sandbox.upkeep import doctor
from tests.support.postgres import Server
from tests.support.served_state import SETTINGS


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    tmp_path.chmod(0o700)
    write_settings(tmp_path, SETTINGS)
    return StateFolder(tmp_path)


def wells(state: StateFolder) -> dict[object, object]:
    return {row["check"]: row["well"] for row in doctor.examine(state)}


def without_layers(monkeypatch: pytest.MonkeyPatch, *layers: Layer) -> None:
    left = machine.found() - set(layers)
    for module in (machine, doctor):
        monkeypatch.setattr(module, "found", lambda: left)


def test_a_fit_machine(state: StateFolder) -> None:
    found = wells(state)
    assert all(found.values()), found
    assert {f"layer {layer}" for layer in Layer} <= found.keys()


@pytest.mark.parametrize("layer", [Layer.FILES, Layer.CALLS])
def test_a_mandatory_layer_is_given_up_by_name_only(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch, layer: Layer
) -> None:
    without_layers(monkeypatch, layer)
    assert wells(state)[f"layer {layer}"] is False
    with pytest.raises(Refusal) as caught:
        machine.chosen("")
    assert (caught.value.code, caught.value.detail) == ("settings.unconfined", {"layers": layer})
    with pytest.raises(Refusal):
        machine.chosen("namespaces")
    write_settings(state.path, {**SETTINGS, "without_layers": str(layer)})
    assert wells(StateFolder(state.path))[f"layer {layer}"] is True
    assert layer not in machine.chosen(str(layer))


def test_an_optional_layer_may_be_missing(state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    without_layers(monkeypatch, Layer.NAMESPACES)
    assert wells(state)[f"layer {Layer.NAMESPACES}"] is True
    assert machine.chosen("") == machine.found()
    assert mandatory() <= machine.chosen("")


def test_a_layer_that_is_none_is_refused() -> None:
    assert named("files  calls") == {Layer.FILES, Layer.CALLS}
    with pytest.raises(Refusal) as caught:
        named("files firewall")
    assert caught.value.code == "settings.invalid"


def test_a_folder_that_others_can_read_is_not_well(state: StateFolder) -> None:
    state.path.chmod(0o755)
    assert wells(state)["state folder"] is False


def test_the_command(state: StateFolder) -> None:
    command = [sys.executable, "-m", "sandbox", "doctor", "--state", str(state.path)]
    told = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout
    assert {row["check"] for row in json.loads(told)} == wells(state).keys()
    state.path.chmod(0o755)
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.returncode == 1
    assert "NO" in shown.stdout


def test_a_postgresql_whose_commits_may_be_lost_is_not_well(state: StateFolder, server: Server) -> None:
    with server.made("") as url:
        write_settings(state.path, {**SETTINGS, "database": url})
        assert wells(state)["PostgreSQL"] is True
        with server.configured("fsync", "off"):
            assert wells(state)["PostgreSQL"] is False
    assert wells(state)["PostgreSQL"] is False  # there is none any more
