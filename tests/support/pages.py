"""The project's documents as a test reads them: links, headings, commands, tables and code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "examples/**/*.md", "benchmarks/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.*)$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its info string (`sh`, `sh run`, `toml`, …) and its text."""

    info: str
    text: str


def text_of(page: Path) -> str:
    """The page."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path) -> tuple[Block, ...]:
    """The page's fenced blocks in order."""
    return tuple(Block(info.strip(), text) for info, text in _FENCE.findall(text_of(page)))


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", text_of(page))


def links(page: Path) -> tuple[str, ...]:
    """Every link and picture of the page."""
    return tuple(_LINK.findall(prose(page)))


def anchors(page: Path) -> frozenset[str]:
    """The fragments that a link into the page may have."""
    return frozenset(_slug(heading) for heading in _HEADING.findall(prose(page)))


def code(page: Path) -> tuple[str, ...]:
    """Everything in the running text that is written as code."""
    return tuple(_CODE.findall(prose(page)))


def shell_lines(page: Path) -> Iterator[str]:
    """Every command line of the page's shell blocks, without comments; continued lines are one."""
    for block in blocks(page):
        if block.info.split()[:1] == ["sh"]:
            joined = block.text.replace("\\\n", " ")
            lines = (re.sub(r" +# .*", "", line).strip() for line in joined.splitlines())
            yield from (line for line in lines if line and not line.startswith("#"))


def table(page: Path, heading: str) -> tuple[tuple[str, ...], ...]:
    """The rows of the first table under a heading, without its head; backticks are taken off."""
    _, _, after = prose(page).partition(f"\n{heading}\n")
    rows = [line for line in after.split("\n#", 1)[0].splitlines() if line.startswith("|")]
    return tuple(tuple(cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", row)[1:-1]) for row in rows[2:])


def _slug(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")
