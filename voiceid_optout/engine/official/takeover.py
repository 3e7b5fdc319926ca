"""Clears up after a killed run before the CLI looks at the stack: it knows neither our journal nor who is gone."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from voiceid_optout.engine.interface import RUNS_PROGRAM, WRITES_STATE
from voiceid_optout.state import locks
from voiceid_optout.state.backend import Backend
from voiceid_optout.state.errors import OutOfScopeError
from voiceid_optout.state.stack import is_old, open_stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from voiceid_optout.engine.interface import Operation, ProgramProviders, Request
    from voiceid_optout.state.project import Project


def clear_up(
    operation: Operation,
    request: Request,
    project: Project,
    report: Callable[[str], None],
    program_providers: ProgramProviders,
) -> None:
    """Put the steps of a killed run of the embedded engine into the state, and take over its lock.

    Before a run that writes the state, bring it to what is written today: the CLI would copy what is old on.

    While a lock is held by a process that may be alive nothing is touched: its run may be going on, and the CLI
    refuses to write beside it. Raises :class:`voiceid_optout.state.errors.EngineError`.
    """
    backend = Backend(request.backend, project.name, request.stack)
    backend.require_layout()
    left = backend.journal_file.exists()
    upgrade = request.upgrade if operation in WRITES_STATE and _is_old(backend) else None
    if not left and upgrade is None and not any(lock.is_abandoned for lock in locks.read_all(backend.lock_folder)):
        return
    if locks.is_held(backend.lock_folder):
        return
    with locks.held(backend.lock_folder, report):
        if left:
            sent = partial(program_providers, request, project) if operation in RUNS_PROGRAM else None
            environment = {**os.environ, **request.environment}
            open_stack(
                project,
                backend,
                environment,
                report,
                writable=True,
                upgrade=request.upgrade,
                trust_state=request.trust_state,
                sent=sent,
            )
        elif upgrade is not None:
            backend.upgrade(upgrade)


def _is_old(backend: Backend) -> bool:
    try:
        return is_old(backend.read())
    except OutOfScopeError:
        return False  # compressed: the reads of a refresh mend it
