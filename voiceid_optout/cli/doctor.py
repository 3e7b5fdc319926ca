"""``optout doctor``: look at everything a run needs and say what is wrong."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from voiceid_optout.cli import context as contexts
from voiceid_optout.cli.config import salt_of_state
from voiceid_optout.cli.connection import client_settings, environment_for, in_environment, sources
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.options import stack_options, with_options
from voiceid_optout.cli.output import console_of, echo, reported
from voiceid_optout.config import ConfigInvalid
from voiceid_optout.engine.interface import place_of
from voiceid_optout.foreign_text import printable
from voiceid_optout.register.faults import RegisterError
from voiceid_optout.register.report import summary
from voiceid_optout.state import StackError, trust
from voiceid_optout.state import checkpoint as checkpoints
from voiceid_optout.state.backend import Backend, read_locks
from voiceid_optout.voiceid import VoiceIdError
from voiceid_optout.voiceid.place import shell_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from voiceid_optout.cli.context import Context
    from voiceid_optout.voiceid.aws_config import Identity
    from voiceid_optout.voiceid.client import Client


_MARKS = {"ok": ("ok  ", "green"), "note": ("note", "yellow"), "fail": ("FAIL", "red")}


@click.command(name="doctor")
@with_options(*stack_options, click.option("--json", "as_json", is_flag=True, help="Print one JSON object."))
def doctor_command(*, as_json: bool, **choices: Any) -> None:
    """Check everything that a run needs, and say what to do if something is missing.

    This checks Python, the Pulumi CLI, project file, stack file, register, passphrase, the state and
    its lock. It says where region, endpoint and credentials come from, and asks the Voice ID endpoint about each
    domain. Nothing is changed.

    \b
    Example
      $ optout doctor --stack production
      ok    register      14 people in 2 files
      FAIL  endpoint      http://127.0.0.1:8099 does not answer ...

    Exit codes: 0 all is well, 1 something is not.
    """  # noqa: D301 - click's own mark for "do not wrap"
    console = console_of(err=as_json)
    findings = []
    with reported():
        context = contexts.read(choices["root"], choices["stack"])
        for finding in examine(context):
            findings.append(finding)
            mark, style = _MARKS[finding.verdict]
            console.print(Text.assemble((mark, style), f"  {finding.subject:<12}  {printable(finding.text)}"))
    if as_json:
        rows = [{"subject": item.subject, "verdict": item.verdict, "text": item.text} for item in findings]
        echo(json.dumps({"version": 1, "findings": rows}, indent=2))
    if any(item.verdict == "fail" for item in findings):
        sys.exit(ExitCode.FAILED)


_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. ``verdict`` is ok, note or fail."""

    subject: str
    verdict: str
    text: str


def examine(context: Context) -> Iterator[Finding]:
    """Yield a finding for each thing a run needs."""
    yield Finding("python", "ok", platform.python_version())
    yield _pulumi(context)
    yield _project(context)
    yield _caught("register", lambda: _register(context))
    # What leads elsewhere is not followed, not even to look.
    faults = list(context.file_faults()) or list(shell_faults(context.place, context.environment))
    yield from (Finding("place", "fail", fault) for fault in faults)
    if faults:
        return
    with ExitStack() as cleanup:
        try:
            environment = cleanup.enter_context(environment_for(context))
        except CommandError as error:
            yield Finding("service", "fail", str(error))
            return
        yield _caught("passphrase", lambda: _passphrase(context, environment))
        yield _caught("state", lambda: _state(context))
        yield from _endpoint(context, environment)


def _caught(subject: str, examination: Callable[[], Finding]) -> Finding:
    try:
        return examination()
    except (StackError, CommandError) as error:
        return Finding(subject, "fail", str(error))


