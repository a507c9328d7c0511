"""The tables of docs/errors.md, made from the code: `python -m tests.support.error_table` writes them into the page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from sandbox.errors import PROBLEMS

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
MARKER = "<!-- codes -->\n"

ABOUT = {
    "backup": "Backups",
    "budget": "Privacy budgets",
    "dataset": "Data sets",
    "file": "Files at the operator's terminal",
    "identity": "Who signed",
    "key": "Key files",
    "licence": "Licences",
    "limit": "How much at a time",
    "load": "Loading data",
    "log": "The log",
    "plan": "What a query may be",
    "policy": "What policy allows",
    "registry": "Institutions, people, keys, cards",
    "request": "The request's form",
    "service": "The service",
    "settings": "Settings",
    "spend": "What a query wants to spend",
    "sql": "Reading the SQL",
    "state": "State",
    "vault": "The vault",
}
"""What each prefix is about."""


def tables() -> str:
    """Everything between the markers of the page."""
    return "\n".join(_tables()).strip() + "\n"


def _tables() -> Iterator[str]:
    for prefix, codes in groupby(sorted(PROBLEMS), key=_prefix):
        yield f"## {ABOUT[prefix]}: `{prefix}.*`\n"
        yield "| code | status | English | 中文 |\n|---|---|---|---|"
        for code in codes:
            problem = PROBLEMS[code]
            yield f"| `{code}` | {problem.status} | {_cell(problem.en)} | {_cell(problem.zh)} |"
        yield ""


def _prefix(code: str) -> str:
    return code.partition(".")[0]


def _cell(sentence: str) -> str:
    return sentence.replace("|", "\\|").replace("*", "\\*")


if __name__ == "__main__":
    head, _, tail = PAGE.read_text(encoding="utf-8").split(MARKER)
    PAGE.write_text(head + MARKER + tables() + MARKER + tail, encoding="utf-8")
