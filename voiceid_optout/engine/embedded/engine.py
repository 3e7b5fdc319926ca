"""The embedded engine: the official engine's work for this program, without the Pulumi CLI."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from voiceid_optout import urn as urns
from voiceid_optout.engine.embedded.forks import CLIENT, fork_server
from voiceid_optout.engine.embedded.goal import missing_target, missing_targets
from voiceid_optout.engine.embedded.host import ProgramHost, program_providers, start_message
from voiceid_optout.engine.embedded.monitor import Monitor
from voiceid_optout.engine.embedded.phases import delete_all, refresh, unregistered
from voiceid_optout.engine.embedded.plugin import Plugins
from voiceid_optout.engine.embedded.registrar import Registrar
from voiceid_optout.engine.embedded.run import Emitter, Run
from voiceid_optout.engine.interface import (
    ASKS_SERVICE,
    RUNS_PROGRAM,
    WRITES_STATE,
    Operation,
    Outcome,
    Result,
    handling_interrupts,
)
from voiceid_optout.state import (
    InterruptedRunError,
    OutOfScope,
    OutOfScopeError,
    ProgramError,
    StackError,
    StateError,
    values,
)
from voiceid_optout.state import project as projects
from voiceid_optout.state.backend import Backend, history_record, hold_lock
from voiceid_optout.state.checkpoint import pieces
from voiceid_optout.state.journal import Journal, JournalFile
from voiceid_optout.state.stack import open_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pulumi.automation.events import EngineEvent

    from voiceid_optout.engine.embedded.forks import ForkServer
    from voiceid_optout.engine.embedded.host import ProgramEnd
    from voiceid_optout.engine.interface import Request
    from voiceid_optout.state.stack import Stack, StateFile
    from voiceid_optout.state.values import PropertyMap


class EmbeddedEngine:
    """Runs operations in this process, the program and the provider plugin each in one of their own.

    These are forks of a server, which stays for the next run.
    """

    name = "embedded"

    def __init__(self) -> None:
        """Make one for any number of runs: `up` plans with it and then applies.

        It is best made early: the server is a fork of this process, before there are a register and threads.
        """
        self._read: StateFile | None = None
        self._server = fork_server()

    def _server_of(self, request: Request, *, calls: bool) -> ForkServer | None:
        if any(name.startswith("PYTHON") for name in request.environment):
            return None  # only what is started anew takes notice of these
        if self._server is not None and calls:
            self._server.load(CLIENT)
        return self._server

    def run(self, operation: Operation, request: Request, on_event: Callable[[EngineEvent], None]) -> Outcome:
        """Do the operation. See :class:`voiceid_optout.engine.interface.Engine`."""
        emitter = Emitter(on_event)

        def report(text: str) -> None:
            emitter.diagnostic("info", text)

        project = projects.load_project(request.root)
        if project.cli_only:
            raise OutOfScopeError(OutOfScope.PROJECT_SETTING, project.cli_only[0])
        calls = request.refresh or operation in WRITES_STATE | ASKS_SERVICE
        server = self._server_of(request, calls=calls)
        backend = Backend(request.backend, project.name, request.stack)
        with ExitStack() as cleanup:
            if operation in WRITES_STATE:
                cleanup.enter_context(hold_lock(backend.lock_folder, report))
            plugins = Plugins(request, project.name, report, calls=calls, server=server)
            cleanup.callback(plugins.close)

            def begin() -> ProgramHost | None:
                """Start the processes."""
                host = None
                if operation in RUNS_PROGRAM:
                    host = ProgramHost(request.root, request.environment, report, server)
                    cleanup.callback(host.stop)
                if operation in ASKS_SERVICE:
                    plugins.start()
                return host

            # While the passphrase is worked on, the server imports, or without one the processes themselves.
            host = begin() if server is None else None
            environment = {**os.environ, **request.environment}
            providers = (
                partial(program_providers, request, project, server=server) if operation in RUNS_PROGRAM else None
            )
            writable = operation in WRITES_STATE
            stack = open_stack(
                project,
                backend,
                environment,
                report,
                writable=writable,
                upgrade=request.upgrade,
                trust_state=request.trust_state,
                program_providers=providers,
                last=self._read,
            )
            self._read = stack.read
            if server is not None:
                host = begin()
            return Execution(operation, request, stack, emitter, plugins, host).run()


# What `pulumi stack history` calls each operation that writes the state.
_HISTORY_KINDS = {Operation.UP: "update", Operation.REFRESH: "refresh", Operation.DESTROY: "destroy"}


class Execution:
    """Does an operation on an open stack. Used once."""

    def __init__(
        self,
        operation: Operation,
        request: Request,
        stack: Stack,
        emitter: Emitter,
        plugins: Plugins,
        host: ProgramHost | None,
    ) -> None:
        self._operation = operation
        self._stack = stack
        self._plugins = plugins
        self._host = host
        self._ended = False
        self._journal_file: JournalFile | None = None
        if operation in WRITES_STATE:
            self._journal_file = JournalFile(stack.backend.journal_file, stack.crypter, stack.mark)
        self._config: PropertyMap = {
            key: values.Secret(value) if key in stack.config.secret_keys else value
            for key, value in stack.config.values.items()
        }
        file = self._journal_file
        journal = Journal(stack.base, file.append, file.sync) if file else Journal(stack.base)
        # Refresh and destroy use the config of the last run, which the state keeps; the program's phase today's.
        stored = self._stored_config()
        self._run = Run(operation, request, journal, emitter, partial(plugins.with_config, stored))

    def run(self) -> Outcome:
        """Do it; the state is written whatever happens on the way."""
        started = int(time.time())
        self._run.emitter.prelude(values.masked(self._config))
        if self._stack.base.pending and self._operation is Operation.UP:
            count = len(self._stack.base.pending)
            self._run.emitter.diagnostic(
                "warning", f"{count} steps of an earlier run may have happened or not; they are done again"
            )
        try:
            with handling_interrupts(self._finish_early, self._end_now):
                self._phases()
        except StackError as error:
            self._run.stop(error)
        except BaseException:
            self._run.failed.set()
            raise
        finally:
            if self._journal_file is not None:
                self._write(self._journal_file, started)
        outcome = self._outcome()
        self._run.emitter.summary()
        self._run.emitter.cancelled()
        return outcome

    def _phases(self) -> None:
        run = self._run
        match self._operation:
            case Operation.REFRESH | Operation.DRIFT:
                refresh(run, self._stack.base, final=True)
            case Operation.DESTROY | Operation.PREVIEW_DESTROY:
                self._miss_targets(item.urn for item in self._stack.base.resources)
                if not run.failed.is_set():
                    delete_all(run, self._stack.base.resources)
            case _:
                if run.request.refresh:
                    refresh(run, self._stack.base, final=False)
                if not run.failed.is_set():
                    self._program()

    def _program(self) -> None:
        if self._host is None:
            raise ProgramError("the program was not started")
        run, stack = self._run, self._stack
        # Not a lambda: a cycle would keep the state of a plan in memory while the plan is done.
        run.plugin = partial(self._plugins.with_config, self._config)
        run.plugin()  # its process starts while the program imports
        base = run.journal.checkpoint()
        registrar = Registrar(run, base, stack.name, stack.project.name, self._config)

        def finish() -> None:
            if not run.stopped:
                resources = run.journal.checkpoint().resources
                self._miss_targets({item.urn for item in resources} | registrar.seen)
                delete_all(run, unregistered(resources, registrar.seen))

        monitor = Monitor(run, registrar, stack.name, stack.project.name, finish)
        start = start_message(run.request, stack.project, stack.config, dry_run=run.planning)
        end = self._host.run(start, monitor.serve, run.request.parallel)
        registrar.components.finish_stack(failed=run.failed.is_set() or bool(end.error))
        self._take_end(end)
        if not run.failed.is_set() and not run.request.targets:
            run.journal.forget_creates()  # else those of resources that are declared no more would stay for ever

    def _miss_targets(self, known: Iterable[str]) -> None:
        for target in missing_targets(self._run.request.targets, known):
            self._run.fail(target, missing_target(target), halt=False)

    def _finish_early(self) -> None:
        self._run.stop(InterruptedRunError())
        self._run.emitter.diagnostic(
            "warning", "interrupted: finishing the steps under way; once more ends them at once"
        )

    def _end_now(self) -> None:
        """End the processes: every call under way fails, and what it did or not stays noted as pending."""
        self._ended = True
        self._plugins.kill()
        if self._host is not None:
            self._host.kill()

    def _take_end(self, end: ProgramEnd) -> None:
        if not end.error or self._run.fatal is not None:
            return
        raise ProgramError(end.error)

    def _stored_config(self) -> PropertyMap:
        for item in self._stack.base.resources:
            if item.is_provider and urns.name(item.urn) == "default":
                return item.inputs
        return self._config

    def _outcome(self) -> Outcome:
        run = self._run
        if not run.failed.is_set():
            return Outcome(Result.SUCCEEDED)
        result = Result.PARTIAL if run.applied and not run.planning else Result.FAILED
        if self._ended:
            result = Result.ENDED
        reported = run.emitter.errors()
        fatal = () if run.fatal is None or str(run.fatal) in reported else (str(run.fatal),)
        return Outcome(result, (*reported, *fatal))

    def _write(self, journal_file: JournalFile, started: int) -> None:
        """Write the state, then the history; a state that cannot be written fails the run and keeps its journal."""
        stack, now = self._stack, datetime.now(UTC)
        written = pieces(stack.name, stack.project.name, self._run.journal.checkpoint(), stack.crypter, now)
        try:
            stack.backend.write_pieces(written)
        except StateError as error:
            # What the journal had no room for, the state has none for either: one error is enough.
            if not isinstance(self._run.fatal, StateError):
                self._run.emitter.diagnostic("error", str(error))
            self._run.stop(error)
            return
        finally:
            journal_file.leave()
        journal_file.close()
        sealed = {key: stack.crypter.encrypt(stack.config.values[key]) for key in stack.config.secret_keys}
        entry = history_record(
            _HISTORY_KINDS[self._operation],
            self._run.request.message,
            stack.config,
            sealed,
            self._run.emitter.counts,
            (started, int(now.timestamp())),
            succeeded=self._outcome().result is Result.SUCCEEDED,
        )
        try:
            stack.backend.write_history(entry, time.time_ns())
        except StateError as error:
            self._run.emitter.diagnostic("warning", f"the state is saved, but not the run's history: {error}")