def _pulumi(context: Context) -> Finding:
    path = shutil.which("pulumi", path=context.environment.get("PATH"))
    if path is None:
        return Finding("pulumi", "ok", "no Pulumi CLI on PATH: the embedded engine does the work")
    try:
        answer = subprocess.run(  # noqa: S603 - the CLI that was found on PATH
            [path, "version"], capture_output=True, text=True, check=True, timeout=_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return Finding("pulumi", "fail", f"{path} does not run: reinstall it or pass --engine embedded")
    return Finding("pulumi", "ok", f"{answer.stdout.strip()} on PATH; --engine embedded does without it")


def _project(context: Context) -> Finding:
    path = context.project.root / context.project.main
    program = path / "__main__.py" if path.is_dir() else path
    if not program.is_file():
        return Finding(
            "project",
            "fail",
            f"no program: {program} is missing; restore it from Git, or see `main` in Pulumi.yaml",
        )
    return Finding("project", "ok", f"{context.project.name}, stack {context.stack}")


def _register(context: Context) -> Finding:
    try:
        return Finding("register", "ok", summary(context.register).removeprefix("ok: "))
    except ConfigInvalid:
        return Finding("register", "note", "not read: the stack's settings say where it is, and cannot be used")
    except RegisterError as error:
        first = str(error).splitlines()[0]
        return Finding("register", "fail", f"{first} (`optout validate` lists everything)")


def _passphrase(context: Context, environment: Mapping[str, str]) -> Finding:
    from voiceid_optout.state import passphrase  # noqa: PLC0415 - not for --help

    phrase = passphrase.find({**context.environment, **environment})
    if context.settings.salt is None and (lost := salt_of_state(context)) is not None:
        passphrase.open_with(phrase, lost)
        return Finding(
            "passphrase",
            "fail",
            f"{context.settings.path.name} has lost its encryptionsalt, and the state is sealed with it: restore "
            f"the file from Git, or add this line to it: encryptionsalt: {lost}",
        )
    if context.settings.salt is None:
        return Finding("passphrase", "note", "set; the first `up` adds an encryptionsalt to the stack file")
    passphrase.open_with(phrase, context.settings.salt)
    return Finding("passphrase", "ok", "fits the stack")


def _state(context: Context) -> Finding:
    if context.remote_backend:
        return Finding("state", "note", f"in {place_of(context.remote_backend)}: only the Pulumi CLI can read it")
    backend = Backend(context.backend(), context.project.name, context.stack)
    for lock in read_locks(backend.lock_folder):
        if lock.is_abandoned:
            return Finding("state", "note", f"an abandoned lock of {lock.holder}; the next run takes it over")
        return Finding("state", "fail", f"locked by {lock.holder} since {lock.since}: wait, or run `optout unlock`")
    content = backend.read()
    if content is None:
        return Finding("state", "ok", "none yet; the first `up` makes it")
    resources = checkpoints.parse(content, str(backend.state_file)).resources
    _trust(content, backend, "state")
    if trust.Inspection.of(content, str(backend.root)).clear:
        advice = "`optout refresh --engine embedded` seals them"
        return Finding("state", "fail", f"{backend.state_file} holds identifiers in clear: {advice}")
    if backend.journal_file.exists():
        _trust(b"[%s]" % b",".join(_whole_lines(backend.journal_file)), backend, "journal of a killed run")
        return Finding("state", "note", "a run was cut short; the next one recovers what it did")
    if not os.access(backend.state_file.parent, os.W_OK):
        return Finding("state", "fail", f"{backend.state_file.parent} cannot be written")
    return Finding("state", "ok", f"{len(resources):,} resources, {len(content):,} bytes")


def _trust(content: bytes, backend: Backend, what: str) -> None:
    place = str(backend.root)
    trust.require(trust.Inspection.of(content, place).named, place, None, what=what)


def _whole_lines(path: Path) -> list[bytes]:
    try:
        return [line.rstrip(b"\n") for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    except OSError as error:
        raise CommandError(f"cannot read the journal {path}: {error.strerror}") from error


def _endpoint(context: Context, environment: Mapping[str, str]) -> Iterator[Finding]:
    from voiceid_optout.voiceid.client import Client  # noqa: PLC0415 - not for --help

    with in_environment(environment):
        try:
            domain_ids = _domain_ids(context)
            settings = client_settings(context, environment)
            if not context.is_sandbox:
                yield Finding("settings", "ok", sources(context, environment))
            yield _credentials(settings.identity)
            client = Client(settings)
        except (VoiceIdError, CommandError) as error:
            yield Finding("endpoint", "fail", str(error))
            return
        with closing(client):
            for domain_id in domain_ids:
                yield _domain(client, domain_id, settings.place())
    if not domain_ids:
        yield Finding(
            "endpoint", "note", f"not asked: neither register nor stack names a domain of {settings.place()}"
        )


def _credentials(identity: Identity) -> Finding:
    from voiceid_optout.voiceid.credentials import credential_source  # noqa: PLC0415 - not for --help

    try:
        return Finding("credentials", "ok", credential_source(identity, os.environ))
    except VoiceIdError as error:
        return Finding("credentials", "fail", str(error))


def _domain_ids(context: Context) -> list[str]:
    """Return the domains of the stack's config and of the register."""
    domains, default = context.domains()
    found = {*domains.values(), *([default] if default else [])}
    with suppress(RegisterError):  # that has a finding of its own
        found |= {entry.domain_id for entry in context.register.entries}
    return sorted(found)


def _domain(client: Client, domain_id: str, place: str) -> Finding:
    try:
        domain = client.describe_domain(domain_id)
    except VoiceIdError as error:
        return Finding("endpoint", "fail", str(error))
    verdict = "ok" if domain.status == "ACTIVE" else "fail"
    return Finding("endpoint", verdict, f"domain {domain_id} of {place} is {domain.status}")
