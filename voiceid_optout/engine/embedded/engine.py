"""The embedded engine: the official engine's work for this program, without the Pulumi CLI."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from voiceid_optout.engine.embedded.execution import Execution
from voiceid_optout.engine.embedded.host import ProgramHost
from voiceid_optout.engine.embedded.plugins import Plugins
from voiceid_optout.engine.embedded.sent import by_program
from voiceid_optout.engine.events import Emitter
from voiceid_optout.engine.interface import ASKS_SERVICE, RUNS_PROGRAM, WRITES_STATE, Operation, Outcome
from voiceid_optout.state import locks
from voiceid_optout.state import project as projects
from voiceid_optout.state.backend import Backend
from voiceid_optout.state.errors import OutOfScopeError
from voiceid_optout.state.stack import open_stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi.automation.events import EngineEvent

    from voiceid_optout.engine.interface import Request


class EmbeddedEngine:
    """Runs operations in this process, the program and the provider plugin each in one of their own."""

    name = "embedded"

    def run(self, operation: Operation, request: Request, on_event: Callable[[EngineEvent], None]) -> Outcome:
        """Do the operation. See :class:`voiceid_optout.engine.interface.Engine`."""
        emitter = Emitter(on_event)

        def report(text: str) -> None:
            emitter.diagnostic("info", text)

        project = projects.load_project(request.root)
        if project.cli_only:
            raise OutOfScopeError(f"`{project.cli_only[0]}` of Pulumi.yaml")
        backend = Backend(request.backend, project.name, request.stack)
        with ExitStack() as cleanup:
            if operation in WRITES_STATE:
                cleanup.enter_context(locks.held(backend.lock_folder, report))
            # Processes are started before anything else, so that they import while the passphrase is worked on.
            host = None
            if operation in RUNS_PROGRAM:
                host = ProgramHost(request.root, request.environment, report)
                cleanup.callback(host.stop)
            calls = request.refresh or operation in WRITES_STATE | ASKS_SERVICE
            plugins = Plugins(request, project.name, report, calls=calls)
            cleanup.callback(plugins.close)
            if operation in ASKS_SERVICE:
                plugins.start()
            environment = {**os.environ, **request.environment}
            sent = partial(by_program, request, project) if operation in RUNS_PROGRAM else None
            writable = operation in WRITES_STATE
            stack = open_stack(
                project,
                backend,
                environment,
                report,
                writable=writable,
                upgrade=request.upgrade,
                trust_state=request.trust_state,
                sent=sent,
            )
            return Execution(operation, request, stack, emitter, plugins, host).run()
