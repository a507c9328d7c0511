"""Answers of the service as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from query_gateway.client.answers import Answer, BatchAnswer
from query_gateway.terminal.words import Words

_TITLE = 60
"""Cells of a table that has a title, so that the title is not broken into many lines."""
_UNKNOWN = "±?"
"""Beside a value that noise takes part in, where nobody can say how much."""
_BAR = 20
"""Cells of an error bar."""


def catalogue(document: Mapping[str, Any], words: Words) -> RenderableType:
    """Every data set with its tables and columns."""
    return Group(*(_dataset(each, words) for each in document["datasets"]))


def _dataset(entry: Mapping[str, Any], words: Words) -> RenderableType:
    facts = Table.grid(padding=(0, 2))
    facts.add_row(words("dataset"), Text(entry["name"], style="bold"), words.of(entry["title"]))
    facts.add_row("", "", words.of(entry["description"]))
    facts.add_row(words("provider"), "", words.of(entry["catalogue"]["provider"]))
    facts.add_row(words("source"), "", words.of(entry["catalogue"]["source"]))
    columns = _table(words("table"), words("column"), words("type"), words("values"), words("meaning"))
    for table in entry["tables"]:
        columns.add_row(
            Text(table["name"], style="bold"), "", words(table["kind"]), "", Text(words.of(table["title"]), "bold")
        )
        for column in table["columns"]:
            columns.add_row("", column["name"], column["type"], _values(column), words.of(column["title"]))
    return Group(facts, Padding(columns, (0, 0, 1, 0)))


def _values(column: Mapping[str, Any]) -> str:
    if "key_of" in column:
        return f"→ {column['key_of']}"
    if "range" in column:
        low, high = column["range"]
        return f"{low} … {high}"
    return ", ".join(str(value) for value in column.get("values", ()))


def estimate(document: Mapping[str, Any], words: Words) -> RenderableType:
    """The price, and the error of each measured column."""
    facts = Table.grid(padding=(0, 2))
    facts.add_row(words("charge"), _loss(document["charge"]))
    facts.add_row(words("as_epsilon"), _short(document["epsilon_at_delta"]))
    if document["accuracy"] is not None:
        facts.add_row(words("accuracy"), accuracy(document["accuracy"], words))
    if document["reuse"] is not None:
        facts.add_row(words("reuse"), _reuse(document, words))
    facts.add_row(words("affordable"), words("yes" if document["affordable"] else "no"))
    facts.add_row(words("more"), _many(document["more"]))
    for measure in document["measures"]:
        for cut in _cuts(measure, words):
            facts.add_row(words("bounds"), cut)
        if measure["choice"] is not None:
            facts.add_row(words("choice"), _loss(measure["choice"]))
        for notice in measure["notices"]:
            facts.add_row(words(notice["kind"]), f"± {_number(notice['half_width'])}, {_loss(notice['loss'])}")
        if measure["minimum_frequency"] > 1:
            facts.add_row(words("withheld"), words("withheld.value", units=measure["minimum_frequency"]))
    columns = _table(words("column"), words("type"), words("accurate", percent=_percent(document["confidence"])))
    for column in document["columns"]:
        half = column["half_width"]
        shown = words("no_interval") if half is None else f"± {_number(half)}"
        if column["half_width_per_row"] is not None:
            shown = words("per_row", half=_number(column["half_width_per_row"]))
        if column["assumed"]:
            shown += f" ({words('assumed')})"
        columns.add_row(column["name"], column["type"], shown)
    return Group(facts, columns)


def _reuse(document: Mapping[str, Any], words: Words) -> str:
    """The earlier releases that a query can be computed from, and what to spend to have that."""
    names = ", ".join(each["id"][:12] for each in document["reuse"]["releases"])
    if document["reuse"]["used"]:
        return words("reuse.used", names=names, price=_loss(document["fresh"]))
    return words("reuse.coarser", names=names)


def accuracy(asked: Mapping[str, Any], words: Words) -> str:
    """The accuracy that was asked, and what is assumed for it."""
    error = f"± {asked['half_width']}" if asked["relative"] is None else f"± {_percent(asked['relative'])}"
    named = "" if asked["column"] is None else f"{asked['column']} "
    sized = [("expected_value", asked["expected_value"]), ("expected_size", asked["expected_size"])]
    assumed = [words(name, value=value) for name, value in sized if value is not None]
    return "; ".join([f"{named}{error} ({_percent(asked['confidence'])})", *assumed])


def _percent(share: object) -> str:
    """A share of 1 as a percentage, without needless zeros."""
    return f"{(Decimal(str(share)) * 100).normalize():f} %"


def answer(found: Answer, words: Words) -> RenderableType:
    """The rows with their error bars, what it cost, and the receipt."""
    parts: list[RenderableType] = [rows(found.release, words), privacy(found.release, words)]
    if found.dry_run:
        price = _loss(found.document.get("price"))
        return Group(*parts, Text(words("dry_run.price", price=price)), receipt(found, words))
    if found.repeat:
        parts.append(Text(words("repeat"), style="green"))
    else:
        parts.append(Text(f"{words('charge')}: {_loss(found.document['charge'])}"))
    parts += [balances(found.document["balance"], words), receipt(found, words)]
    return Group(*parts)


def batch(found: BatchAnswer, words: Words) -> RenderableType:
    """The answers one after another; the charge and the balance are of all of them together."""
    return Group(*(answer(each, words) for each in found.answers))


def rows(release: Mapping[str, Any], words: Words) -> RenderableType:
    """The released rows: a measured cell with its half-width or interval; the last measured column drawn as bars."""
    columns = release["columns"]
    title = Text(words("dry_run"), style="bold red") if release.get("dummy") else None
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left", min_width=_TITLE if title else None
    )
    for column in columns:
        numeric = _numeric(column)
        table.add_column(column["name"], justify="right" if numeric else "left", no_wrap=numeric)
    measured = [place for place, column in enumerate(columns) if column["measured"]]
    drawn = measured[-1] if measured else None
    bars = _bars([cells[drawn] for cells in release["intervals"]]) if drawn is not None else None
    if bars is not None:
        table.add_column(columns[drawn]["name"], no_wrap=True, style="cyan")
    for index, (row, intervals) in enumerate(zip(release["rows"], release["intervals"], strict=True)):
        cells: list[RenderableType] = [_cell(*each) for each in zip(columns, row, intervals, strict=True)]
        if bars is not None:
            cells.append(bars[index])
        table.add_row(*cells)
    said = [words("plain_rows", rows=len(release["rows"]))]
    said += [
        f"{column['name']} {_UNKNOWN}: {words(f'no_interval.{why}')}"
        for column in columns
        if (why := column.get("no_interval"))
    ]
    return Group(table, *(Text(each, style="dim") for each in said))


def _cell(column: Mapping[str, Any], value: object, interval: Sequence[float] | None) -> Text:
    text = Text(_number(value) if isinstance(value, int | float) else "NULL" if value is None else str(value))
    if interval is None:
        noisy = column["measured"] or column.get("no_interval")
        return text.append(f" {_UNKNOWN}", "dim") if noisy and value is not None else text
    low, high = interval
    if isinstance(value, int | float) and abs((high - value) - (value - low)) <= 1e-6 * max(1.0, high - low):
        return text.append(f" ± {_like(value, high - value)}", "dim")
    return text.append(f" [{_number(low)}, {_number(high)}]", "dim")


def _like(value: float, half: float) -> str:
    """A half-width with no more digits than its value."""
    return _number(round(half)) if isinstance(value, int) and half >= 1 else _number(half)


def _bars(intervals: Sequence[Sequence[float] | None]) -> list[str] | None:
    """Each interval on one common axis; None where there is nothing to draw."""
    ends = [end for interval in intervals if interval is not None for end in interval]
    if not ends or min(ends) == max(ends):
        return None
    low, width = min(ends), max(ends) - min(ends)

    def cell(value: float) -> int:
        return round((value - low) / width * (_BAR - 1))

    def bar(interval: Sequence[float] | None) -> str:
        if interval is None:
            return ""
        start, end = (cell(value) for value in interval)
        middle = (start + end) // 2
        drawn = "".join("●" if place == middle else "─" for place in range(start, end + 1))
        return " " * start + drawn

    return [bar(interval) for interval in intervals]


def privacy(release: Mapping[str, Any], words: Words) -> RenderableType:
    """How privacy was kept: the mechanisms, and to what one unit's contribution was cut."""
    facts = Table.grid(padding=(0, 2))
    if release["privacy"].get("accuracy") is not None:
        facts.add_row(words("accuracy"), "", accuracy(release["privacy"]["accuracy"], words))
    for each in release["privacy"]["mechanisms"]:
        noise = f"{each['mechanism']}, {words('scale')} {_number(each['scale'])}"
        facts.add_row(words("mechanism"), f"{each['measure']}.{each['statistic']}", noise)
    for each in release["privacy"].get("reused", ()):
        names = words("reuse.from", release=each["release"]["id"][:12], measure=each["from"], cells=each["cells"])
        facts.add_row(words("reuse"), each["measure"], names)
    for each in release["privacy"]["bounds"]:
        for cut in _cuts(each, words):
            facts.add_row(words("bounds"), each["measure"], cut)
        if each.get("minimum_frequency", 1) > 1:
            said = words("withheld.value", units=each["minimum_frequency"])
            facts.add_row(words("withheld"), each["measure"], said)
    for each in release.get("truncation", []):
        if each["binding"]:
            facts.add_row(words("truncation"), each["measure"], _about("truncation.value", each, each["units"], words))
    for each in release.get("withheld", []):
        said = _about("groups.some" if each["some"] else "groups.none", each, each["groups"], words)
        facts.add_row(words("groups"), each["measure"], said)
    return Padding(facts, (0, 0, 1, 0))


