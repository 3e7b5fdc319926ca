"""The registers of a project: what its stacks say of them, and their files, opened to be changed.

Files are judged before and after a change, and written whole or not at all.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from voiceid_optout import config
from voiceid_optout.cli import context as contexts
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.files import write_atomic
from voiceid_optout.memory import no_collection
from voiceid_optout.register import find_sources, load_texts, read_all
from voiceid_optout.register.edit import CannotEdit, FileChange, verify
from voiceid_optout.register.excerpt import Excerpt
from voiceid_optout.register.faults import Code, RegisterInvalid
from voiceid_optout.register.rewrite import Rewritten, rewrite
from voiceid_optout.register.sources import BOM, Source, shown
from voiceid_optout.speakers import DOMAIN_ID
from voiceid_optout.state import ProjectError, StackError
from voiceid_optout.state.project import read_mapping, refuse_misplaced

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from voiceid_optout.register import Entry, Register

    _New = tuple[Mapping[str, Rewritten], Sequence[Entry]]


DEFAULT_DIRECTORY = Path(config.DEFAULT_REGISTER)


@dataclass(frozen=True, slots=True)
class StackView:
    """What stacks that agree about it say of their register.

    ``stacks`` are their names, none where the project has no stack. ``directory``, or one file, is relative to the
    project.
    """

    domains: Mapping[str, str] = field(default_factory=dict)
    default_domain: str | None = None
    directory: Path = DEFAULT_DIRECTORY
    is_sharded: bool = False
    warns_of_contacts: bool = True
    stacks: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: config.Config) -> Self:
        """Take it out of a stack's settings."""
        is_sharded = settings.grouping is config.Grouping.SHARDED
        return cls(
            settings.domains, settings.domain, Path(settings.register), is_sharded, settings.contact_warnings
        )


def views_of(root: Path, stack: str | None) -> list[StackView]:
    """Return what a stack says, or all stacks of the project, each for itself, if None is named.

    Raises click.UsageError for a stack file that is not there or has a setting that is none. A stack that declares
    nothing but guardrails has no register.
    """
    prefix = _project_name(root)
    files = sorted(root.glob("Pulumi.*.yaml")) if stack is None else [root / f"Pulumi.{stack}.yaml"]
    views: list[StackView] = []
    for file in files:
        settings = _settings(file, prefix)
        _require_sound(root, file.name[7:-5])
        if stack is None and settings.guardrails is config.Guardrails.ONLY:
            continue
        view = StackView.of(settings)
        at = next((place for place, known in enumerate(views) if replace(known, stacks=()) == view), len(views))
        names = (*(name for known in views[at : at + 1] for name in known.stacks), file.name[7:-5])
        views[at : at + 1] = [replace(view, stacks=names)]
    return views or [StackView()]


def _require_sound(root: Path, stack: str) -> None:
    """Raise click.UsageError for a stack file that contradicts itself: no other command would take it either."""
    try:
        with suppress(StackError):  # what keeps a run from beginning has nothing to do with the register
            contexts.find(root, stack)
    except CommandError as error:
        raise click.UsageError(str(error)) from None


def _settings(file: Path, prefix: str) -> config.Config:
    """Return the settings of a stack file."""
    content = _mapping(file)
    if content is None:
        raise click.UsageError(f"no {file.name} here: name another --stack, or run in the project")
    given = content.get("config") or {}
    if not isinstance(given, dict):
        raise click.UsageError(f"{file.name}: not a Pulumi stack file")
    try:
        return config.read({str(key): value for key, value in given.items()}, prefix)
    except config.ConfigInvalid as error:
        raise click.UsageError("\n".join(f"{file.name}: {fault}" for fault in error.faults)) from None


def _project_name(root: Path) -> str:
    """Return the prefix of the settings; ours for a register without a project."""
    file = root / "Pulumi.yaml"
    content = _mapping(file)
    try:
        refuse_misplaced(file, content or {})
    except ProjectError as error:
        raise click.UsageError(str(error)) from None
    name = config.PREFIX if content is None else content.get("name")
    if not isinstance(name, str):
        raise click.UsageError("Pulumi.yaml: `name` is missing")
    return name


def _mapping(file: Path) -> Mapping[str, Any] | None:
    """Return a file's document; None if there is no file."""
    try:
        return read_mapping(file)
    except ProjectError as error:
        raise click.UsageError(str(error)) from None


