"""The versions of a register in Git, the oldest first, and for whom each changed something.

The line of time is HEAD's first-parent line: what main had, merge by merge. Files may be renamed, people may move
between files, and the register may move to another folder. A version that had faults is skipped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from voiceid_optout.evidence.register_file import RegisterFile, Said, read_file
from voiceid_optout.evidence.repository import Blobs, Change, Commit, Repository
from voiceid_optout.register.sources import SUFFIXES, shown

Someone = tuple[str, str]  # domain id and speaker id
Say = Callable[[str], None]
SHORT = 7  # digits of a commit in a message
_SHALLOW = (
    "this clone is shallow: what was before commit {} is not here, so since when those are listed who were in the "
    "register then cannot be told; `git fetch --unshallow` brings it"
)
_MISSING = "this clone lacks the register of commit {}: who came with it cannot be told; a full clone has it"
_FAULTY = "the register of commit {} had faults, or a domain that is not known today: that version is skipped"
_MOVES = 32  # of a register, from folder to folder


class Held(NamedTuple):
    """Where a version has somebody, and what it says."""

    path: str
    said: Said


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the register on the first-parent line, and for whom it changed something.

    ``cut``: what was before it is not here, so it says nothing of when its people came.
    """

    commit: Commit
    before: Mapping[Someone, Held] = field(repr=False)
    after: Mapping[Someone, Held] = field(repr=False)
    files: Mapping[str, RegisterFile] = field(repr=False)
    next_files: Mapping[str, RegisterFile] = field(repr=False)
    cut: bool

    def place_before(self, person: Someone) -> str | None:
        """Return ``config/people.yaml:3`` before the version, None if the person was not listed."""
        return _place(self.before.get(person), person, self.files)

    def place_after(self, person: Someone) -> str | None:
        """Return ``config/people.yaml:3`` in the version, None if the person is not listed."""
        return _place(self.after.get(person), person, self.next_files)


def _place(held: Held | None, person: Someone, files: Mapping[str, RegisterFile]) -> str | None:
    return None if held is None else f"{shown_path(held.path)}:{files[held.path].line(person[1])}"


@lru_cache(maxsize=256)  # asked for everybody, and people share files
def shown_path(path: str) -> str:
    """Return a file of the register as messages show it: from its folder's name on."""
    return shown(Path(*PurePosixPath(path).parts[-2:]))


