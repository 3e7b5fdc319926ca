"""The official engine: the Pulumi CLI, driven through Pulumi's Automation API, and how a stack is prepared for it.

The CLI knows neither our journal nor whose process is gone. What a state names it would run, and what a state has
in clear it would copy. So what a killed run of the embedded engine left is finished first, and the state is
inspected.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
import warnings
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi.automation.events import DiagnosticEvent, EngineEvent

from voiceid_optout.engine.interface import RUNS_PROGRAM, WRITES_STATE, Operation, Outcome, Result
from voiceid_optout.engine.messages import ErrorLines, for_people
from voiceid_optout.engine.official.command import (
    Command,
    PulumiFailedError,
    environment,
    error_from,
    find,
    reason,
    stack_for,
    state_files,
)
from voiceid_optout.plan.build import is_change
from voiceid_optout.state import OutOfScopeError, StackError, StateError, passphrase, trust, values
from voiceid_optout.state import project as projects
from voiceid_optout.state.backend import Backend, hold_lock, is_locked, read_locks
from voiceid_optout.state.stack import is_old, open_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from pulumi.automation import Stack

    from voiceid_optout.engine.interface import ProgramProviders, Request
    from voiceid_optout.state.checkpoint import Upgrade
    from voiceid_optout.state.project import Project


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
                _perform(operation, request, stack_for(command, request, project.name, operation), relay.take)
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
    known = error_from(failure.stderr, request)
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


_PLAIN = ".json"


def finish_killed_run(
    operation: Operation,
    request: Request,
    project: Project,
    report: Callable[[str], None],
    program_providers: ProgramProviders,
) -> None:
    """Put the steps of a killed run of the embedded engine into the state, and take over its lock.

    Before a run that writes the state, bring it to what is written today: the CLI would copy what is old on.

    While a lock is held by a process that may be alive nothing is touched: its run may be going on, and the CLI
    refuses to write beside it. Raises :class:`voiceid_optout.state.StackError`.
    """
    if request.remote_backend:
        return  # the embedded engine was never there
    backend = Backend(request.backend, project.name, request.stack)
    backend.require_layout()
    killed = backend.journal_file.exists()
    upgrade = request.upgrade if operation in WRITES_STATE and _is_old(backend) else None
    if not killed and upgrade is None and not any(lock.is_abandoned for lock in read_locks(backend.lock_folder)):
        return
    if is_locked(backend.lock_folder):
        return
    with hold_lock(backend.lock_folder, report):
        if killed:
            providers = partial(program_providers, request, project) if operation in RUNS_PROGRAM else None
            variables = {**os.environ, **request.environment}
            open_stack(
                project,
                backend,
                variables,
                report,
                writable=True,
                upgrade=request.upgrade,
                trust_state=request.trust_state,
                program_providers=providers,
            )
        elif upgrade is not None:
            backend.upgrade(upgrade)


def _is_old(backend: Backend) -> bool:
    try:
        return is_old(backend.read())
    except OutOfScopeError:
        return False  # compressed: the reads of a refresh mend it


def inspect_state(
    operation: Operation,
    command: Command,
    request: Request,
    project: Project,
    program_providers: ProgramProviders,
) -> None:
    """Raise :class:`StackError` for a state that the CLI must not get to work on."""
    for content in _states(command, request, project):
        found = trust.Inspection.of(content, request.place)
        if not request.trust_state:
            providers = _asking(request, project, program_providers) if operation in RUNS_PROGRAM else None
            trust.require(_in_clear(found, request), request.place, providers)
        if found.clear:
            raise StateError(_clear_words(request))


def _states(command: Command, request: Request, project: Project) -> Iterator[bytes]:
    """Yield every text that the CLI may take for the stack's state."""
    files = [] if request.remote_backend else state_files(request, project.name)
    try:
        for path in files:
            if path.suffix == _PLAIN:
                yield path.read_bytes()
    except OSError as error:
        raise StateError(f"cannot read the state in {request.place}: {error.strerror}") from error
    # What is compressed or not in a folder is for the CLI itself to read, as it is: secrets stay sealed.
    if request.remote_backend or any(path.suffix != _PLAIN for path in files):
        yield from _export(command, request)


def _export(command: Command, request: Request) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.json"
        words = ["stack", "export", "--stack", request.stack, "--file", str(path)]
        try:
            command.run(words, str(request.root), environment(request))
            yield path.read_bytes()
        except PulumiFailedError as error:
            if "no stack named" not in error.stderr:
                raise error_from(error.stderr, request) or StackError(reason(error.stderr)) from None
        except OSError as error:
            raise StateError(f"cannot read the state in {request.place}: {error.strerror}") from error


def _in_clear(found: trust.Inspection, request: Request) -> Iterator[trust.Named]:
    """Yield the providers, those that are sealed in clear; one that cannot be opened here stays what it is."""

    @cache
    def crypter() -> passphrase.Crypter:
        phrase = passphrase.find({**os.environ, **request.environment})
        return passphrase.open_with(phrase, found.salt or "")

    for item in found.named:
        if isinstance(item.text, dict) and (found.salt is not None or "plaintext" in item.text):
            text = values.plain_value(values.decode(item.text, lambda sealed: crypter().decrypt(sealed)))
            yield trust.Named(item.urn, text)
        else:
            yield item


