"""Opens a stack: its settings, its secrets, its state and what a killed run may have left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voiceid_optout.engine import project as projects
from voiceid_optout.engine.embedded import journal, locks, passphrase, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voiceid_optout.engine.embedded.backend import Backend
    from voiceid_optout.engine.embedded.passphrase import Crypter
    from voiceid_optout.engine.embedded.snapshot import Snapshot
    from voiceid_optout.engine.interface import Request
    from voiceid_optout.engine.project import Project, StackConfig


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack ready for a run. ``checkpoint`` is the state file's content, None at a stack's first run."""

    name: str
    project: Project
    config: StackConfig
    crypter: Crypter
    backend: Backend
    checkpoint: bytes | None
    base: Snapshot


def open_stack(
    request: Request,
    project: Project,
    backend: Backend,
    environment: Mapping[str, str],
    report: Callable[[str], None],
    *,
    writable: bool,
) -> Stack:
    """Read everything a run starts from; raises :class:`voiceid_optout.engine.errors.EngineError`.

    A new salt is stored in the stack's file only when the run may write. Recovery from a journal is reported, and
    then its result is written too.
    """
    settings = projects.load_stack(project, request.stack)
    checkpoint = backend.read()
    raw = snapshot.RawCheckpoint()
    if checkpoint is not None:
        raw = snapshot.parse(checkpoint, str(backend.state_file))
    crypter, reader = _crypters(passphrase.find(environment), settings.salt, raw.salt)
    base = raw.open(reader.decrypt)
    config = projects.resolve(settings, crypter.decrypt)
    if not writable and locks.is_held(backend.lock_folder):
        report("another run is under way: what it has done since it began does not show yet")
        return Stack(request.stack, project, config, crypter, backend, checkpoint, base)
    recovered = journal.recover(backend.journal_file, base, checkpoint, crypter.decrypt)
    # Nothing is written before everything could be read.
    if settings.salt is None and writable:
        projects.store_salt(settings, crypter.salt_text)
    if recovered is not None:
        report(_recovery_words(base, recovered))
        base = recovered
        if writable:
            # This run's journal takes the place of that one: what that one told must be in the state before.
            now = datetime.now(UTC)
            checkpoint = snapshot.render(request.stack, project.name, recovered, crypter, now)
            backend.write(checkpoint)
            backend.journal_file.unlink(missing_ok=True)
    return Stack(request.stack, project, config, crypter, backend, checkpoint, base)


def _crypters(phrase: str, settings_salt: str | None, state_salt: str | None) -> tuple[Crypter, Crypter]:
    """Return the crypter to write with and the one the state was written with; keys are derived side by side."""
    if settings_salt is None and state_salt is None:
        crypter = passphrase.create(phrase)
        return crypter, crypter
    salts = [settings_salt or state_salt or "", state_salt or settings_salt or ""]
    if salts[0] == salts[1]:
        crypter = passphrase.open_with(phrase, salts[0])
        return crypter, crypter
    with ThreadPoolExecutor(2) as pool:
        writer, reader = pool.map(lambda salt: passphrase.open_with(phrase, salt), salts)
    return writer, reader


def _recovery_words(base: Snapshot, recovered: Snapshot) -> str:
    before, after = ({(one.urn, one.delete): one for one in state.resources} for state in (base, recovered))
    steps = sum(1 for key in {*before, *after} if before.get(key) != after.get(key))
    pending = len(recovered.pending) - len(base.pending)
    return (
        f"the run before this one was killed: recovered {steps} finished steps from its journal; "
        f"{max(pending, 0)} were under way and are looked at again"
    )
