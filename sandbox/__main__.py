"""The sandbox's commands: `python -m sandbox …`, run by `vitrine` under the same names."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeAlias

from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from policies.rules import Role
from sandbox.audit import command as audit_command
from sandbox.confinement.rights import keep_memory
from sandbox.errors import Refusal, told
from sandbox.state import StateFolder, create
from sandbox.terminal import Terminal
from sandbox.upkeep import commands
from sandbox.upkeep.doctor import examine
from sandbox.visible import json_text, visible


def main() -> int:
    """Runs one command; 0 when it was done, 1 when it was refused. What it writes is its user's alone."""
    keep_memory()
    os.umask(0o077)
    options = _parser().parse_args()
    try:
        found = options.run(options)
    except Refusal as refusal:
        _refused(refusal, options)
        return 1
    except SQLAlchemyError as error:
        _refused(Refusal("state.database", {"what": type(error).__name__}), options)
        return 1
    except OSError as error:
        _refused(Refusal("state.disk", {"what": f"{error.filename or ''}: {error.strerror}"}), options)
        return 1
    if isinstance(found, int):
        return found
    if found is not None:
        _show(found, as_json=options.json)
    return 0


def _init(options: argparse.Namespace) -> Mapping[str, object]:
    settings: dict[str, str | int] = {
        "authority": options.authority,
        "origin": options.origin,
        "socket": "sandbox.sock",
        "database": "sqlite",
        "tick_milliseconds": options.tick,
        "row_nanoseconds": 10,
        "workers": 2,
        "worker_threads": max(1, (os.cpu_count() or 1)),
        "worker_megabytes": 4096,
        "worker_jobs": 1000,
        "worker_seconds": 600,
        "free_seconds": 30,
        "frontends": 2,
        "connections": 32,
        "max_body": 65536,
        "max_cells": 100_000,
        "requests_per_second": 200,
        "person_requests_per_minute": 600,
        "institution_requests_per_minute": 1800,
        "person_requests_at_once": 8,
        "institution_requests_at_once": 16,
        "max_failures": 3,
        "without_layers": "",
    }
    state = create(options.state, settings, options.policies)
    return {"state": str(state.path), "log_key": str(state.log_public_key)}


def _serve(options: argparse.Namespace) -> NoReturn:
    """Becomes the service, whose imports no other command needs."""
    where = [str(options.state), *([] if options.socket is None else [str(options.socket)])]
    os.execv(sys.executable, [sys.executable, "-P", "-m", "sandbox.serving.service", *where])  # noqa: S606 - no shell


def _restore(options: argparse.Namespace) -> Mapping[str, object]:
    return commands.restore(
        _state(options),
        options.directory,
        options.key,
        options.checkpoint,
        nothing_newer=options.nothing_newer,
        lost=options.lost,
    )


def _check(options: argparse.Namespace) -> int:
    """0 when nothing differs."""
    found = commands.check_database(_state(options))
    _show(found, as_json=options.json)
    return 1 if found else 0


