"""A witness of logs over HTTP: `vitrine audit witness`, run by a regulator on a machine of its own.

```
witness.toml      its name
ed25519.pem       signs cosignatures (C2SP tlog-cosignature), as does
ml-dsa.pem        its post-quantum key
witness.pub       both public keys, handed to logs and auditors
logs/*.pub        the public keys of the logs it knows, a file a log
memory/           the newest checkpoint of each that it cosigned
```
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from query_gateway.listening import add_flags, listening
from sandbox.audit.checkpoint import LogPublicKey
from sandbox.audit.merkle import Unverified
from sandbox.audit.notes import KeyKind, NoteKey
from sandbox.audit.witness import LARGEST_REQUEST, TEXT_MEDIA, Witness, WitnessKey
from sandbox.disk import make_folder, put
from sandbox.errors import PROBLEMS, Refusal
from sandbox.keys import make_ml_dsa_key, make_private_key, read_ml_dsa_key, read_private_key
from sandbox.serving import operator_log
from sandbox.visible import visible

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def create_witness(folder: Path, name: str) -> WitnessKey:
    """A new witness's folder. Refuses `key.exists`; Unverified for a name that no key can have."""
    NoteKey(name, KeyKind.COSIGNATURE, bytes(32))
    for each in (folder, folder / "logs"):
        make_folder(each)
    key = WitnessKey(name, make_private_key(folder / "ed25519.pem"), make_ml_dsa_key(folder / "ml-dsa.pem"))
    put(folder / "witness.pub", "".join(f"{each}\n" for each in key.public).encode(), 0o644)
    put(folder / "witness.toml", f'name = "{name}"\n'.encode())
    return key


def open_witness(folder: Path) -> Witness:
    """The witness of a folder. Refuses `key.*`; OSError, ValueError and Unverified for files that are not as made."""
    name = tomllib.loads((folder / "witness.toml").read_text(encoding="utf-8"))["name"]
    key = WitnessKey(name, read_private_key(folder / "ed25519.pem"), read_ml_dsa_key(folder / "ml-dsa.pem"))
    texts = [path.read_text(encoding="utf-8") for path in sorted((folder / "logs").glob("*.pub"))]
    return Witness(folder / "memory", key, [LogPublicKey.parse(text) for text in texts])


def create_app(witness: Witness) -> Starlette:
    """The witness as an ASGI application: `POST /add-checkpoint`, `GET /checkpoint?origin=…`, `GET /healthz`."""

    async def add(request: Request) -> Response:
        body = await _body(request.stream())
        if body is None:
            return PlainTextResponse("", 413, _HEADERS)
        answer = await run_in_threadpool(witness.add_checkpoint, body, int(time.time()))
        return Response(answer.body, answer.status, {**_HEADERS, "content-type": answer.media})

    async def newest(request: Request) -> Response:
        note = await run_in_threadpool(witness.newest, request.query_params.get("origin", ""))
        return Response(note or "", 404 if note is None else 200, {**_HEADERS, "content-type": TEXT_MEDIA})

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_HEADERS)

    return Starlette(
        routes=[
            Route("/add-checkpoint", add, methods=["POST"]),
            Route("/checkpoint", newest),
            Route("/healthz", healthy),
        ]
    )


async def _body(pieces: AsyncIterator[bytes]) -> bytes | None:
    """The body; None when it is larger than any submission."""
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > LARGEST_REQUEST:
            return None
    return bytes(body)


def parser() -> argparse.ArgumentParser:
    """`vitrine audit witness init FOLDER --name NAME`, then `vitrine audit witness serve FOLDER`."""
    found = argparse.ArgumentParser(prog="vitrine audit witness", description=__doc__.partition("\n")[0])
    verbs = found.add_subparsers(required=True, metavar="COMMAND")
    init = verbs.add_parser("init", help="make a witness's folder and keys")
    init.add_argument("folder", type=Path)
    init.add_argument("--name", required=True, help="its name in signatures, for example witness.example.org/vitrine")
    init.set_defaults(run=_init)
    serve = verbs.add_parser("serve", help="cosign what logs submit")
    serve.add_argument("folder", type=Path)
    add_flags(serve, listen="127.0.0.1:8090")
    serve.set_defaults(run=_serve)
    return found


def main() -> int:
    """Runs one of them; 0 when it was done."""
    options = parser().parse_args()
    os.umask(0o077)
    try:
        options.run(options)
    except Refusal as refusal:
        text = PROBLEMS[refusal.code].en.format_map(refusal.detail)
    except (OSError, ValueError, KeyError, Unverified) as error:
        text = str(error)
    else:
        return 0
    sys.stderr.write(visible(f"audit witness: {text}\n"))
    return 1


def _init(options: argparse.Namespace) -> None:
    key = create_witness(options.folder, options.name)
    sys.stdout.write("".join(f"{each}\n" for each in key.public))


def _serve(options: argparse.Namespace) -> None:
    where = listening(options)
    app = create_app(open_witness(options.folder))
    operator_log.begin()
    uvicorn.Server(where.serving(app)).run()


if __name__ == "__main__":
    sys.exit(main())