_NOTHING_THERE = frozenset({Code.MISSING_DIRECTORY, Code.NO_FILES})
_NEW_FILE_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Edited:
    """What changes make of the files that they change, not written yet.

    ``listed`` are the people who were added, as the register lists them then; ``new`` are files that are made.
    """

    files: Mapping[str, Rewritten] = field(repr=False)
    listed: tuple[Entry, ...] = field(repr=False)
    new: frozenset[str]


@dataclass(slots=True)
class RegisterFiles:
    """A valid register and the texts it came from, by the names that its files are shown with."""

    folder: Path
    sources: dict[str, Source] = field(repr=False)
    texts: dict[str, bytes] = field(repr=False)
    register: Register
    domains: Mapping[str, str]
    default_domain: str | None
    new: set[str] = field(default_factory=set)

    def domain_id(self, name: str) -> str:
        """Return the DomainId for an alias or a DomainId."""
        found = str(self.domains.get(name, name))
        if not DOMAIN_ID.fullmatch(found):
            known = f"; known are {', '.join(sorted(self.domains))}" if self.domains else ""
            raise CommandError(f"--domain is neither a domain id nor an alias{known}", ExitCode.USAGE)
        return found

    def choose(self, file: Path | None, domain: str | None) -> list[str]:
        """Return the files that the options name; all of them without options."""
        domain_id = None if domain is None else self.domain_id(domain)
        if file is None:
            return [name for name, found in self.register.domain_ids.items() if domain_id in (None, found)]
        name = self._named(file)
        if domain_id not in (None, self.register.domain_ids[name]):
            raise CommandError(f"{name} is about another domain than --domain", ExitCode.USAGE)
        return [name]

    def _named(self, file: Path) -> str:
        """Find a file by its path from here, from the project, or from the register's folder."""
        paths = [path.resolve() for path in (file, self.folder.parent / file, self.folder / file)]
        for path in paths:
            for name, source in self.sources.items():
                if source.path.resolve() == path:
                    return name
        files = ", ".join(self.sources)
        raise CommandError(f"--file {shown(file)} is not in the register; its files are {files}", ExitCode.USAGE)

    def start(self, path: Path, text: str) -> str:
        """Take in a file that is to be made, valid as it is, and return the name it is shown with."""
        name = shown(self.folder.resolve().relative_to(self.folder.resolve().parent) / path.name)
        self.sources[name] = Source(path, name, path.parent.resolve())
        self.texts[name] = text.encode()
        self.new.add(name)
        self.register = self._load(self.texts)
        return name

    def edit(
        self, changes: Mapping[str, FileChange], not_opted_out: Mapping[str, Sequence[tuple[str, str]]]
    ) -> Edited:
        """Return what the changes make of the files, checked; raises CannotEdit."""
        new, listed = self._edit_parts(changes, not_opted_out) or self._edit_whole(changes, not_opted_out)
        files = {name: each for name, each in new.items() if each.text.encode() != self.texts[name]}
        return Edited(files, tuple(listed), frozenset(self.new))

    def _edit_parts(self, changes: Mapping[str, FileChange], not_opted_out: Collection[str]) -> _New | None:
        """Edit and judge only what the changes concern; None for what must be looked at as a whole.

        So must a section of comments, which may be anywhere, and what is refused: it is told by its place.
        """
        if not_opted_out or self._is_anybody_listed_twice(changes):
            return None
        rewritten: dict[str, Rewritten] = {}
        listed: list[Entry] = []
        try:
            for name, change in changes.items():
                text = self.texts[name].decode()
                entries = [entry for entry in self.register.entries if entry.file == name]
                part = Excerpt.of(text, entries, [entry.location for entry in change.remove])
                before = self._load({name: part.text.encode()})
                if before.entries != part.entries:
                    return None
                there = _within(part, change)
                new = rewrite(part.text, name, add=there.add, remove=[entry.location for entry in there.remove])
                after = self._load({name: new.text.encode()})
                verify(before, after, {name: there})
                rewritten[name] = replace(new, before=text, patches=tuple(part.patches(new.patches)))
                listed += (
                    entry.at(part.after(entry.location, new.patches)) for entry in _added(after, {name: there})
                )
        except (CannotEdit, RegisterInvalid):
            return None
        return rewritten, listed

    def _is_anybody_listed_twice(self, changes: Mapping[str, FileChange]) -> bool:
        """Tell whether somebody is added who is, and stays, listed for the same domain."""
        added: dict[str, set[str]] = {}
        for name, change in changes.items():
            added.setdefault(self.register.domain_ids[name], set()).update(_ids(change))
        removed = {entry.location for change in changes.values() for entry in change.remove}
        nobody: set[str] = set()
        return any(
            entry.speaker_id in added.get(entry.domain_id, nobody) and entry.location not in removed
            for entry in self.register.entries
        )

    def _edit_whole(
        self, changes: Mapping[str, FileChange], not_opted_out: Mapping[str, Sequence[tuple[str, str]]]
    ) -> _New:
        rewritten = {
            name: rewrite(
                self.texts[name].decode(),
                name,
                add=change.add,
                remove=[entry.location for entry in change.remove],
                not_opted_out=not_opted_out.get(name),
            )
            for name, change in changes.items()
        }
        try:
            register = self._load(self.texts | {name: new.text.encode() for name, new in rewritten.items()})
        except RegisterInvalid as error:  # by our edit: its faults are in a text that nobody has seen
            raise CannotEdit(error.faults[0].location.file) from None
        verify(self.register, register, changes)
        return rewritten, _added(register, changes)

    def write(self, edited: Edited) -> None:
        """Write the files, each in one step; a crash in between leaves a valid register."""
        pending = [(self.sources[name], new, self._before(name)) for name, new in edited.files.items()]
        for source, new, (mark, mode) in pending:
            path = source.path.resolve()
            try:
                write_atomic(path, mark + new.text.encode(), mode)
            except OSError as error:
                raise CommandError(f"cannot write {source.shown}: {error.strerror}") from error

    def _before(self, name: str) -> tuple[bytes, int]:
        """Return the file's byte order mark, if any, and its mode, and make sure that nobody changed it."""
        path = self.sources[name].path
        if name in self.new and not os.path.lexists(path):
            return b"", _NEW_FILE_MODE
        data = path.read_bytes()
        if data.removeprefix(BOM) != self.texts[name] or name in self.new:
            raise CommandError(f"{name} was changed by somebody else just now; nothing was written: run this again")
        return (BOM if data.startswith(BOM) else b""), stat.S_IMODE(path.stat().st_mode)

    def _load(self, texts: Mapping[str, bytes]) -> Register:
        return load_texts(texts.items(), [], domains=self.domains, default_domain=self.default_domain)


