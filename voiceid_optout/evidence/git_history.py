"""What Git says of the people of a register: since when each is listed, by which commit, and every change since.

The line of time is HEAD's first-parent line: what main had, merge by merge. Files may be renamed, people may move
between files, and the register may move to another folder: somebody who stays in the register stays listed. A
version that had faults tells nothing, so nobody is lost in it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from voiceid_optout.evidence.register_file import read_file
from voiceid_optout.evidence.versions import Held, Walk, is_register_name, shown_path
from voiceid_optout.register.document import EVIDENCE, NO_EVIDENCE
from voiceid_optout.speakers import Ensure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from voiceid_optout.evidence.repository import Commit
    from voiceid_optout.evidence.versions import Say, Someone, Version


@dataclass(frozen=True, slots=True)
class Listing:
    """Since when somebody is listed without a break, asking for the same.

    ``commit`` is the merge on the first-parent line, ``at`` its committer's time and ``author`` its author; what
    others wrote is to be made safe before it is printed. All who came by a merge share one.
    """

    at: datetime
    commit: str
    author: str = field(repr=False)
    pull_request: int | None
    ensure: Ensure


def listings(
    repository: Path,
    register: Path,
    *,
    domains: Mapping[str, str],
    default_domain: str | None,
    environment: Mapping[str, str] | None = None,
    say: Say = lambda _: None,
) -> dict[Someone, Listing]:
    """Return the listing of everybody whom HEAD's version lists.

    ``repository`` is any folder in it, ``register`` the present place of the register. Whose time Git does not
    tell is not in the result: who is not committed yet, or who came before the first commit of a shallow clone.
    ``say`` gets what keeps the history from being whole. Raises EvidenceError where Git fails.
    """
    walk = Walk.of(repository, register, domains, default_domain, environment or os.environ, say)
    since: dict[Someone, Listing] = {}
    for version in walk.versions():
        for person in version.before.keys() - version.after.keys():
            since.pop(person, None)
        commit = version.commit
        by_ensure = {
            ensure: Listing(commit.at, commit.hash, commit.author, commit.pull_request, ensure) for ensure in Ensure
        }
        for person, now in version.after.items():
            then = version.before.get(person)
            if then is not None and then.said.ensure is now.said.ensure:
                continue
            if version.cut:
                since.pop(person, None)
            else:
                since[person] = by_ensure[now.said.ensure]
    return since


class Kind(StrEnum):
    """What a version of the register did to a person."""

    FOUND = "found"  # in the first version that is here: what was before nobody knows
    LISTED = "listed"
    LISTED_AGAIN = "listed again"
    MOVED = "moved"  # to another file, or with it; a new line number is no move
    EDITED = "evidence edited"
    RELEASED = "released"
    TAKEN_OUT = "taken out"


@dataclass(frozen=True, slots=True)
class Event:
    """A change of the register that concerned a person.

    ``merge`` is the commit on the first-parent line, ``commit`` the one of its branch that made the change: the
    same where nothing was merged. ``before`` and ``after`` are places, ``config/people.yaml:3``. ``edited`` names
    the fields of the entry that are not as before.
    """

    kind: Kind
    merge: Commit
    commit: Commit
    before: str | None
    after: str | None
    edited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """What Git says of a person; ``held`` is of HEAD's version, None for who is not in it."""

    events: tuple[Event, ...]
    held: Held | None = field(repr=False)


def histories(
    repository: Path,
    register: Path,
    wanted: Callable[[Someone], bool],
    *,
    domains: Mapping[str, str],
    default_domain: str | None,
    environment: Mapping[str, str] | None = None,
    say: Say = lambda _: None,
) -> dict[Someone, History]:
    """Return the history of everybody who was ever listed and is wanted; the rest is as with :func:`listings`."""
    walk = Walk.of(repository, register, domains, default_domain, environment or os.environ, say)
    found: dict[Someone, list[Event]] = {}
    for version in walk.versions():
        for person in version.before.keys() | version.after.keys():
            if wanted(person):
                events = found.setdefault(person, [])
                events.extend(_events(walk, version, person, seen=bool(events)))
    return {person: History(tuple(events), walk.people.get(person)) for person, events in found.items()}


def _events(walk: Walk, version: Version, person: Someone, *, seen: bool) -> Iterator[Event]:
    """Yield what a version did to a person: more than one thing if it moved and edited the entry."""
    then, now = version.before.get(person), version.after.get(person)
    before, after = version.place_before(person), version.place_after(person)
    for kind in _kinds(then, now, seen=seen, cut=version.cut):
        edited = _edited(then, now) if kind is Kind.EDITED else ()
        commit = _maker(walk, version, person, kind) or version.commit
        yield Event(kind, version.commit, commit, before, after, edited)


def _kinds(then: Held | None, now: Held | None, *, seen: bool, cut: bool) -> Iterator[Kind]:
    if now is None:
        yield Kind.TAKEN_OUT
    elif then is None and cut and not seen:
        yield Kind.FOUND
    elif then is None or then.said.ensure is not now.said.ensure:
        if now.said.ensure is Ensure.RELEASED:
            yield Kind.RELEASED
        else:
            yield Kind.LISTED_AGAIN if seen else Kind.LISTED
    else:
        if shown_path(then.path) != shown_path(now.path):
            yield Kind.MOVED
        if then.said.evidence != now.said.evidence:
            yield Kind.EDITED


def _edited(then: Held | None, now: Held | None) -> tuple[str, ...]:
    was, is_now = (held.said.evidence if held is not None else NO_EVIDENCE for held in (then, now))
    return tuple(sorted(name for name, old, new in zip(EVIDENCE, was, is_now, strict=True) if old != new))


def _maker(walk: Walk, version: Version, person: Someone, kind: Kind) -> Commit | None:
    """Return the newest commit of a merge's branches that did the same to the person; None if none did."""
    if len(version.commit.parents) <= 1 or kind is Kind.FOUND:
        return None
    folders = {
        held.path.rpartition("/")[0] or "."
        for held in (version.before.get(person), version.after.get(person))
        if held
    }
    span = f"{version.commit.parents[0]}..{version.commit.hash}"
    for change in walk.repository.changes(
        "--no-merges", "--full-history", "--topo-order", span, paths=sorted(folders)
    ):
        then, now = (
            next(
                filter(None, (_held(walk, version, path, blobs[index], person) for path, *blobs in change.paths)),
                None,
            )
            for index in (0, 1)
        )
        if then is None and now is None:
            continue
        goal = version.after.get(person)
        kinds = set(_kinds(then, now, seen=kind is Kind.LISTED_AGAIN, cut=False))
        if kind in kinds and (goal is None or now is None or now.said.ensure is goal.said.ensure):
            return change.commit
    return None


def _held(walk: Walk, version: Version, path: str, blob: str | None, person: Someone) -> Held | None:
    """Return what a file of a branch says of a person, if it can be read."""
    if blob is None or not is_register_name(path) or (data := walk.objects.read(blob)) is None:
        return None
    if person[1].encode() not in data and b"\\" not in data:
        return None  # no escape could write the id otherwise
    file = read_file(blob, data, walk.domains, walk.default_domain, version.files.get(path))
    said = file.said(person[1]) if file is not None and file.domain_id == person[0] else None
    return None if said is None else Held(path, said)
