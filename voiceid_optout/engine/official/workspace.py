"""A stack of a project folder, as the Automation API drives it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pulumi.automation import LocalWorkspace, Stack, UpdateSummary
from pulumi.automation._stack import StackInitMode  # Stack's constructor needs it, the package does not export it

from voiceid_optout.engine.interface import Operation
from voiceid_optout.engine.official.command import PulumiFailedError
from voiceid_optout.state import StateError

if TYPE_CHECKING:
    from pathlib import Path

    from voiceid_optout.engine.interface import Request
    from voiceid_optout.engine.official.command import Command

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


def open_stack(command: Command, request: Request, project: str, operation: Operation) -> Stack:
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
