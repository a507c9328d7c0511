"""The operator's commands: each becomes the sandbox's command of the same name; `serve` starts both sides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from query_gateway.processes import GATEWAY, SANDBOX, become, children, module_command
from sandbox.settings import read_settings

_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""Every argument, also --help, is the other command's."""

_COMMANDS: Mapping[str, str] = {
    "init": "Make a state folder with all keys and settings.",
    "doctor": "Whether this machine is fit to serve, and how workers are confined on it.",
    "backup": "Write a verified backup, also while the state is served.",
    "restore": "Verify a backup and put it in place; refuse to roll the log back.",
    "recover": "Close every account and begin the log anew, when its newest entries are lost for good.",
    "institution add": "Register an institution.",
    "institution revoke": "Revoke an institution, its people and their signing keys.",
    "person add": "Register a person of an institution.",
    "person revoke": "Revoke a person and their signing keys.",
    "key register": "Register a person's signing key.",
    "key revoke": "Revoke a signing key.",
    "dataset load": "Load files into a sealed snapshot.",
    "dataset withdraw": "Withdraw a data set.",
    "dataset destroy": "Overwrite the keys of a withdrawn data set's snapshots.",
    "vault rotate": "Give the vault a new key.",
    "licence sign": "Sign a licence text with the department's key.",
    "licence issue": "Put a signed licence in force.",
    "licence list": "Every licence and its state.",
    "licence suspend": "Suspend a licence.",
    "licence resume": "Resume a suspended licence.",
    "licence revoke": "Revoke a licence.",
    "audit export": "Write the log to a directory that verifies offline.",
    "audit check": "Compare the database with its own log.",
}

State = Annotated[Path, typer.Option(envvar="VITRINE_STATE", help="State folder of the sandbox.")]
Listen = Annotated[str, typer.Option(help="HOST:PORT of the gateway.")]
Certificate = Annotated[Path | None, typer.Option(help="PEM file of the certificate chain.")]
CertificateKey = Annotated[Path | None, typer.Option(help="PEM file of its private key.")]

BehindProxy = Annotated[
    bool, typer.Option("--behind-proxy", help="A proxy speaks TLS: listen beyond this host without.")
]


def add_commands(app: typer.Typer, groups: Mapping[str, typer.Typer]) -> None:
    """Adds them to the command; `groups` are those that have commands of their own too."""
    found = dict(groups)
    for name, sentence in _COMMANDS.items():
        group, _, verb = name.partition(" ")
        if not verb:
            _pass_on(app, name, sentence)
            continue
        if group not in found:
            found[group] = typer.Typer(no_args_is_help=True, help=f"Operator: {group}.")
            app.add_typer(found[group], name=group)
        _pass_on(found[group], name, sentence)
    app.add_typer(_serving(), name="serve")
    found["audit"].add_typer(_witnessing(), name="witness")


def _witnessing() -> typer.Typer:
    witnessing = typer.Typer(no_args_is_help=True, help="A witness of logs, run by a regulator.")
    for name, sentence in {"init": "Make a witness's folder and keys.", "serve": "Cosign what logs submit."}.items():

        @witnessing.command(name, help=sentence, context_settings=dict(_PASSED_ON))
        def command(context: typer.Context, name: str = name) -> None:
            become("query_gateway.witness", [name, *context.args], GATEWAY)

    return witnessing


def _pass_on(group: typer.Typer, name: str, sentence: str) -> None:
    words = name.split()

    @group.command(words[-1], help=sentence, context_settings=dict(_PASSED_ON))
    def command(context: typer.Context) -> None:
        become("sandbox", [*words, *context.args], SANDBOX)


def _serving() -> typer.Typer:
    serving = typer.Typer(help="Serve gateway and sandbox, or one of them alone.")

    @serving.callback(invoke_without_command=True)
    def both(
        context: typer.Context,
        state: State = Path("vitrine-state"),
        listen: Listen = "127.0.0.1:8080",
        tls_cert: Certificate = None,
        tls_key: CertificateKey = None,
        behind_proxy: BehindProxy = False,
    ) -> None:
        """Serve both as two processes: one that is killed is started again; one that ends by itself ends both."""
        if context.invoked_subcommand is not None:
            return
        settings = read_settings(state)
        options = ["--listen", listen, "--max-body", str(settings.max_body), "--connections", str(settings.connections)]
        if tls_cert is not None:
            options += ["--tls-cert", str(tls_cert)]
        if tls_key is not None:
            options += ["--tls-key", str(tls_key)]
        if behind_proxy:
            options += ["--behind-proxy"]
        with children() as running:
            running.start("sandbox", module_command("sandbox", "serve", "--state", str(state)))
            running.start("gateway", module_command("query_gateway", "--socket", str(settings.socket), *options))
            running.keep()

    @serving.command("gateway", context_settings=dict(_PASSED_ON))
    def gateway(context: typer.Context) -> None:
        """Serve the HTTP API in front of a sandbox's socket."""
        become("query_gateway", context.args, GATEWAY)

    @serving.command("sandbox", context_settings=dict(_PASSED_ON))
    def sandbox(context: typer.Context) -> None:
        """Serve the sandbox's socket."""
        become("sandbox", ["serve", *context.args], SANDBOX)

    return serving
