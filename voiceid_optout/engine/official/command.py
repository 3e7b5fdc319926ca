"""The Pulumi CLI as a child process that outlives an impatient Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import CommandError, InvalidVersionError
from semver import VersionInfo

from voiceid_optout.engine import interrupts
from voiceid_optout.state.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

# The first release whose engine runs dynamic providers and refreshes the way this project relies on.
OLDEST = VersionInfo(3, 216, 0)


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
                env={**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"},
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

    with interrupts.handled(interrupt, interrupt):
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
    """Return the CLI on PATH; raises :class:`EngineError` when it is missing, too old or does not start."""
    try:
        return Command(version=OLDEST)
    except FileNotFoundError:
        raise EngineError(f"the Pulumi CLI is not on PATH: {_remedy()}") from None
    except InvalidVersionError as error:
        raise EngineError(f"this Pulumi CLI cannot be used ({error}): {_remedy()}") from None
    except (OSError, subprocess.CalledProcessError) as error:
        raise EngineError(f"the Pulumi CLI does not start ({error}): {_remedy()}") from None


def _remedy() -> str:
    return f"install version {OLDEST} or newer (https://www.pulumi.com/docs/install/), or use --engine embedded"
