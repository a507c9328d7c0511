"""The command's own rules: what it takes, what becomes the sandbox's, how it fails."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import httpx2
import pytest

from query_gateway import cli, operation
from query_gateway.client.answers import Unproven, Unreachable
from query_gateway.client.session import Client
from query_gateway.client.settings import NAMES
from query_gateway.spending import Asked
from sandbox.__main__ import _parser
from sandbox.keys import key_id, read_private_key, read_public_key
from tests.support.released import LOG

Vitrine = Callable[..., tuple[int, str, str]]


@pytest.fixture
def vitrine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Vitrine:
    """Runs the command in this process, in a folder of its own and with nothing set."""
    for name in NAMES:
        monkeypatch.delenv(f"VITRINE_{name.upper()}", raising=False)
    for name, value in {"XDG_CONFIG_HOME": str(tmp_path), "LC_ALL": "C", "COLUMNS": "100"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, text: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["vitrine", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return run


def test_key_new_makes_a_pair_that_fits(vitrine: Vitrine, tmp_path: Path) -> None:
    status, shown, _ = vitrine("key", "new", "me.pem", "--json")
    private = read_private_key(tmp_path / "me.pem")
    assert (status, json.loads(shown)["key"]) == (0, key_id(private.public_key()))
    assert read_public_key(tmp_path / "me.pem.pub") == private.public_key()
    status, _, said = vitrine("--lang", "zh", "key", "new", "me.pem")
    assert (status, said) == (1, "key.exists  文件 me.pem 已存在。\n")


@pytest.mark.parametrize("name", operation._COMMANDS)
def test_operators_command_becomes_the_sandboxs(vitrine: Vitrine, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    became: list[tuple[str, list[str]]] = []

    def become(module: str, arguments: list[str], _: str) -> NoReturn:
        became.append((module, arguments))
        raise SystemExit(0)

    monkeypatch.setattr(operation, "become", become)
    vitrine(*name.split(), "--state", "there", "--help", "-x", "argument")
    assert became == [("sandbox", [*name.split(), "--state", "there", "--help", "-x", "argument"])]
    with pytest.raises(SystemExit) as ended:
        _parser().parse_args([*name.split(), "--help"])
    assert ended.value.code == 0  # the sandbox has such a command


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("query", "SELECT 1"), "--epsilon or --rho"),
        (("query", "SELECT 1", "--epsilon", "1", "--rho", "1"), "--epsilon or --rho"),
        (("query", "SELECT 1", "-f", "x.sql", "--rho", "1"), "not both"),
        (("estimate", "SELECT 1", "--rho", "1", "--groups", "1"), "go together"),
        (("query", "SELECT 1", "--rho", "1", "--rows", "0", "--groups", "1"), "--rows"),
        (("estimate", "SELECT 1", "--rho", "1", "--weight", "n"), "--weight is a column, = and a number"),
        (("--lang", "fr", "catalogue"), "zh or en"),
        (("nonsense",), "nonsense"),
    ],
)
def test_command_that_is_not_understood(
    vitrine: Vitrine, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    for name, value in {"URL": "https://h:1", "LOG_KEY": str(LOG.public), "KEY": "me.pem"}.items():
        monkeypatch.setenv(f"VITRINE_{name}", value)
    vitrine("key", "new", "me.pem")
    status, _, error = vitrine(*arguments)
    assert status == 2
    assert said in error


def test_weights_of_columns_stand_in_the_spend() -> None:
    """A column's name may hold an equals sign: the last one is the option's."""
    asked = Asked("0.5", None, None, None, "0.95", None, None, ["n=4", "a = b=0.5"])
    assert asked.spend() == {"epsilon": "0.5", "weights": {"n": "4", "a = b": "0.5"}}
    assert Asked("0.5", None, None, None, "0.95", None, None, None).spend() == {"epsilon": "0.5"}


def test_missing_setting_is_named(vitrine: Vitrine) -> None:
    status, _, said = vitrine("catalogue")
    assert status == 2
    assert "url is not set: give --url, VITRINE_URL" in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unreachable("once"), "--idempotency-key once"),
        (Unreachable(None), "cannot be reached"),
        (Unproven("the receipt is for another query"), "it does not stand in the log"),
    ],
)
def test_answer_that_did_not_come_or_is_not_believed(
    vitrine: Vitrine, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    vitrine("key", "new", "me.pem")
    monkeypatch.setattr(Client, "query", fail)
    given = ("--url", "https://h:1", "--log-key", str(LOG.public), "--key", "me.pem")
    status, shown, failed = vitrine(*given, "query", "SELECT 1", "--rho", "1")
    assert (status, shown) == (3, "")
    assert said in " ".join(failed.split())


def test_sql_comes_from_argument_file_or_standard_input(
    vitrine: Vitrine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        asked.append(json.loads(request.content)["sql"])
        return httpx2.Response(200, json={})

    monkeypatch.setattr(cli, "Client", lambda settings: Client(settings, httpx2.MockTransport(respond)))
    vitrine("key", "new", "me.pem")
    (tmp_path / "q.sql").write_text("SELECT 2")
    given = (
        "--url",
        "https://h:1",
        "--log-key",
        str(LOG.public),
        "--key",
        "me.pem",
        "estimate",
        "--rho",
        "1",
        "--json",
    )
    vitrine(*given, "SELECT 1")
    vitrine(*given, "-f", "q.sql")
    vitrine(*given, text="SELECT 3")
    assert asked == ["SELECT 1", "SELECT 2", "SELECT 3"]


def test_demo_without_its_data_says_how_to_get_them(vitrine: Vitrine) -> None:
    status, _, said = vitrine("demo")
    assert status == 3
    assert "make demo" in said
