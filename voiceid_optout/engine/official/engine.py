"""The official engine: the Pulumi CLI, driven through Pulumi's Automation API."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from voiceid_optout.engine.interface import Operation, Outcome, Result
from voiceid_optout.engine.official.command import Command, PulumiFailedError, find, reason
from voiceid_optout.engine.official.command import failure as failure_of
from voiceid_optout.engine.official.preparation import finish_killed_run, inspect_state
from voiceid_optout.engine.official.relay import Relay
from voiceid_optout.engine.official.workspace import open_stack
from voiceid_optout.state import OutOfScopeError, StackError, passphrase
from voiceid_optout.state import project as projects

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi.automation import Stack
    from pulumi.automation.events import EngineEvent

    from voiceid_optout.engine.interface import ProgramProviders, Request


class OfficialEngine:
    """Runs operations with the Pulumi CLI on PATH, version 3.216 or newer."""

    name = "pulumi"

    def __init__(self, program_providers: ProgramProviders) -> None:
        """``program_providers`` runs the program to see which providers it sends; few states need it."""
        self._program_providers = program_providers
        # Asking the CLI for its version takes as long as preparing a run of a large register: side by side.
        self._command: Future[Command] = ThreadPoolExecutor(1).submit(find)

    def run(self, operation: Operation, request: Request, on_event: Callable[[EngineEvent], None]) -> Outcome:
        """Do the operation. See :class:`voiceid_optout.engine.interface.Engine`."""
        project = projects.load_project(request.root)
        _require_passphrase(project, request)
        command = self._command.result()
        relay = Relay(on_event, request.upgrade, remote=bool(request.remote_backend))
        finish_killed_run(operation, request, project, relay.note, self._program_providers)
        inspect_state(operation, command, request, project, self._program_providers)
        failure: PulumiFailedError | None = None
        with warnings.catch_warnings():
            # The API warns, with the whole event, about events it cannot read and streams cut by a crash.
            warnings.filterwarnings("ignore", module=r"pulumi\.automation\._stack")
            try:
                _perform(operation, request, open_stack(command, request, project.name, operation), relay.take)
            except PulumiFailedError as error:
                failure = error
            except RuntimeError as error:  # the API's word for a run without a summary it could read
                raise StackError(
                    f"the Pulumi CLI's events cannot be read ({error}): update the package pulumi"
                ) from error
        if relay.broken is not None:
            raise relay.broken
        return Outcome(Result.SUCCEEDED) if failure is None else _outcome(failure, relay, request)


def _perform(operation: Operation, request: Request, stack: Stack, take: Callable[[EngineEvent], None]) -> None:
    options: dict[str, Any] = {
        "parallel": request.parallel,
        "message": request.message or None,
        "target": list(request.targets) or None,
        "color": "never",
        "suppress_outputs": True,
        "suppress_progress": True,
        "on_event": take,
    }
    match operation:
        case Operation.PREVIEW:
            stack.preview(refresh=request.refresh, **options)
        case Operation.UP:
            stack.up(
                refresh=request.refresh,
                continue_on_error=request.continue_on_error,
                show_secrets=False,
                **options,
            )
        case Operation.REFRESH:
            stack.refresh(show_secrets=False, **options)
        case Operation.DRIFT:
            stack.preview_refresh(show_secrets=False, **options)
        case Operation.DESTROY:
            stack.destroy(continue_on_error=request.continue_on_error, show_secrets=False, **options)
        case Operation.PREVIEW_DESTROY:
            stack.preview_destroy(continue_on_error=request.continue_on_error, show_secrets=False, **options)


def _outcome(failure: PulumiFailedError, relay: Relay, request: Request) -> Outcome:
    """Return how a failed run ended; raises the error that kept it from beginning."""
    known = failure_of(failure.stderr, request)
    if known is not None and not relay.applied:
        raise known
    errors = relay.errors()
    if failure.stderr.strip():
        errors = (*errors, str(known or reason(failure.stderr)))
    if not errors:
        errors = (f"the Pulumi CLI ended with exit status {failure.status} and gave no reason",)
    return Outcome(Result.PARTIAL if relay.applied else Result.FAILED, errors)


def _require_passphrase(project: projects.Project, request: Request) -> None:
    """Raise what the embedded engine raises when the stack's secrets need a passphrase and there is none."""
    try:
        projects.load_stack(project, request.stack)
    except OutOfScopeError:
        return  # secrets under a cloud's key: the CLI's own business
    passphrase.find({**os.environ, **request.environment})
