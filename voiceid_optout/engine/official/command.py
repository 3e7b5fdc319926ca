"""The Pulumi CLI as a child process that outlives an impatient Ctrl-C, and what it means when it gives up.

A stack of a project folder is handed to it as the Automation API drives one.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from pulumi.automation import CommandResult, LocalWorkspace, PulumiCommand, Stack, UpdateSummary
from pulumi.automation._stack import StackInitMode  # Stack's constructor needs it, the package does not export it
from pulumi.automation.errors import CommandError, InvalidVersionError
from semver import VersionInfo

from voiceid_optout.engine.interface import Operation, handling_interrupts
from voiceid_optout.engine.messages import for_people
from voiceid_optout.foreign_text import one_line
from voiceid_optout.state import PassphraseError, StackError, StackLockedError, StateError
from voiceid_optout.state.passphrase import INCORRECT
from voiceid_optout.voiceid.place import PYTHON_COMMAND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.engine.interface import Request


# The first release whose engine runs dynamic providers and refreshes the way this project relies on.
OLDEST = VersionInfo(3, 216, 0)

_LOCK = re.compile(r"file://(?P<path>\S+?)(?:\?\S*)?: created by (?P<holder>.+) at (?P<since>\S+)")
_HOLDER = re.compile(r": created by (?P<holder>.+) at (?P<since>\S+)")
_INTEGRITY = re.compile(r"snapshot integrity failure; refusing to use it: (?P<reason>.+)")
_CRASH = re.compile(r"^panic: (?P<reason>.+)", re.MULTILINE)
_UNREADABLE = (
    "failed to load checkpoint",
    "corrupt store",
    "unsupported checkpoint version",
    "no secrets manager could be found",
    "error: invalid character",  # a lock that is no JSON
)
_FOREIGN_SECRET = ("message authentication failed", "nonce size is incorrect", "failed to decrypt")


class PulumiFailedError(CommandError):
    """The CLI ended with an exit status other than 0."""

    def __init__(self, result: CommandResult) -> None:
        super().__init__(result)
        self.status = result.code
        self.stderr = result.stderr


class Command(PulumiCommand):
    """The CLI found on PATH. What it prints for people is not kept; its errors are."""

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Any = None,  # noqa: ARG002 - the base class's signature; nothing is read from its output
        on_error: Any = None,  # noqa: ARG002
    ) -> CommandResult:
        """Run to the end; raises :class:`PulumiFailedError`.

        An interrupt is passed on once: the CLI then finishes the steps under way, saves and lets go of the
        lock, and only after that KeyboardInterrupt is raised here. A second interrupt ends it at once.
        """
        # Files, not pipes: a CLI whose reader was killed must be able to save its state.
        with tempfile.TemporaryFile() as errors:
            status, interrupted = _run_to_the_end(
                [self.command, "--non-interactive", *args],
                cwd=cwd,
                # A project that names no virtual environment gets ours: the python on PATH may lack the package.
                env={
                    PYTHON_COMMAND: sys.executable,
                    **os.environ,
                    **additional_env,
                    "PULUMI_AUTOMATION_API": "true",
                },
                stderr=errors,
            )
            errors.seek(0)
            result = CommandResult("", errors.read().decode(errors="replace"), status)
        if interrupted:
            raise KeyboardInterrupt
        if result.code:
            raise PulumiFailedError(result)
        return result


def _run_to_the_end(command: list[str], **options: Any) -> tuple[int, bool]:
    """Run a command, passing each interrupt on; returns its exit status and whether there was an interrupt."""
    started, interrupted = threading.Event(), threading.Event()

    def interrupt() -> None:
        interrupted.set()
        started.wait()
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)

    with handling_interrupts(interrupt, interrupt):
        process = subprocess.Popen(  # noqa: S603 - arguments as a list, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            process_group=0,  # a terminal's Ctrl-C reaches this process alone
            **options,
        )
        started.set()
        return process.wait(), interrupted.is_set()


def find() -> Command:
    """Return the CLI on PATH; raises :class:`StackError` when it is missing, too old or does not start."""
    try:
        return Command(version=OLDEST)
    except FileNotFoundError:
        raise StackError(f"the Pulumi CLI is not on PATH: {_remedy()}") from None
    except InvalidVersionError as error:
        raise StackError(f"this Pulumi CLI cannot be used ({error}): {_remedy()}") from None
    except (OSError, subprocess.CalledProcessError) as error:
        raise StackError(f"the Pulumi CLI does not start ({error}): {_remedy()}") from None


def _remedy() -> str:
    return f"install version {OLDEST} or newer (https://www.pulumi.com/docs/install/), or use --engine embedded"


def error_from(stderr: str, request: Request) -> StackError | None:
    """Return the error that the CLI's standard error stands for, or None for one that needs no other words."""
    if "currently locked by" in stderr:
        return _locked(stderr, request)
    if "incorrect passphrase" in stderr:
        return PassphraseError(INCORRECT)
    if "illegal base64 data" in stderr:
        return StateError(
            f"the encryption salt is damaged: restore Pulumi.{request.stack}.yaml or the state from Git or a backup"
        )
    if match := _INTEGRITY.search(stderr):
        return StateError(f"the state is inconsistent ({match['reason'].strip()}): {_restore_it(request)}")
    if any(words in stderr for words in _UNREADABLE):
        return StateError(f"the state cannot be read ({reason(stderr)}): {_restore_it(request)}")
    if any(words in stderr for words in _FOREIGN_SECRET):
        return PassphraseError(
            f"a secret in Pulumi.{request.stack}.yaml or in the state is damaged, or was encrypted "
            "with another passphrase"
        )
    if "no stack named" in stderr:
        return StateError(f"stack {request.stack} has no state in {request.place}: was it removed just now?")
    if "[409] Conflict" in stderr:
        return StateError(f"another run has changed the stack's state ({reason(stderr)}): run the command again")
    return None


