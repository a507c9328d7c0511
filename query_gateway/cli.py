"""The command `vitrine`. What an analyst does is here; what an operator does is run as `python -m sandbox …`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import RenderableType
from rich.text import Text

from query_gateway.bounding import Clip, Groups, Ranges, Rows, bounds_of
from query_gateway.client.answers import BatchAnswer, Pending, Problem, Unproven, Unreachable
from query_gateway.client.session import Client
from query_gateway.client.settings import Unset, read_client_settings
from query_gateway.demo import play
from query_gateway.formats import release_csv
from query_gateway.operation import add_commands
from query_gateway.processes import Ended, become
from query_gateway.spending import (
    Asked,
    Column,
    Confidence,
    Epsilon,
    ExpectedSize,
    ExpectedValue,
    HalfWidth,
    Relative,
    Rho,
    Weight,
)
from query_gateway.terminal import refusals, tables
from query_gateway.terminal.words import Words, system_language
from sandbox.errors import PROBLEMS, Refusal
from sandbox.keys import key_id, make_private_key, write_public_key
from sandbox.terminal import Terminal
from sandbox.visible import json_text, visible

app = typer.Typer(
    name="vitrine",
    help="A data sandbox: licensed institutions see differentially private results, never records.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
keys = typer.Typer(no_args_is_help=True, help="Signing keys.")
audit = typer.Typer(no_args_is_help=True, help="The log.")
app.add_typer(keys, name="key")
app.add_typer(audit, name="audit")
add_commands(app, {"key": keys, "audit": audit})

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Sql = Annotated[str | None, typer.Argument(help="The SQL; left out, it is read from --file or standard input.")]
File = Annotated[Path | None, typer.Option("--file", "-f", help="Read the SQL from this file.")]
Licence = Annotated[str | None, typer.Option(help="Id of the licence.")]
Scenario = Annotated[str | None, typer.Option(help="Id of the licence's scenario.")]
Dataset = Annotated[str | None, typer.Option(help="Name of the data set.")]


Fresh = Annotated[bool, typer.Option("--fresh", help="Pay for fresh noise, even where earlier releases are as exact.")]
Batch = Annotated[
    list[Path] | None,
    typer.Option(help="Ask the queries of these files together, one each: charged once, all or none. Repeatable."),
]


class Session:
    """What every command has: language, terminal, and the settings given by flags."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.console = Terminal()
        self.as_json = False
        self.sql: str | None = None
        """What was asked, to show the place of a problem in it."""
        self.config: Path | None = None
        self.given: Mapping[str, str | None] = {}

    def client(self) -> Client:
        """The client of the settings. Refuses: Unset, `key.*`."""
        return Client(read_client_settings(self.config, self.given))

    def show(self, document: Any, table: Callable[[], RenderableType]) -> None:
        """The document as JSON, or as a table."""
        if self.as_json:
            sys.stdout.write(json_text(document))
        else:
            self.console.print(table())


def _session(context: typer.Context, as_json: bool) -> Session:
    session: Session = context.obj
    session.as_json = as_json
    return session


@app.callback()
def prepare(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(envvar="VITRINE_CONFIG", help="Settings of the client.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of the service.")] = None,
    authority: Annotated[str | None, typer.Option(help="Its public name, when it differs from the address.")] = None,
    key: Annotated[str | None, typer.Option(help="Your private key file.")] = None,
    log_key: Annotated[str | None, typer.Option(help="The log's public key, or a file with it.")] = None,
    ca: Annotated[str | None, typer.Option(help="PEM file of the certificates to trust.")] = None,
    lang: Annotated[str | None, typer.Option(help="zh or en; by default the system's.")] = None,
) -> None:
    """Settings come from flags, from VITRINE_URL and the like, or from ~/.config/vitrine/config.toml."""
    if lang not in (None, "zh", "en"):
        raise typer.BadParameter("zh or en", param_hint="--lang")
    session: Session = context.obj
    session.config = config
    session.given = {"url": url, "authority": authority, "key": key, "log_key": log_key, "ca": ca}
    if lang is not None:
        session.words = Words(lang)


@app.command()
def demo(context: typer.Context) -> None:
    """Play the main job on real data: a service of its own, in a temporary folder."""
    session: Session = context.obj
    play(session.console, session.words)


@app.command()
def catalogue(context: typer.Context, as_json: Json = False) -> None:
    """The data sets that can be asked: tables, columns, value sets and ranges."""
    session = _session(context, as_json)
    with session.client() as client:
        found = client.catalogue()
    session.show(found, lambda: tables.catalogue(found, session.words))