def _doctor(options: argparse.Namespace) -> int:
    """0 when everything is well."""
    rows = examine(_state(options))
    if options.json:
        _write(rows)
    else:
        table = Table("check", "", "finding", box=None)
        for row in rows:
            table.add_row(str(row["check"]), "ok" if row["well"] else Text("NO", "bold red"), str(row["finding"]))
        Terminal().print(table)
    return 0 if all(row["well"] for row in rows) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The trusted side of Vitrine.")
    kinds = parser.add_subparsers(required=True, metavar="COMMAND")

    init = _command(kinds, "init", "make a state folder with all keys", _init)
    init.add_argument("--authority", required=True, help="public name that signed requests carry, HOST[:PORT]")
    init.add_argument("--origin", required=True, help="name of the log")
    init.add_argument("--tick", type=int, required=True, help="milliseconds; charged answers leave on multiples of it")
    init.add_argument("--policies", type=Path, required=True, help="folder with cards/ and domains/")
    serve = _command(kinds, "serve", "serve until told to stop", _serve)
    serve.add_argument("--socket", type=Path, help="another Unix socket than the settings': of a further sandbox")
    _command(kinds, "doctor", "whether this machine is fit to serve, and how workers are confined on it", _doctor)
    _command(kinds, "status", "what is in force, and the accounts", lambda options: commands.status(_state(options)))

    institution = _group(kinds, "institution")
    add = _command(
        institution, "add", "register an institution", lambda o: commands.add_institution(_state(o), o.id, o.name)
    )
    add.add_argument("--id", required=True)
    add.add_argument("--name", required=True)

    add = _command(
        institution,
        "revoke",
        "revoke an institution, its people and their keys",
        lambda o: commands.revoke_institution(_state(o), o.id),
    )
    add.add_argument("id")

    person = _group(kinds, "person")
    add = _command(
        person,
        "add",
        "register a person",
        lambda o: commands.add_person(_state(o), o.id, o.institution, o.role),
    )
    add.add_argument("--id", required=True)
    add.add_argument("--institution", required=True)
    add.add_argument("--role", action="append", required=True, choices=[role.value for role in Role])

    add = _command(
        person, "revoke", "revoke a person and their keys", lambda o: commands.revoke_person(_state(o), o.id)
    )
    add.add_argument("id")

    key = _group(kinds, "key")
    add = _command(
        key,
        "register",
        "register a person's signing key",
        lambda o: commands.register_key(_state(o), o.person, o.public, o.expires),
    )
    add.add_argument("--person", required=True)
    add.add_argument("--public", type=Path, required=True)
    add.add_argument("--expires", type=_moment, required=True, help="YYYY-MM-DD, UTC")
    add = _command(key, "revoke", "revoke a signing key", lambda o: commands.revoke_key(_state(o), o.id))
    add.add_argument("id")

    dataset = _group(kinds, "dataset")
    add = _command(
        dataset,
        "load",
        "load files, one per table and named like it, into a sealed snapshot",
        lambda o: commands.load(_state(o), o.dataset, o.files, _tell),
    )
    add.add_argument("dataset")
    add.add_argument("files", type=Path, nargs="+")
    add = _command(dataset, "withdraw", "withdraw a data set", lambda o: commands.withdraw(_state(o), o.dataset))
    add.add_argument("dataset")

    add = _command(
        dataset,
        "destroy",
        "overwrite the keys of a withdrawn data set's snapshots",
        lambda o: commands.destroy(_state(o), o.dataset),
    )
    add.add_argument("dataset")
    vault = _group(kinds, "vault")
    _command(vault, "rotate", "give the vault a new key", lambda o: commands.rotate_vault(_state(o)))

    licence = _group(kinds, "licence")
    add = _command(licence, "sign", "sign a licence text", lambda o: commands.sign(o.text, o.key, o.out))
    add.add_argument("text", type=Path)
    add.add_argument("--key", type=Path, required=True, help="the department's private key")
    add.add_argument("--out", type=Path, required=True)
    add = _command(
        licence, "issue", "put a signed licence in force", lambda o: commands.issue_licence(_state(o), o.file)
    )
    add.add_argument("file", type=Path)
    _command(licence, "list", "every licence", lambda o: commands.licences(_state(o)))
    for change in ("suspend", "resume", "revoke"):
        add = _command(
            licence,
            change,
            f"{change} a licence",
            partial(_change, change),
        )
        add.add_argument("licence")

    audit = _group(kinds, "audit")
    add = _command(
        audit, "export", "write the log to a directory", lambda o: commands.export_log(_state(o), o.directory)
    )
    add.add_argument("directory", type=Path)
    _command(audit, "check", "compare the database with its log", _check)
    add = _command(audit, "verify", "check an exported log offline", audit_command.run)
    audit_command.add_arguments(add)

    add = _command(
        kinds,
        "backup",
        "write a verified backup, also while the state is served",
        lambda o: commands.backup(_state(o), o.directory, o.key),
    )
    add.add_argument("directory", type=Path)
    add.add_argument("--key", type=Path, required=True, help="the backup key, made where there is none; keep it apart")
    add = _command(kinds, "restore", "verify a backup and put it in place", _restore)
    add.add_argument("directory", type=Path)
    add.add_argument("--key", type=Path, required=True, help="the backup key")
    add.add_argument(
        "--checkpoint",
        type=Path,
        action="append",
        default=[],
        help="a checkpoint or receipt kept elsewhere, the newest there is; repeatable",
    )
    word = add.add_mutually_exclusive_group()
    word.add_argument("--nothing-newer", action="store_true", help="nothing was charged after the backup")
    word.add_argument("--lost", action="store_true", help="what was charged after the backup is lost: recover follows")
    add = _command(
        kinds,
        "recover",
        "close every account and begin the log anew, when its newest entries are lost for good",
        lambda o: commands.recover(_state(o), o.origin),
    )
    add.add_argument("--origin", required=True, help="name of the new log")
    return parser


Kinds: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - argparse has no other name


def _group(kinds: Kinds, name: str) -> Kinds:
    return kinds.add_parser(name).add_subparsers(required=True, metavar="COMMAND")


def _command(
    kinds: Kinds,
    name: str,
    help_text: str,
    run: Callable[[argparse.Namespace], commands.Row | list[commands.Row] | int | None],
) -> argparse.ArgumentParser:
    parser = kinds.add_parser(name, help=help_text, description=help_text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--state",
        type=Path,
        default=Path(os.environ.get("VITRINE_STATE", "vitrine-state")),
        help="state folder (default: $VITRINE_STATE, else ./vitrine-state)",
    )
    parser.set_defaults(run=run)
    return parser


def _change(change: str, options: argparse.Namespace) -> commands.Row:
    return commands.change_licence(_state(options), change, options.licence)


def _state(options: argparse.Namespace) -> StateFolder:
    return StateFolder(options.state)


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


def _tell(line: str) -> None:
    """For the provider's own terminal (rule 4)."""
    sys.stderr.write(visible(f"{line}\n"))


def _refused(refusal: Refusal, options: argparse.Namespace) -> None:
    if options.json:
        _write({"code": refusal.code, "detail": dict(refusal.detail)})
    sys.stderr.write(visible(told(refusal)))


def _show(found: commands.Row | list[commands.Row], *, as_json: bool) -> None:
    if as_json:
        _write(found)
        return
    for row in found if isinstance(found, list) else [found]:
        table = Table(show_header=False, box=None)
        for name, value in row.items():
            table.add_row(str(name), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        Terminal().print(table)


def _write(found: object) -> None:
    sys.stdout.write(json_text(found))


if __name__ == "__main__":
    sys.exit(main())
