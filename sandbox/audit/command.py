"""`vitrine audit verify`: checks an exported log with public keys alone. Needs no state, database, web or engine."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sandbox.audit.checkpoint import LogPublicKey
from sandbox.audit.merkle import Unverified
from sandbox.audit.verify import Report, verify
from sandbox.errors import PROBLEMS, Refusal
from sandbox.keys import read_public_key
from sandbox.visible import json_text, visible


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `verify`."""
    parser.add_argument("directory", type=Path, help="an exported log")
    parser.add_argument("--log-key", type=Path, required=True, help="file with the log's public key")
    parser.add_argument("--department-key", type=Path, help="PEM file with the department's public key")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], help="a checkpoint kept from before")


def run(options: argparse.Namespace) -> int:
    """Prints the report; 0 when nothing was found wrong."""
    try:
        report = verify(
            options.directory,
            LogPublicKey.parse(options.log_key.read_text(encoding="utf-8")),
            _department(options.department_key),
            [path.read_text(encoding="utf-8") for path in options.checkpoint],
        )
    except Refusal as refusal:
        sys.stderr.write(visible(f"audit verify: {PROBLEMS[refusal.code].en.format_map(refusal.detail)}\n"))
        return 2
    except (OSError, UnicodeDecodeError, Unverified) as error:
        sys.stderr.write(visible(f"audit verify: {error}\n"))
        return 2
    sys.stdout.write(json_text(report.to_json()) if options.json else visible(_text(report)))
    return 0 if report.ok else 1


def main() -> int:
    """`python -m sandbox.audit.command`: the same without the rest of the sandbox."""
    parser = argparse.ArgumentParser(prog="vitrine audit verify", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the machine-readable report")
    add_arguments(parser)
    return run(parser.parse_args())


def _department(path: Path | None) -> Ed25519PublicKey | None:
    return None if path is None else read_public_key(path)


def _text(report: Report) -> str:
    lines = [
        f"entries verified   {report.verified} of {report.size}",
        f"tree head          {'none' if report.root is None else report.root.hex()}",
        *(f"  {kind:<22} {count}" for kind, count in sorted(report.counts.items())),
        f"open charges       {report.open_charges}",
        *(f"FINDING {json.dumps(finding.to_json(), ensure_ascii=False)}" for finding in report.findings),
        "the log verifies" if report.ok else f"the log does NOT verify: {report.total_findings} finding(s)",
    ]
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
