"""Looks at a state before the CLI gets it: what it names would run, and what it has in clear would be copied."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from voiceid_optout.engine.interface import RUNS_PROGRAM
from voiceid_optout.engine.official import failures
from voiceid_optout.engine.official.command import PulumiFailedError
from voiceid_optout.engine.official.workspace import environment, state_files
from voiceid_optout.state import project as projects
from voiceid_optout.state import trust
from voiceid_optout.state.errors import EngineError, OutOfScopeError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from voiceid_optout.engine.interface import Operation, ProgramProviders, Request
    from voiceid_optout.engine.official.command import Command
    from voiceid_optout.state.project import Project

_PLAIN = ".json"


def inspect(
    operation: Operation,
    command: Command,
    request: Request,
    project: Project,
    program_providers: ProgramProviders,
) -> None:
    """Raise :class:`EngineError` for a state that the CLI must not get to work on."""
    for content in _states(command, request, project):
        found = trust.Inspection.of(content, request.place)
        if not request.trust_state:
            sent = _asker(request, project, program_providers) if operation in RUNS_PROGRAM else None
            trust.require(_in_clear(found, request), request.place, sent)
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
                raise failures.read(error.stderr, request) or EngineError(failures.reason(error.stderr)) from None
        except OSError as error:
            raise StateError(f"cannot read the state in {request.place}: {error.strerror}") from error


def _in_clear(found: trust.Inspection, request: Request) -> Iterator[trust.Named]:
    """Yield the providers, those that are sealed in clear; one that cannot be opened here stays what it is."""
    from voiceid_optout.state import passphrase, values  # noqa: PLC0415 - only for what is sealed

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


def _asker(
    request: Request, project: Project, program_providers: ProgramProviders
) -> Callable[[], Collection[str]]:
    def sent() -> Collection[str]:
        from voiceid_optout.state import passphrase  # noqa: PLC0415 - only for a program with other providers

        try:
            settings = projects.load_stack(project, request.stack)
        except OutOfScopeError:
            return ()  # its config is sealed with a cloud's key
        phrase = passphrase.find({**os.environ, **request.environment})
        salt = settings.salt
        crypter = passphrase.create(phrase) if salt is None else passphrase.open_with(phrase, salt)
        return program_providers(request, project, projects.resolve(settings, crypter.decrypt))

    return sent


def _clear_words(request: Request) -> str:
    if request.remote_backend:
        how = "restore one that has them sealed, with `pulumi stack import --file BACKUP`"
    else:
        how = "run `optout refresh --engine embedded` once, which seals them"
    return f"the state in {request.place} holds identifiers in clear, and the Pulumi CLI would copy them on: {how}"