@dataclass(slots=True)
class Walk:
    """Goes through the versions of a register, the oldest first."""

    repository: Repository
    place_now: str  # of the register, from the top on
    domains: Mapping[str, str]
    default_domain: str | None
    say: Say
    objects: Blobs = field(init=False, repr=False)  # while it goes on
    people: dict[Someone, Held] = field(default_factory=dict, repr=False)
    files: dict[str, RegisterFile] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        repository: Path,
        register: Path,
        domains: Mapping[str, str],
        default_domain: str | None,
        environment: Mapping[str, str],
        say: Say,
    ) -> Walk:
        """Find the repository; without one there is nothing to walk through, and ``say`` is told."""
        top = Repository(repository, environment).top()
        place = ""
        if top is None:
            say("no Git history here: since when somebody is listed cannot be told")
        else:
            place = os.path.relpath(register.resolve(), top.resolve())
            if place.startswith(os.pardir):
                say("the register lies outside of the repository: since when somebody is listed cannot be told")
                place = ""
        return cls(Repository(top or repository, environment), place, domains, default_domain, say)

    def versions(self) -> Iterator[Version]:
        """Yield each version that could be read; what had to be skipped is said."""
        if not self.place_now or not self.repository.commit("HEAD"):
            return
        shallow = self.repository.shallow()
        is_cut = False
        with self.repository.blobs() as self.objects:
            for place, changes in reversed(self._segments()):
                blobs: dict[str, str] = {}
                for change in changes:
                    _update(blobs, change, place)
                    if change.commit.hash in shallow:
                        is_cut = True
                        self.say(_SHALLOW.format(change.commit.hash[:SHORT]))
                    files = self._read(blobs)
                    if files is None:
                        is_cut = True
                        self.say(_MISSING.format(change.commit.hash[:SHORT]))
                        continue
                    version = self._version(change.commit, files, is_whole=len(files) == len(blobs), is_cut=is_cut)
                    if version is None:
                        self.say(_FAULTY.format(change.commit.hash[:SHORT]))
                        continue
                    yield version
                    is_cut = False
                    self._take(version)

    def _segments(self) -> list[tuple[str, list[Change]]]:
        """Return the places that the register has had, the present one first, and the changes there."""
        found: list[tuple[str, list[Change]]] = []
        tip, place = "HEAD", self.place_now
        for _ in range(_MOVES):
            changes = self.repository.changes("--first-parent", "--reverse", tip, paths=[place])
            if not changes:
                break
            found.append((place, changes))
            first = changes[0].commit
            if not first.parents:
                break
            tip = first.parents[0]
            is_wanted = partial(_is_register_file, place=place)
            earlier = self.repository.renamed_from(tip, first.hash, is_wanted)
            if earlier is None:
                break
            place = _place_of(earlier, place)
        return found

    def _read(self, blobs: Mapping[str, str]) -> dict[str, RegisterFile] | None:
        """Return the files of a version, up to the first that has a fault; None if one is not in this clone."""
        known = {file.blob: file for file in self.files.values()}
        moved = [file for path, file in self.files.items() if path not in blobs]
        files: dict[str, RegisterFile] = {}
        for path, blob in sorted(blobs.items()):
            file = known.get(blob)
            if file is None:
                if (data := self.objects.read(blob)) is None:
                    return None
                base = self.files.get(path) or (moved.pop() if moved else None)
                file = read_file(blob, data, self.domains, self.default_domain, base)
            if file is None:
                break
            files[path] = file
        return files

    def _version(
        self, commit: Commit, files: Mapping[str, RegisterFile], *, is_whole: bool, is_cut: bool
    ) -> Version | None:
        if not files or not is_whole:
            return None
        before, after = self._differences(files)
        if after is None:
            return None
        return Version(commit, before, after, self.files, files, is_cut)

    def _differences(
        self, files: Mapping[str, RegisterFile]
    ) -> tuple[dict[Someone, Held], dict[Someone, Held] | None]:
        """Return whom the files list otherwise, before and after; None for after if somebody is there twice."""
        before: dict[Someone, Held] = {}
        after: dict[Someone, Held] = {}
        count = 0
        for path in self.files.keys() | files.keys():
            was, now = self.files.get(path), files.get(path)
            gone: Mapping[str, Said]
            came: Mapping[str, Said]
            if was is now:
                continue
            if now is not None and now.difference is not None and now.difference.base is was:
                gone, came = now.difference.gone, now.difference.came
            else:
                gone, came = ({} if file is None else file.everybody() for file in (was, now))
            if was is not None:
                before.update(((was.domain_id, one), Held(path, said)) for one, said in gone.items())
            if now is not None:
                after.update(((now.domain_id, one), Held(path, said)) for one, said in came.items())
            count += len(came)
        if len(after) != count or any(person in self.people and person not in before for person in after):
            return before, None
        same = {person for person, held in after.items() if before.get(person) == held}
        return (
            {person: held for person, held in before.items() if person not in same},
            {person: held for person, held in after.items() if person not in same},
        )

    def _take(self, version: Version) -> None:
        for person in version.before:
            del self.people[person]
        self.people.update(version.after)
        self.files = dict(version.next_files)
        for file in self.files.values():
            file.take_over()


def _update(blobs: dict[str, str], change: Change, place: str) -> None:
    for path, _, blob in change.paths:
        if blob is None:
            blobs.pop(path, None)
        elif _is_register_file(path, place):
            blobs[path] = blob


def _is_register_file(path: str, place: str) -> bool:
    """Tell whether a path is one of the files that a register at this place is read from."""
    if place.lower().endswith(SUFFIXES):
        return path == place
    return path.rpartition("/")[0] == ("" if place == "." else place) and is_register_name(path)


def is_register_name(path: str) -> bool:
    """Tell whether a file of this name is read where the register is a folder."""
    return path.lower().endswith(SUFFIXES) and not path.rpartition("/")[2].startswith(".")


def _place_of(path: str, place_after: str) -> str:
    """Return the place of the register that a file belonged to, before the register came to where it is."""
    folder = path.rpartition("/")[0] or "."
    return path if place_after.lower().endswith(SUFFIXES) else folder