def reason(stderr: str) -> str:
    """Return what the CLI says in one or a few lines, without what it adds for its own developers."""
    if match := _CRASH.search(stderr):
        detail = match["reason"].removeprefix("fatal: An assertion has failed: ")
        return (
            f"the Pulumi CLI crashed ({detail}). It has left its lock: look at the state with "
            "`pulumi stack export`, then run `pulumi cancel`"
        )
    _, found, text = stderr.partition("error: ")
    return for_people(text if found else stderr)


def _locked(stderr: str, request: Request) -> StackLockedError:
    if request.remote_backend:
        holder = _HOLDER.search(stderr)
        by, since = _holder_of(holder) if holder else ("another run", "an unknown time")
        return StackLockedError(by, since, f"the lock in {request.place}")
    match = _LOCK.search(stderr)
    if match is None:
        return StackLockedError("another run", "an unknown time", request.backend / ".pulumi" / "locks")
    return StackLockedError(*_holder_of(match), Path(unquote(match["path"])))


def _holder_of(match: re.Match[str]) -> tuple[str, str]:
    """Return who holds a lock and since when, as the lock's file says it, which may be anything."""
    return one_line(match["holder"], 200), one_line(match["since"], 60)


def _restore_it(request: Request) -> str:
    backups = f"{request.place}/.pulumi/backups"
    return f"restore it from {backups} or another backup, or try `pulumi state repair`"


_ENDINGS = (".json", ".json.gz", ".json.zst")
# Two full states a changed resource are written without it; with it one, at the end.
SKIP = "PULUMI_SKIP_CHECKPOINTS"


class _Workspace(LocalWorkspace):
    """A workspace that leaves the stack a person has selected for the raw CLI as it is."""

    def select_stack(self, stack_name: str) -> None:
        """Do nothing: every command names its stack."""

    def create_stack(self, stack_name: str) -> None:
        """Make it, under the passphrase also where the backend would keep the key: it protects identifiers."""
        words = ["stack", "init", stack_name, "--no-select", "--secrets-provider", "passphrase"]
        try:
            self.pulumi_command.run(words, self.work_dir, self.env_vars)
        except PulumiFailedError as error:
            # Somewhere else than in a folder only making it tells whether it is there.
            if "already exists" not in error.stderr:
                raise


class _Stack(Stack):
    """A stack that asks the CLI for nothing but the operation.

    The Automation API follows each one with ``stack output --show-secrets`` and ``stack history``: three more
    starts of the CLI, and secrets in clear, for values nobody here reads.
    """

    def outputs(self) -> dict[str, Any]:
        return {}

    def info(self, show_secrets: bool = False) -> UpdateSummary:  # noqa: ARG002, FBT001, FBT002 - as in the base class
        return UpdateSummary("", datetime.now(UTC), "", {}, {}, "")


def stack_for(command: Command, request: Request, project: str, operation: Operation) -> Stack:
    """Return the stack for an operation; one that has no state yet is made.

    Raises :class:`StateError` when the backend's folder cannot be made, and what the command raises.
    """
    variables = environment(request)
    if operation is Operation.UP and request.repeatable and SKIP not in {**os.environ, **request.environment}:
        variables[SKIP] = "true"
    workspace = _Workspace(work_dir=str(request.root), env_vars=variables, pulumi_command=command)
    known = not request.remote_backend and _is_known(request, project)
    return _Stack(request.stack, workspace, StackInitMode.SELECT if known else StackInitMode.CREATE)


def _is_known(request: Request, project: str) -> bool:
    """Tell whether the stack has a state in the folder, which is made if need be."""
    try:
        request.backend.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"cannot make the folder {request.backend}: {error.strerror}") from error
    return bool(state_files(request, project))


def state_files(request: Request, project: str) -> list[Path]:
    """Return the files of the folder that the CLI may take for the stack's state."""
    folder = request.backend / ".pulumi" / "stacks" / project
    return [path for ending in _ENDINGS if (path := folder / f"{request.stack}{ending}").exists()]


def environment(request: Request) -> dict[str, str]:
    """Return the variables with which the CLI finds the state."""
    return {
        **request.environment,
        "PULUMI_BACKEND_URL": request.remote_backend or backend_url(request.backend),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def backend_url(folder: Path) -> str:
    """Return the folder as the CLI wants it: absolute, percent-encoded."""
    return f"file://{quote(str(folder.resolve()))}"