@app.command()
def estimate(
    context: typer.Context,
    sql: Sql = None,
    file: File = None,
    licence: Licence = None,
    scenario: Scenario = None,
    dataset: Dataset = None,
    epsilon: Epsilon = None,
    rho: Rho = None,
    half_width: HalfWidth = None,
    relative: Relative = None,
    confidence: Confidence = "0.95",
    column: Column = None,
    expected_value: ExpectedValue = None,
    weight: Weight = None,
    expected_size: ExpectedSize = None,
    groups: Groups = None,
    rows: Rows = None,
    clip: Clip = None,
    fresh: Fresh = False,
    auto_ranges: Ranges = False,
    as_json: Json = False,
) -> None:
    """What a query would cost and how exact it would be, or what an accuracy would cost. Free."""
    session = _session(context, as_json)
    session.sql = _sql(sql, file)
    with session.client() as client:
        found = client.estimate(
            session.sql,
            Asked(epsilon, rho, half_width, relative, confidence, column, expected_value, weight).spend(),
            licence=licence,
            scenario=scenario,
            dataset=dataset,
            bounds=bounds_of(groups, rows, clip),
            expected_size=expected_size,
            reuse=not fresh,
            ranges="auto" if auto_ranges else None,
        )
    session.show(found, lambda: tables.estimate(found, session.words))


@app.command()
def query(
    context: typer.Context,
    sql: Sql = None,
    file: File = None,
    licence: Licence = None,
    scenario: Scenario = None,
    dataset: Dataset = None,
    epsilon: Epsilon = None,
    rho: Rho = None,
    half_width: HalfWidth = None,
    relative: Relative = None,
    confidence: Confidence = "0.95",
    column: Column = None,
    expected_value: ExpectedValue = None,
    weight: Weight = None,
    expected_size: ExpectedSize = None,
    groups: Groups = None,
    rows: Rows = None,
    clip: Clip = None,
    fresh: Fresh = False,
    batch: Batch = None,
    auto_ranges: Ranges = False,
    idempotency_key: Annotated[str | None, typer.Option(help="Go on with a request that may have been sent.")] = None,
    save_receipt: Annotated[Path | None, typer.Option(help="Write the checked receipt to this file.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Run on dummy records made from the card alone: free, about nobody.")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
    as_json: Json = False,
) -> None:
    """Ask: charged, then answered with error bars and a checked receipt. Exact repeats, dry runs and what
    follows from earlier releases are free."""
    session = _session(context, as_json)
    words = session.words
    if batch and (sql is not None or file is not None or csv or save_receipt is not None):
        raise typer.BadParameter("--batch goes with neither SQL nor --file, --csv or --save-receipt")
    session.sql = None if batch else _sql(sql, file)
    with session.client() as client, Terminal(stderr=True).status(words("working")):
        named = {"licence": licence, "scenario": scenario, "dataset": dataset}
        ranges: Literal["auto"] | None = "auto" if auto_ranges else None
        spend = Asked(epsilon, rho, half_width, relative, confidence, column, expected_value, weight).spend()
        limits = bounds_of(groups, rows, clip)
        if session.sql is None:
            several = client.batch(
                [each.read_text(encoding="utf-8") for each in batch or ()],
                spend,
                **named,
                bounds=limits,
                expected_size=expected_size,
                ranges=ranges,
                reuse=not fresh,
                dry_run=dry_run,
                idempotency_key=idempotency_key,
            )
            session.show(several.document, lambda: tables.batch(several, words))
            return
        if dry_run:
            found = client.dry_run(
                session.sql, spend, **named, bounds=limits, expected_size=expected_size, ranges=ranges
            )
        else:
            found = client.query(
                session.sql,
                spend,
                **named,
                bounds=limits,
                expected_size=expected_size,
                reuse=not fresh,
                ranges=ranges,
                idempotency_key=idempotency_key,
            )
    if save_receipt is not None:
        save_receipt.write_text(json.dumps(found.document["receipt"], indent=2) + "\n", encoding="utf-8")
    if csv:
        text = release_csv(found.release)
        sys.stdout.write(visible(text) if sys.stdout.isatty() else text)
    else:
        session.show(found.document, lambda: tables.answer(found, words))


@app.command()
def history(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=256, help="How many.")] = 20,
    as_json: Json = False,
) -> None:
    """Your own charged requests, newest first."""
    session = _session(context, as_json)
    with session.client() as client:
        found = client.history(limit)
    session.show(found, lambda: tables.history(found, session.words))


