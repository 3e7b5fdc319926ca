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
class StateFile:
    """A state file as it was read: ``stamp`` tells it from others, ``state`` is what it says, as it is written.

    ``salt`` is what its secrets were sealed with, ``clear`` how many resources have identifiers of people in clear.
    """

    stamp: tuple[int, ...]
    salt: str | None
    clear: int
    state: Checkpoint


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack ready for a run. ``base`` is the state that it begins with; ``read`` is the file as it was found.

    ``mark`` is the fingerprint of the state file as it lies there now, where a journal may go on from it.
    """

    name: str
    project: Project
    config: StackConfig
    crypter: Crypter
    backend: Backend
    mark: str
    base: Checkpoint
    read: StateFile


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
    last: StateFile | None = None,
) -> Stack:
    """Read everything a run starts from; raises :class:`voiceid_optout.state.StackError`.

    A new salt is stored in the stack file only when the run may write. Recovery from a journal is reported, and
    then its result is written too; so is a state that had identifiers in clear. ``upgrade`` brings what is read to
    what is written today. ``trust_state`` lets any provider run that the state names; ``program_providers`` returns
    those that the program sends, where one takes part in the run. ``last`` is the file as this process has read it
    before: where it is still the same it is not read again.
    """
    settings = projects.load_stack(project, backend.stack)
    stamp = backend.stamp()
    known = last if last is not None and last.stamp == stamp else None
    marked = writable or backend.journal_file.exists()  # else nothing needs the fingerprint, which takes its time
    found = backend.read() if known is None or marked else None
    mark, old = (journal.fingerprint(found), is_old(found)) if marked else ("", False)
    text = None if found is None or known is not None else _decoded(found)
    del found  # the bytes of a million people would be there beside their text, and that beside what it says
    raw = checkpoints.SealedCheckpoint() if text is None else checkpoints.parse(text, str(backend.state_file))
    del text
    salt = raw.salt if known is None else known.salt
    crypter, reader = _crypters(passphrase.find(environment), settings.salt, salt)
    read = known or StateFile(stamp, raw.salt, raw.identifiers_in_clear, raw.open(reader.decrypt))
    del raw
    clear = read.clear
    base = _upgraded(read.state, upgrade)
    config = projects.resolve(settings, crypter.decrypt)

    def require_trust(state: Checkpoint, what: str) -> None:
        if not trust_state:
            ask = None if program_providers is None else lambda: program_providers(config)
            trust.require(state.providers, str(backend.root), ask, what=what)

    require_trust(base, "state")
    if not writable and is_locked(backend.lock_folder):
        report("another run is under way: what it has done since it began does not show yet")
        return Stack(backend.stack, project, config, crypter, backend, mark, base, read)
    recovered = journal.recover(backend.journal_file, base, mark, crypter.decrypt)
    if recovered is not None:
        require_trust(recovered, "journal of a killed run")
    # Nothing is written before everything could be read.
    if settings.salt is None and writable:
        projects.store_salt(settings, crypter.salt_text)
    if recovered is not None:
        report(_recovery_words(base, recovered))
        base = _upgraded(recovered, upgrade)
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
    return Stack(backend.stack, project, config, crypter, backend, mark, base, read)


def _decoded(content: bytes) -> str | bytes:
    try:
        return content.decode(json.detect_encoding(content), "surrogatepass")
    except UnicodeDecodeError:
        return content  # the parser says what is wrong


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