def _about(said: str, notice: Mapping[str, Any], value: int, words: Words) -> str:
    """A noisy number as a sentence says it; its interval's upper end, for that is never cut at 0."""
    return words(
        said, number=_number(value), half=_number(notice["interval"][1] - value), most=_number(notice["interval"][1])
    )


def _cuts(bounds: Mapping[str, Any], words: Words) -> list[str]:
    """What one unit's contribution to a measure is cut to, a line for each part that is cut on its own."""
    if not bounds["clips"]:
        return [words("bounds.value", groups=bounds["groups"], rows=bounds["rows"])]
    return [_cut(each, words) for each in bounds["clips"]]


def _cut(clip: Mapping[str, Any], words: Words) -> str:
    names = ", ".join(clip["statistics"])
    if clip["rows"] is None:
        return words("clip.auto", names=names)
    return words("clip.value", rows=_number(clip["rows"]), norm=clip["norm"].upper(), names=names)


def receipt(found: Answer, words: Words) -> RenderableType:
    """What the checked receipt proves."""
    head = found.proven.checkpoint
    said = words("receipt.good", index=found.proven.index, size=head.size, root=head.root.hex()[:12])
    return Text(f"{words('query')} {found.id}\n{words('receipt')}: {said}")


def balances(accounts: Sequence[Mapping[str, Any]], words: Words) -> RenderableType:
    """Each account: how much is spent of its limit, and the ε that both amount to."""
    more = any("more" in each for each in accounts)
    table = _table(words("account"), words("spent"), "", words("as_epsilon"), *([words("more.short")] if more else []))
    for column in table.columns:
        column.no_wrap = True
    for each in accounts:
        spent, limit = each["spent"], each["limit"]
        name, unit = ("rho", "ρ") if limit["epsilon"] is None else ("epsilon", "ε")
        epsilon = limit["epsilon"] or limit["epsilon_at_delta"]
        table.add_row(
            f"{words(each['kind'])} {str(each['account']).partition(':')[2] or each['account']}",
            f"{unit} {_short(spent[name])} / {_short(limit[name])}",
            _gauge(Decimal(spent[name] or 0), Decimal(limit[name] or 0)),
            f"{_short(spent['epsilon'] or spent['epsilon_at_delta'])} / {_short(epsilon)}" if epsilon else "",
            *([_many(each["more"])] if more else []),
        )
    return table