def _ids(change: FileChange) -> set[str]:
    return {person.speaker_id for people in change.add.values() for person in people}


def _added(register: Register, changes: Mapping[str, FileChange]) -> list[Entry]:
    ids = {name: _ids(change) for name, change in changes.items()}
    nobody: set[str] = set()
    return [entry for entry in register.entries if entry.speaker_id in ids.get(entry.file, nobody)]


def _within(part: Excerpt, change: FileChange) -> FileChange:
    """Return a change with the places as they are in the part of the file."""
    add = {
        ensure: [
            person if person.replaces is None else replace(person, replaces=part.within(person.replaces))
            for person in people
        ]
        for ensure, people in change.add.items()
    }
    return FileChange(add, [entry.at(part.within(entry.location)) for entry in change.remove])


def by_id(entries: Iterable[Entry]) -> dict[tuple[str, str], Entry]:
    """Return entries by DomainId and speaker id."""
    return {(entry.domain_id, entry.speaker_id): entry for entry in entries}


@contextmanager
def opened(
    folder: Path, domains: Mapping[str, str], default_domain: str | None, *, may_be_missing: bool = False
) -> Iterator[RegisterFiles]:
    """Open a register to change it; others who do the same wait until the block ends. Raises RegisterInvalid."""
    with _held(folder), no_collection():
        sources, faults = find_sources([(folder, None)])
        if may_be_missing and not sources and all(fault.code in _NOTHING_THERE for fault in faults):
            faults = []
        # Everything is read first: a file is judged by the text that is changed, not by a later one.
        texts = dict(read_all(sources, faults))
        register = load_texts(texts.items(), faults, domains=domains, default_domain=default_domain)
        named = {source.shown: source for source in sources}
        yield RegisterFiles(folder, named, texts, register, domains, default_domain)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a lock on the folder, or on the nearest one above that is there."""
    place = folder.resolve()
    while not place.is_dir():
        place = place.parent
    handle = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