@app.command()
def budget(
    context: typer.Context,
    licence: Annotated[str | None, typer.Argument(help="Id of the licence; left out, all of them.")] = None,
    as_json: Json = False,
) -> None:
    """What is left of your institution's licences. What is spent never comes back."""
    session = _session(context, as_json)
    with session.client() as client:
        found = client.licences() if licence is None else {"licences": [client.licence(licence)]}
    session.show(found, lambda: tables.licences(found["licences"], session.words))


@app.command()
def status(
    context: typer.Context,
    charge: Annotated[str | None, typer.Argument(metavar="ID", help="Id of a query.")] = None,
    as_json: Json = False,
) -> None:
    """The state of the service and of its log, or of one query."""
    session = _session(context, as_json)
    words = session.words
    with session.client() as client:
        if charge is None:
            note, head = client.checkpoint()
            found = {**client.health(), "key": client.key_id, "log": {"size": head.size, "root": head.root.hex()}}
            found["checkpoint"] = note
            session.show(found, lambda: tables.facts(found))
            return
        answer = client.status(charge)
    match answer:
        case Pending(identifier):
            pending = {"id": identifier, "state": "authorized"}
            session.show(pending, lambda: words("pending", id=identifier))
        case BatchAnswer():
            session.show(answer.document, lambda: tables.batch(answer, words))
        case _:
            session.show(answer.document, lambda: tables.answer(answer, words))


@keys.command("new")
def key_new(
    context: typer.Context,
    private: Annotated[Path, typer.Argument(help="File of the new private key; NAME.pub is written beside it.")],
    as_json: Json = False,
) -> None:
    """Make a person's signing key. The private key never leaves this machine; register the public one."""
    session = _session(context, as_json)
    made = make_private_key(private)
    public = private.with_name(f"{private.name}.pub")
    write_public_key(public, made.public_key())
    found = {"key": key_id(made.public_key()), "private": str(private), "public": str(public)}
    session.show(found, lambda: tables.facts(found))


@audit.command(
    "verify", context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def audit_verify(context: typer.Context) -> None:
    """Check an exported log offline, with public keys alone."""
    become("sandbox.audit.command", context.args)


@audit.command("fetch")
def audit_fetch(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="Where the copy stands; one that is there is continued.")],
    as_json: Json = False,
) -> None:
    """Copy the log over the API, for `audit verify`. Needs the role auditor."""
    session = _session(context, as_json)
    with session.client() as client:
        size, fetched = client.copy_log(directory)
    found = {"directory": str(directory), "entries": size, "fetched": fetched}
    session.show(found, lambda: tables.facts(found))


def main() -> None:
    """Runs the command. Status 1: refused; 2: not understood; 3: not reached, not believed, or a process ended."""
    session = Session(Words(system_language()))
    try:
        app(obj=session)
    except Problem as problem:
        _fail(session, 1, problem.document, refusals.problem(problem, session.sql, session.words))
    except Refusal as refusal:
        sentence = getattr(PROBLEMS[refusal.code], session.words.language).format(**refusal.detail)
        shown = Text.assemble((refusal.code, "bold red"), "  ", sentence)
        _fail(session, 1, {"code": refusal.code, "detail": sentence}, shown)
    except Unset as unset:
        _fail(session, 2, {"code": "unset", "detail": str(unset)}, str(unset))
    except Unreachable as lost:
        key = lost.idempotency_key
        text = session.words("unreachable.reading") if key is None else session.words("unreachable", key=key)
        _fail(session, 3, {"code": "unreachable", "detail": text, "idempotency_key": key}, text)
    except Unproven as unproven:
        text = session.words("unproven", why=unproven)
        _fail(session, 3, {"code": "unproven", "detail": text}, text)
    except Ended as ended:
        _fail(session, 3, {"code": "ended", "detail": str(ended)}, str(ended))


def _fail(session: Session, code: int, document: Mapping[str, Any], shown: RenderableType) -> NoReturn:
    """Says why on standard error, or as JSON on standard output, and exits."""
    if session.as_json:
        session.show(document, lambda: shown)
    else:
        Terminal(stderr=True).print(shown)
    sys.exit(code)


def _sql(sql: str | None, file: Path | None) -> str:
    if sql is not None and file is not None:
        raise typer.BadParameter("give the SQL or --file, not both")
    if sql is not None:
        return sql
    return file.read_text(encoding="utf-8") if file is not None else sys.stdin.read()
