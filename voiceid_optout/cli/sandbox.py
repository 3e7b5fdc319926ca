"""The sandbox stack's service: the one that runs already, or one for the time of a command."""

from __future__ import annotations

import configparser
import subprocess
import sys
import time
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from voiceid_optout.cli import aws
from voiceid_optout.cli.context import DATA_FOLDER, require_shell
from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.serve_options import require_service
from voiceid_optout.service.data_folder import Running, find, ignore
from voiceid_optout.voiceid.place import EXPORTED_FOR, PASSPHRASE, SANDBOX_PASSPHRASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voiceid_optout.cli.context import Context

_TIMEOUT_SECONDS = 30.0
_POLL_SECONDS = 0.02


@contextmanager
def environment_for(context: Context) -> Iterator[dict[str, str]]:
    """Give the variables a run of the stack needs on top of the process's own.

    For a sandbox that is its passphrase, and the endpoint and keys of its service, which is started when it does
    not run and ended with the command. For other stacks it is where their file says that the service is, and who
    asks it. Raises :class:`CommandError` where the shell leads elsewhere.
    """
    require_shell(context)
    if not context.is_sandbox:
        yield aws.environment(context)
        return
    make_private(context.data_folder)
    with running_service(context) as service:
        yield {**sandbox_environment(context, service), **aws.todays_file(context)}


def sandbox_environment(context: Context, service: Running) -> dict[str, str]:
    """Return the variables that point the provider at the sandbox's service, whatever the shell has set."""
    keys = configparser.ConfigParser()
    if service.credentials_file is not None:
        keys.read(service.credentials_file, encoding="utf-8")
    if "default" not in keys:
        raise CommandError(
            f"the sandbox's service at {service.url} has no key of its own; start it without --no-first-key"
        )
    return {
        **aws.IGNORED,
        **service.environment(),
        "AWS_PROFILE": "default",
        "AWS_ACCESS_KEY_ID": keys["default"]["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["default"]["aws_secret_access_key"],
        "AWS_SESSION_TOKEN": "",
        PASSPHRASE: SANDBOX_PASSPHRASE,
        EXPORTED_FOR: context.place.full_name,
    }


@contextmanager
def running_service(context: Context) -> Iterator[Running]:
    """Give the sandbox's service: one that runs already on its data, or a new one on a free port."""
    if (running := find(context.service_folder)) is not None:
        yield running
        return
    require_service()
    arguments = ["serve", *serve_arguments(context), "--stop-with-stdin"]
    with TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "voiceid_optout", *arguments],
            cwd=context.project.root,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,  # a file: nobody would empty a pipe
            start_new_session=True,  # Ctrl-C ends the command first, which still has calls under way
        )
        try:
            yield _wait(process, context.service_folder, errors)
        finally:
            process.terminate()
            process.communicate()


def serve_arguments(context: Context) -> list[str]:
    """Return the arguments of `optout serve` for the sandbox: its data, its domains, any free port."""
    domains, default = context.domains()
    named = {domain_id: alias for alias, domain_id in domains.items()}
    if default and default not in named:
        named[default] = "default"
    # A sandbox is for trying things out, not for waiting; the reconciler keeps AWS's quotas by itself.
    arguments = ["--data", str(context.service_folder), "--port", "0", "--quotas", "none"]
    for domain_id, alias in named.items():
        arguments += ["--domain", f"{domain_id}={alias}"]
    if region := context.config.region:
        arguments += ["--region", region]
    return arguments


def _wait(process: subprocess.Popen[bytes], folder: Path, errors: IO[bytes]) -> Running:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if (running := find(folder)) is not None:
            return running
        # Somebody else's service may have taken the data in the meantime: then that one is awaited.
        if process.poll() not in (None, ExitCode.LOCKED):
            errors.seek(0)
            reason = errors.read().decode(errors="replace").strip().removeprefix("optout serve: ")
            raise CommandError(f"the sandbox's service did not start: {reason}")
        time.sleep(_POLL_SECONDS)
    raise CommandError(f"the sandbox's service did not start within {_TIMEOUT_SECONDS:.0f} s; try `optout serve`")


def make_private(folder: Path) -> None:
    """Make the project's data folder, or one in it, readable by its owner alone and ignored by Git."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.name == DATA_FOLDER:
            ignore(folder)
    except OSError as error:
        raise CommandError(f"cannot make {folder}: {error.strerror}") from error
