"""Opens a stack: its settings, its secrets, its state and what a killed run may have left."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voiceid_optout.speakers import GENERATED_ID_MARK
from voiceid_optout.state import checkpoint as checkpoints
from voiceid_optout.state import journal, passphrase, trust
from voiceid_optout.state import project as projects
from voiceid_optout.state.backend import is_locked

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from voiceid_optout.state.backend import Backend
    from voiceid_optout.state.checkpoint import Checkpoint, Upgrade
    from voiceid_optout.state.passphrase import Crypter
    from voiceid_optout.state.project import Project, StackConfig


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack ready for a run. ``mark`` is the fingerprint of the state file that ``base`` was read from."""

    name: str
    project: Project
    config: StackConfig
    crypter: Crypter
    backend: Backend
    mark: str
    base: Checkpoint


def open_stack(
    project: Project,
    backend: Backend,
    environment: Mapping[str, str],
    report: Callable[[str], None],
    *,
    writable: bool,
    upgrade: Upgrade | None = None,
    trust_state: bool = False,
    program_providers: Callable[[StackConfig], Collection[str]] | None = None,
) -> Stack:
    """Read everything a run starts from; raises :class:`voiceid_optout.state.StackError`.

    A new salt is stored in the stack's file only when the run may write. Recovery from a journal is reported, and
    then its result is written too; so is a state that had identifiers in clear. ``upgrade`` brings what is read to
    what is written today. ``trust_state`` lets any provider run that the state names; ``program_providers`` returns
    those that the program sends, where one takes part in the run.
    """
    settings = projects.load_stack(project, backend.stack)
    raw, mark, old = _read(backend)
    crypter, reader = _crypters(passphrase.find(environment), settings.salt, raw.salt)
    base = _upgraded(raw.open(reader.decrypt), upgrade)
    config = projects.resolve(settings, crypter.decrypt)

    def require_trust(state: Checkpoint, what: str) -> None:
        if not trust_state:
            ask = None if program_providers is None else lambda: program_providers(config)
            trust.require(state.providers, str(backend.root), ask, what=what)

    require_trust(base, "state")
    if not writable and is_locked(backend.lock_folder):
        report("another run is under way: what it has done since it began does not show yet")
        return Stack(backend.stack, project, config, crypter, backend, mark, base)
    recovered = journal.recover(backend.journal_file, base, mark, crypter.decrypt)
    if recovered is not None:
        require_trust(recovered, "journal of a killed run")
    # Nothing is written before everything could be read.
    if settings.salt is None and writable:
        projects.store_salt(settings, crypter.salt_text)
    if recovered is not None:
        report(_recovery_words(base, recovered))
        base = _upgraded(recovered, upgrade)
    clear = raw.identifiers_in_clear
    if clear:
        report(_clear_words(clear, backend, sealed=writable))
    if writable and (recovered is not None or clear):
        # This run's journal takes the place of that one: what that one says must be in the state before.
        content = checkpoints.render(backend.stack, project.name, base, crypter, datetime.now(UTC))
        backend.write(content, keep=not clear)
        journal.discard(backend.journal_file)
        mark, old = journal.fingerprint(content), is_old(content)
    # The file before it too, even where the state itself is of today.
    if writable and upgrade is not None and (recovered is not None or old):
        backend.upgrade(upgrade)
        mark = journal.fingerprint(backend.read())
    return Stack(backend.stack, project, config, crypter, backend, mark, base)


def _read(backend: Backend) -> tuple[checkpoints.SealedCheckpoint, str, bool]:
    """Return the state, its fingerprint, and whether it is one of before. Its bytes are let go of on the way."""
    content = backend.read()
    mark, old = journal.fingerprint(content), is_old(content)
    if content is None:
        return checkpoints.SealedCheckpoint(), mark, old
    try:
        text = content.decode(json.detect_encoding(content), "surrogatepass")
    except UnicodeDecodeError:
        return checkpoints.parse(content, str(backend.state_file)), mark, old  # which says what is wrong
    del content
    return checkpoints.parse(text, str(backend.state_file)), mark, old


def is_old(content: bytes | None) -> bool:
    """Tell whether a state may have what an upgrade replaces: identifiers that the service generates, in clear."""
    return GENERATED_ID_MARK.encode() in (content or b"")


def _upgraded(base: Checkpoint, upgrade: Upgrade | None) -> Checkpoint:
    return base if upgrade is None else base.upgraded(upgrade)


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


def _clear_words(count: int, backend: Backend, *, sealed: bool) -> str:
    now = "they are sealed now" if sealed else "the next run that writes seals them"
    return (
        f"the state held the identifiers of {count:,} resources in clear; {now}. What earlier runs kept of it may "
        f"hold them too: look at {backend.state_file.name}.bak, history and backups in {backend.root}"
    )


def _recovery_words(base: Checkpoint, recovered: Checkpoint) -> str:
    before, after = ({(one.urn, one.delete): one for one in state.resources} for state in (base, recovered))
    steps = sum(1 for key in {*before, *after} if before.get(key) != after.get(key))
    pending = len(recovered.pending) - len(base.pending)
    return (
        f"the run before this one was killed: recovered {steps} finished steps from its journal; "
        f"{max(pending, 0)} were under way and are looked at again"
    )
