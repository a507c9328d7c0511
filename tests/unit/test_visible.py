"""Text of others moves, hides, colours and reverses nothing on a terminal, wherever it comes from."""

from __future__ import annotations

import io
import json
import logging
import unicodedata
from typing import Any

import pytest
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from query_gateway.client.answers import Problem, checked_answer
from query_gateway.terminal import refusals, tables
from query_gateway.terminal.words import Words
from sandbox.serving import operator_log
from sandbox.terminal import Terminal
from sandbox.visible import json_text, visible
from tests.support.released import LOG, RELEASE, released

HOSTILE = (
    "\x1b[2J\x1b]0;title\x07\x1b]8;;https://evil.example\x1b\\link\x9b31m\x9d\x90\x8e\r\b\x7f\x00\u202e\u2066\u200f"
    "\u2028\ud800[bold]b[/bold][/none][link=https://evil.example]l[/link]:warning:"
)
"""Clears the screen, renames the window, makes a link, colours, goes back, reverses; markup and emoji of rich."""
EN = Words("en")


def shown(part: RenderableType) -> str:
    text = io.StringIO()
    Terminal(file=text, width=4000).print(part)
    return text.getvalue()


def harmless(text: str) -> bool:
    active = {"Cc", "Cs", "Zl", "Zp"}
    directions = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return not any(
        (unicodedata.category(each) in active and each not in "\n\t") or unicodedata.bidirectional(each) in directions
        for each in text
    )


def hostile(found: Any) -> Any:
    """The same document with something hostile at the end of every text of people."""
    match found:
        case dict():
            return {name: hostile(value) for name, value in found.items()}
        case list():
            return [hostile(each) for each in found]
        case str():
            return found + HOSTILE
    return found


def test_what_a_terminal_obeys_is_replaced_and_nothing_else() -> None:
    for number in range(0x3000):
        each = chr(number)
        assert (visible(each) == each) == harmless(each) or number in (0x061C, 0x200E, 0x200F), hex(number)
    assert visible("一行\n\t高中 résumé 👩‍🔬") == "一行\n\t高中 résumé 👩‍🔬"


def test_json_means_the_same_and_holds_nothing_active() -> None:
    text = json_text({"a": [HOSTILE, "高中"], HOSTILE: 1})
    assert harmless(text)
    assert json.loads(text) == {"a": [HOSTILE, "高中"], HOSTILE: 1}
    assert "高中" in text


def test_markup_of_others_is_text() -> None:
    """In a cell too, where rich reads markup by default and fails on a wrong one."""
    table = Table(HOSTILE, title=Text(HOSTILE))
    table.add_row(HOSTILE)
    for part in (HOSTILE, Text(HOSTILE), table):
        text = shown(part)
        assert harmless(text)
        assert "[bold]b[/bold][/none]" in text
        assert ":warning:" in text


def test_a_hostile_catalogue_is_shown() -> None:
    both = {"en": "t", "zh": "t"}
    columns = [{"name": "n", "type": "text", "values": ["v"], "title": both}]
    entry = {
        "name": "d",
        "title": both,
        "description": both,
        "catalogue": {"provider": both, "source": both},
        "tables": [{"name": "t", "kind": "private", "title": both, "columns": columns}],
    }
    made = hostile(entry)
    made["tables"][0]["kind"] = "private"
    assert harmless(shown(tables.catalogue({"datasets": [made]}, EN)))


def test_a_hostile_release_is_shown() -> None:
    """Its receipt is good: it was loaded by a provider, not forged by the gateway."""
    release = {**RELEASE, "rows": [[HOSTILE, 1, 2.5], ["b", 2, None]]}
    release["columns"] = [{**RELEASE["columns"][0], "name": HOSTILE}, *RELEASE["columns"][1:]]
    clean = json.loads(json.dumps(release).replace("\\ud800", ""))
    answer = checked_answer(released(release=clean), LOG.public, asked=None, repeat=False, repeated=None)
    assert harmless(shown(tables.answer(answer, EN)))


def test_a_hostile_problem_is_shown() -> None:
    sql = f"SELECT {HOSTILE}"
    document = {
        "code": f"plan.raw_rows{HOSTILE}",
        "detail_en": HOSTILE,
        "detail_zh": HOSTILE,
        "place": {"start": 0, "end": len(sql)},
        "rewrite": sql,
    }
    text = shown(refusals.problem(Problem(422, document), sql, EN))
    assert harmless(text)
    assert "^^^" in text


@pytest.mark.parametrize("document", [{"service": HOSTILE}, {"log": {"root": HOSTILE}}])
def test_hostile_facts_are_shown(document: dict[str, Any]) -> None:
    assert harmless(shown(tables.facts(document)))


def test_an_event_of_the_operators_log_is_one_line_whatever_it_says() -> None:
    forged = f'x\n{{"event": "forged"}}\r\u2028{HOSTILE}'
    record = logging.LogRecord("vitrine.door", logging.ERROR, "", 0, "failed: %s", (forged,), None)
    record.created = 1.5
    line = operator_log._Line().format(record)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {
        "timestamp": "1970-01-01T00:00:01.500Z",
        "level": "error",
        "logger": "vitrine.door",
        "event": f"failed: {forged}",
    }


def test_of_an_exception_stands_its_kind_and_place_and_no_word() -> None:
    try:
        raise ValueError("SELECT 'secret'")
    except ValueError as error:
        record = logging.LogRecord(
            "uvicorn.error", logging.ERROR, "", 0, "Exception", (), (ValueError, error, error.__traceback__)
        )
    found = json.loads(operator_log._Line().format(record))
    assert found["exception"] == "ValueError"
    assert found["at"].startswith(__file__)
    assert "secret" not in str(found)
