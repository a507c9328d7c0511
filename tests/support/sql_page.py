"""The tables of docs/sql.md, made from the code: `python -m tests.support.sql_page` writes them into the page.

They stand between `<!-- made: name -->` and `<!-- end -->`; all else is written by hand. A row is the text under a node
of the plan language, or under a member of one of its enumerations: what it is, then `SQL:` how it is written, `Rule:`
the privacy rule that holds it, `Cost:` what it adds, and one `Example:` or more over the card `clinic`, each of which
the tests lower, price and compare with plain SQL. A line that is indented further goes on with the one before. What a
member does not say, its class says. So to add a row, write such a text and `make docs`.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from pathlib import Path
from typing import get_args

from sandbox.plan import number_functions, text_functions, time_functions, value_functions
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.grouping_sets import Levels
from sandbox.plan.nodes import Measure, Relation
from sandbox.plan.plan import Plan
from sandbox.plan.window_functions import WindowFunction
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.quantiles import Quantile
from sandbox.privacy.sensitivity import full_groups, sensitivity
from sandbox.privacy.statistics import Statistic
from tests.support.function_examples import EXAMPLES
from tests.support.function_page import GROUPS, function_cost
from tests.support.judging import judged
from tests.support.lowering import files, read

PAGE = Path(__file__).parents[2] / "docs" / "sql.md"
DATASET = "clinic"
SECTIONS = ("SQL", "Rule", "Cost", "Example")
CLASSES = (number_functions, value_functions, time_functions, text_functions)
"""The classes of scalar functions, as `GROUPS` has them."""
OPERATORS: tuple[type, ...] = (*get_args(Relation), Measure, Levels)
_MADE = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
_SECTION = re.compile(rf"^({'|'.join(SECTIONS)}): (.*(?:\n {{4,}}\S.*)*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Row:
    """What is told of one operator, aggregate, fold or window function."""

    thing: type | StrEnum
    about: str
    told: Mapping[str, tuple[str, ...]]
    """By section."""

    @property
    def examples(self) -> tuple[str, ...]:
        return self.told.get("Example", ())

    def says(self, section: str) -> str:
        return "; ".join(self.told.get(section, ()))


def operators() -> tuple[Row, ...]:
    """The relations of the plan language, and the measure with its grouping sets."""
    return tuple(_row(each, inspect.getdoc(each) or "", {}) for each in OPERATORS)


def members(enumeration: type[StrEnum]) -> tuple[Row, ...]:
    """The members of an enumeration, by the texts under them."""
    texts = _texts(enumeration)
    inherited = _sections(inspect.getdoc(enumeration) or "")
    return tuple(_row(each, texts.get(each.name, ""), inherited) for each in enumeration)


ENUMERATIONS: Mapping[str, type[StrEnum]] = {
    "aggregates": AggregateFunction,
    "folds": FoldFunction,
    "windows": WindowFunction,
}


def rows() -> Iterator[Row]:
    """Every row of the page that has an example."""
    yield from operators()
    for enumeration in ENUMERATIONS.values():
        yield from members(enumeration)


def uses(plan: Plan, thing: type | StrEnum) -> bool:
    """Whether the plan has such a node, or a node of this function."""
    if isinstance(thing, type):
        return any(isinstance(node, thing) for node in _nodes(plan))
    return any(getattr(node, "function", None) is thing for node in _nodes(plan))


def page(text: str) -> str:
    """The page with its made parts as the code says."""
    return _MADE.sub(lambda found: found[1] + "\n".join(PARTS[found[2]]()) + "\n" + found[3], text)


def _texts(enumeration: type[StrEnum]) -> dict[str, str]:
    """The text under each member."""
    tree = ast.parse(inspect.getsource(sys.modules[enumeration.__module__]))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == enumeration.__name__)
    found = {}
    for node, after in pairwise(body):
        match node, after:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text)
    return found


def _row(thing: type | StrEnum, text: str, inherited: Mapping[str, tuple[str, ...]]) -> Row:
    about = _SECTION.split(text, 1)[0]
    return Row(thing, " ".join(about.split()), {**inherited, **_sections(text)})


def _sections(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, words in _SECTION.findall(text):
        found[name] = (*found.get(name, ()), " ".join(words.split()))
    return found


def _nodes(thing: object) -> Iterator[object]:
    """A node and everything in it."""
    if isinstance(thing, tuple):
        for each in thing:
            yield from _nodes(each)
    elif is_dataclass(thing):
        yield thing
        for field in fields(thing):
            yield from _nodes(getattr(thing, field.name))


def _operators() -> Iterator[str]:
    for row in operators():
        assert isinstance(row.thing, type)
        yield f"### {row.thing.__name__}\n\n{_cell(row.about)}\n"
        yield f"* Written: {row.says('SQL')}"
        yield f"* Condition: {row.says('Rule')}"
        yield f"* Cost: {row.says('Cost')}"
        yield from (f"* `{example}`: {_costs(example)}" for example in row.examples)
        yield ""


def _members(enumeration: type[StrEnum]) -> Callable[[], Iterator[str]]:
    def lines() -> Iterator[str]:
        costly = enumeration is AggregateFunction
        yield f"| written | what | rule | {'cost | ' if costly else ''}example | it costs |"
        yield f"|---|---|---|---|{'---|' if costly else ''}---|"
        for row in members(enumeration):
            cost = [row.says("Cost")] if costly else []
            cells = [row.says("SQL"), row.about, row.says("Rule"), *cost]
            cells += [" ".join(f"`{example}`" for example in row.examples)]
            cells += ["; ".join(map(_costs, row.examples))]
            yield f"| {' | '.join(map(_cell, cells))} |"

    return lines


def _functions() -> Iterator[str]:
    yield "| class | rows | such as | rule | row operations | an example |\n|---|---|---|---|---|---|"
    for (title, found), module in zip(GROUPS.items(), CLASSES, strict=True):
        names = ", ".join(f"`{row.name}`" for row in found[:12])
        rule = "; ".join(_sections(inspect.getdoc(module) or "")["Rule"])
        costs = [function_cost(row.name) for row in found]
        cells = [title, str(len(found)), f"{names}, …", rule, f"{min(costs)} to {max(costs)}"]
        yield f"| {' | '.join(map(_cell, cells))} | `{EXAMPLES[found[-1].name]}` |"


def _costs(sql: str) -> str:
    """What the example measures: totals with their sensitivity, of so many rows of one unit."""
    return "; ".join(map(_measured, (each.bounded for each in judged(sql, DATASET).priced.measures)))


def _measured(bounded: BoundedMeasure) -> str:
    count = bounded.checked.source.rows
    parts = [f"{each.kind.replace('_', ' ')} {_distance(bounded, each)}" for each in bounded.statistics]
    parts += [f"choice {_ranks(bounded, each)}" for each in bounded.quantiles]
    return f"{count} row{'s'[: count > 1]} per unit; {', '.join(parts)}"


def _ranks(bounded: BoundedMeasure, quantile: Quantile) -> str:
    """The most that one unit changes the scores of a group's buckets, in ranks, and in how many groups at most."""
    ranks = Fraction(quantile.sensitivity, quantile.buckets.fine * quantile.fraction.denominator)
    groups = full_groups(bounded, quantile)
    return f"Δ {float(ranks):g}" + (f" in {float(groups):g} groups" if groups > 1 else "")