def _gauge(spent: Decimal, limit: Decimal) -> Text:
    filled = min(8, ceil(spent * 8 / limit)) if limit else 8
    return Text("█" * filled + "░" * (8 - filled), style="red" if filled > 6 else "green")


def history(document: Mapping[str, Any], words: Words) -> RenderableType:
    """The caller's own charged requests."""
    table = _table(words("time"), words("id"), words("state"), words("scenario"), words("charge"), "SQL")
    for each in document["queries"]:
        moment = datetime.fromtimestamp(each["time"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(
            moment,
            each["id"][:12],
            each["state"],
            each["scenario"],
            _loss(each["charge"]),
            " ".join(each["sql"].split()),
        )
    return table


def licences(found: Sequence[Mapping[str, Any]], words: Words) -> RenderableType:
    """Each licence with its scenarios and balance."""
    return Group(*(part for each in found for part in _licence(each, words)))


def _licence(each: Mapping[str, Any], words: Words) -> Iterator[RenderableType]:
    facts = Table.grid(padding=(0, 2))
    facts.add_row(words("licence"), Text(each["id"], style="bold"), each["state"])
    facts.add_row(words("institution"), each["institution"], f"{words('not_after')} {each['not_after']}")
    for scenario in each["scenarios"]:
        facts.add_row(words("scenario"), scenario["id"], words.of(scenario["title"]))
    yield facts
    yield balances(each["balance"], words)


def facts(document: Mapping[str, Any]) -> RenderableType:
    """Names and values."""
    found = Table.grid(padding=(0, 2))
    for name, value in document.items():
        inner = " ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else str(value)
        found.add_row(name, Text(inner.rstrip("\n")))
    return found


def _table(*names: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name)
    return table


def _numeric(column: Mapping[str, Any]) -> bool:
    return bool(column["measured"]) or column["type"] in ("integer", "double")


def _loss(charge: Mapping[str, Any] | None) -> str:
    """What was paid; `0` for a repeat."""
    if charge is None:
        return "0"
    shown = {"ε": charge.get("epsilon"), "ρ": charge.get("rho"), "δ": charge.get("delta")}
    return ", ".join(f"{name} = {_short(value)}" for name, value in shown.items() if value not in (None, "0")) or "0"


def _short(value: str | None) -> str:
    return "0" if value is None else f"{Decimal(value):.4g}"


def _many(count: int | None) -> str:
    """How many more; ∞ where nothing is lost."""
    return "∞" if count is None else str(count)


def _number(value: float) -> str:
    """With separators and no more digits than a reader needs; whole numbers in full."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 4
    return f"{value:,.{digits}f}"
