"""The schema tables of docs/log.md, made from the code: `python -m tests.support.log_schema` prints them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from sandbox.audit import encoding, entry, findings, forms, records, registry_acts

MODULES = (entry, records, registry_acts)
"""Where acts and their records are."""
RECORDS = (
    records.Actor,
    records.SignedRequest,
    records.Amounts,
    records.OpenedAccount,
    records.AccountCharge,
    records.DatasetUse,
    records.MechanismUse,
    records.ReleaseUse,
)


def schema() -> str:
    """Everything between the markers of the page."""
    return "\n".join([*_forms(), *_header(), *_records(), *_acts(), *_findings()]).strip() + "\n"


def _forms() -> Iterator[str]:
    yield "## Forms\n\n| form | JSON | pattern | meaning |\n|---|---|---|---|"
    source = _comments(forms)
    for name, alias in vars(forms).items():
        metadata = getattr(alias, "__metadata__", None)
        if metadata is None:
            continue
        match metadata[0]:
            case forms.TextForm(name=form, pattern=pattern):
                yield f"| {form} | string | `{_cell(pattern.pattern)}` | {source.get(name, '')} |"
            case forms.NumberForm(name=form):
                yield f"| {form} | number | 0 … 2⁵³ − 1 | {source.get(name, '')} |"
            case forms.AmountForm(name=form):
                yield f"| {form} | string | decimal digits | {source.get(name, '')} |"
    yield ""


def _header() -> Iterator[str]:
    yield "## Header\n"
    yield from _table(entry.Header)


def _records() -> Iterator[str]:
    yield "## Records\n"
    for kind in RECORDS:
        yield f"### {kind.__name__}\n\n{_promise(kind)}\n"
        yield from _table(kind)


def _acts() -> Iterator[str]:
    yield "## Acts\n"
    for name, (kind, signing) in encoding.ACTS.items():
        promise = _promise(kind)
        yield f"### `{name}`\n\n{promise + ' ' if promise else ''}Signed request: {signing}.\n"
        yield from _table(kind)


def _findings() -> Iterator[str]:
    yield "## Findings\n\n| code | sentence |\n|---|---|"
    yield from (f"| `{code}` | {sentence} |" for code, sentence in findings.FINDINGS.items())


def _table(kind: Any) -> Iterator[str]:
    comments: dict[str, str] = next(
        (_comments(each)[kind.__name__] for each in MODULES if kind.__name__ in _comments(each)), {}
    )
    hints = forms.hints(kind)
    yield "| field | form | meaning |\n|---|---|---|"
    for field in fields(kind):
        yield f"| `{field.name}` | {forms.form_name(hints[field.name])} | {comments.get(field.name, '')} |"
    yield ""


def _promise(kind: Any) -> str:
    """The docstring that someone wrote, on one line."""
    text = inspect.getdoc(kind) or ""
    return "" if text.startswith(f"{kind.__name__}(") else " ".join(text.split())


@cache
def _comments(module: Any) -> dict[str, Any]:
    """The strings beneath assignments and fields, by name; those of a class in a dictionary of their own."""
    return _beneath(ast.parse(inspect.getsource(module)).body)


def _beneath(body: list[ast.stmt]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    name = ""
    for statement in body:
        match statement:
            case ast.ClassDef():
                found[statement.name] = _beneath(statement.body)
            case ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case ast.Expr(value=ast.Constant(value=str(text))) if name:
                found[name] = _cell(" ".join(text.split()))
                name = ""
            case _:
                name = ""
    return found


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(schema(), end="")  # noqa: T201