def _distance(bounded: BoundedMeasure, statistic: Statistic) -> str:
    """The most that one unit changes a total over all groups, in the total's own unit."""
    squared = sensitivity(bounded, statistic).l2_squared
    root = isqrt(squared)
    return f"Δ {float(root * statistic.granularity):g}" if root**2 == squared else f"Δ √{squared}"


def _cell(text: str) -> str:
    return "".join(
        part if part.startswith("`") else part.replace("*", "\\*") for part in re.split(r"(`[^`]*`)", text)
    ).replace("|", "\\|")


def _refusals() -> Iterator[str]:
    """For each code the first golden case with a rewrite."""
    yield "| written | refused with | write |\n|---|---|---|"
    shown = set[str]()
    for kind in ("mistaken", "refused"):
        for case in (each for path in files(kind) for each in read(path)):
            expected = case.expected.splitlines()
            first, last = expected[0], expected[-1]
            code = first.split()[1] if first.startswith("refused ") else ""
            if last.startswith("write ") and code not in shown:
                shown.add(code)
                asked = " ".join(case.sql.split())
                yield f"| {_cell(f'`{asked}`')} | `{code}` | {_cell(f'`{last[6:]}`')} |"


PARTS: Mapping[str, Callable[[], Iterator[str]]] = {
    "operators": _operators,
    **{name: _members(enumeration) for name, enumeration in ENUMERATIONS.items()},
    "functions": _functions,
    "refusals": _refusals,
}
"""What each made part of the page is made by."""


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
