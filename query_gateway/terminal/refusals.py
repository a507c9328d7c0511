"""A problem for the terminal: the sentence, the SQL with the place underlined, and what would be accepted."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.text import Text

from query_gateway.client.answers import Problem
from query_gateway.terminal.words import Words


def problem(found: Problem, sql: str | None, words: Words) -> RenderableType:
    """Why the request was not carried out; `sql` is what was asked."""
    parts: list[RenderableType] = [Text.assemble((found.code, "bold red"), "  ", found.sentence(words.language))]
    if sql is not None and found.place is not None:
        parts.append(underlined(sql, found.place["start"], found.place["end"]))
    if found.rewrite is not None:
        parts += [Text(words("rewrite"), style="green"), Syntax(found.rewrite, "sql", word_wrap=True)]
    return Group(*parts)


def underlined(sql: str, start: int, end: int) -> Text:
    """The lines that the span touches, each with a line of marks beneath; wide characters get wide marks."""
    shown = Text()
    offset = 0
    for number, ended in enumerate(sql.split("\n"), start=1):
        line = ended.rstrip("\r")
        first, last = max(start - offset, 0), min(end - offset, len(line))
        if first < last:
            margin = f"{number:>4} │ "
            blank = " " * cell_len(margin + line[:first].replace("\t", " "))
            shown.append(margin + line.replace("\t", " ") + "\n")
            shown.append(blank + "^" * cell_len(line[first:last].replace("\t", " ")) + "\n", "bold red")
        offset += len(ended) + 1
    return shown