def _asking(
    request: Request, project: Project, program_providers: ProgramProviders
) -> Callable[[], Collection[str]]:
    def ask() -> Collection[str]:
        try:
            settings = projects.load_stack(project, request.stack)
        except OutOfScopeError:
            return ()  # its config is sealed with a cloud's key
        phrase = passphrase.find({**os.environ, **request.environment})
        salt = settings.salt
        crypter = passphrase.create(phrase) if salt is None else passphrase.open_with(phrase, salt)
        return program_providers(request, project, projects.resolve(settings, crypter.decrypt))

    return ask


def _clear_words(request: Request) -> str:
    if request.remote_backend:
        how = "restore one that has them sealed, with `pulumi stack import --file BACKUP`"
    else:
        how = "run `optout refresh --engine embedded` once, which seals them"
    return f"the state in {request.place} holds identifiers in clear, and the Pulumi CLI would copy them on: {how}"


_VERDICT = re.compile(r"(?:update|preview|refresh|destroy) failed")
_EXIT = re.compile(r"(?:an unhandled error occurred: )?[Pp]rogram exited with non-zero exit code: (?P<status>\d+)")


class Relay:
    """Takes every event of one run (:meth:`take`), from the Automation API's thread.

    Step events pass as they are, but for what a state of before has in clear. Diagnostics are made fit for people:
    no debugging, no progress of tools, no tracebacks but their last lines, no values of refused properties.
    """

    def __init__(
        self, on_event: Callable[[EngineEvent], None], upgrade: Upgrade | None = None, *, remote: bool = False
    ) -> None:
        """``upgrade`` is the request's; ``remote`` says that the state is in no folder."""
        self._on_event = on_event
        self._upgrade = upgrade
        self._remote = remote
        self._errors: Counter[str] = Counter()
        self._exit_status = ""
        self._streams: dict[int | None, ErrorLines] = {}
        self.applied = 0
        self.broken: Exception | None = None

    def note(self, text: str) -> None:
        """Say something of our own before the run's events."""
        self._on_event(EngineEvent(0, int(time.time()), diagnostic_event=DiagnosticEvent(text, "never", "info")))

    def take(self, event: EngineEvent) -> None:
        """Look at an event and pass it on. An exception of the receiver is kept in ``broken``, and ends it."""
        if self.broken is not None:
            return
        if event.diagnostic_event is not None:
            diagnostic = self._cleaned(event.diagnostic_event)
            if diagnostic is None:
                return
            event = EngineEvent(event.sequence, event.timestamp, diagnostic_event=diagnostic)
        if self._upgrade is not None:
            self._show_upgraded(event, self._upgrade)
        done = event.res_outputs_event
        if done is not None and not done.planning and is_change(done.metadata) and done.metadata.op != "replace":
            self.applied += 1  # a replace is reported beside its parts, although none of them may have been done
        try:
            self._on_event(event)
        except Exception as error:  # noqa: BLE001 - raised again once the CLI has ended: it must not be left alone
            self.broken = error

    def _show_upgraded(self, event: EngineEvent, upgrade: Upgrade) -> None:
        """Show both sides of a step as they are written today."""
        step = event.resource_pre_event or event.res_outputs_event or event.res_op_failed_event
        for side in (step.metadata.old, step.metadata.new) if step is not None else ():
            if side is None:
                continue
            before = side.id, dict(side.outputs or {})
            id_, outputs = upgrade(side.type, *before)
            if (id_, outputs) == before:
                continue
            # What is in no folder is mended by a read alone, so a plan must see that there is something to read.
            side.id, side.outputs = f"{id_}/old" if self._remote else id_, outputs

    def errors(self) -> tuple[str, ...]:
        """Return what went wrong, each once, with how often it was reported."""
        if not self._errors and self._exit_status:
            return (f"the program ended with exit status {self._exit_status}",)
        return tuple(text if count == 1 else f"{text} ({count} times)" for text, count in self._errors.items())

    def _cleaned(self, diagnostic: DiagnosticEvent) -> DiagnosticEvent | None:
        text = diagnostic.message.strip("\n")
        if diagnostic.severity == "debug" or diagnostic.ephemeral or not text.strip():
            return None
        if diagnostic.severity == "error":
            text = for_people(text)
            if exit_ := _EXIT.fullmatch(text):
                self._exit_status = exit_["status"]
                return None
            if _VERDICT.fullmatch(text):
                return None
            self._errors[text] += 1
        elif diagnostic.severity == "info#err":
            shown = self._streams.setdefault(diagnostic.stream_id, ErrorLines()).shown(text)
            if shown is None:
                return None
            text = shown
        kept = (diagnostic.color, diagnostic.severity, diagnostic.stream_id)
        return DiagnosticEvent(text, *kept, urn=diagnostic.urn, prefix=diagnostic.prefix)
