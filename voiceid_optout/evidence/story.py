"""The story of one person: what Git, the runs and the service say, joined in order of time. Pure.

No text of it names anybody but ``speaker_id``, which is there when it was asked for; what others wrote goes through
the mask of whoever joins.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from voiceid_optout.evidence import time_text
from voiceid_optout.evidence.git_history import Kind
from voiceid_optout.foreign_text import one_line
from voiceid_optout.speakers import Ensure, SpeakerStatus, is_as_asked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from voiceid_optout.evidence.git_history import Event, History
    from voiceid_optout.evidence.runs import Managed, Run
    from voiceid_optout.register import Entry
    from voiceid_optout.voiceid import Speaker

_SHORT = 7  # digits of a commit
_LONGEST = 120  # characters of what others wrote
LISTED_NOW = (Kind.FOUND, Kind.LISTED, Kind.LISTED_AGAIN, Kind.RELEASED)


@dataclass(frozen=True, slots=True)
class Listed:
    """The entry as the work tree has it. ``reason`` may name people: it is there when that was asked for."""

    ensure: str
    place: str
    requested_on: str | None
    review_on: str | None
    ticket: str | None
    reason: str | None
    committed: bool


@dataclass(frozen=True, slots=True)
class Service:
    """What the service says now; without a status it does not have the person. Times are the service's own."""

    asked_at: str
    status: str | None
    created_at: str | None
    updated_at: str | None


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to a person, in the register or in a run.

    ``commit`` made the change in the register, or is the one that a run worked on; ``merge`` brought it to the main
    line. ``before`` and ``after`` are places in the register, or what the state had.
    """

    at: str
    source: str  # register, run
    what: str
    commit: str | None = None
    author: str | None = None
    committed_at: str | None = None
    merge: str | None = None
    pull_request: int | None = None
    plan: str | None = None
    run: str | None = None
    succeeded: bool | None = None
    before: str | None = None
    after: str | None = None
    edited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """What can be shown of a person. ``since`` is the moment from which on they are listed as they are now."""

    label: str
    domain_id: str
    speaker_id: str | None = field(repr=False)
    listed: Listed | None
    since: Moment | None
    opted_out_at: str | None
    service: Service | None
    moments: tuple[Moment, ...]

    def document(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def join(
    label: str,
    domain_id: str,
    speaker_id: str | None,
    entry: Entry | None,
    history: History | None,
    runs: Sequence[Run],
    service: Service | None,
    mask: Callable[[str], str],
) -> Story:
    """Tell the story; ``speaker_id`` and the entry's reason are told if the first is given."""
    events = history.events if history is not None else ()
    told = [(event, _of_register(event, mask)) for event in events]
    listed = None if entry is None else _listed(entry, history, mask, reveal=speaker_id is not None)
    since = next((moment for event, moment in reversed(told) if event.kind in (*LISTED_NOW, Kind.TAKEN_OUT)), None)
    held = history.held if history is not None else None
    is_committed = entry is not None and held is not None and held.said.ensure is entry.ensure
    if not is_committed or (since is not None and since.what in (Kind.TAKEN_OUT, Kind.FOUND)):
        since = None
    moments = [*(moment for _, moment in told), *(_of_run(run) for run in runs)]
    state = next((run.after for run in reversed(runs) if run.after is not None), None)
    return Story(
        label,
        domain_id,
        speaker_id,
        listed,
        since,
        _opted_out_at(service, state),
        service,
        tuple(sorted(moments, key=lambda moment: moment.at)),
    )


def _listed(entry: Entry, history: History | None, mask: Callable[[str], str], *, reveal: bool) -> Listed:
    held = history.held if history is not None else None
    evidence = {
        name: str(value)
        for name in ("requested_on", "review_on", "reason", "ticket")
        if (value := getattr(entry, name, None)) is not None
    }
    committed = (
        held is not None
        and held.said.ensure is entry.ensure
        and all(now in (None, then) for now, then in zip(entry.evidence, held.said.evidence, strict=True))
    )

    def shown(name: str) -> str | None:
        return one_line(mask(evidence[name]), _LONGEST) if name in evidence else None

    return Listed(
        str(entry.ensure),
        mask(f"{entry.file}:{entry.line}"),
        shown("requested_on"),
        shown("review_on"),
        shown("ticket"),
        evidence.get("reason") if reveal else None,
        committed,
    )


def _opted_out_at(service: Service | None, state: Managed | None) -> str | None:
    """Return since when the service has the person opted out: the time of our write, or of its last change."""
    if service is None or service.status != SpeakerStatus.OPTED_OUT:
        return None
    return (state.opted_out_at if state is not None else None) or service.updated_at


def of_service(speaker: Speaker | None, asked_at: datetime) -> Service:
    """Return what the service has answered."""
    if speaker is None:
        return Service(utc(asked_at), None, None, None)
    return Service(utc(asked_at), str(speaker.status), utc(speaker.created_at), utc(speaker.updated_at))


def utc(at: datetime) -> str:
    """Return a time as evidence has it."""
    return time_text(int(at.timestamp()))


def _of_register(event: Event, mask: Callable[[str], str]) -> Moment:
    return Moment(
        utc(event.merge.at),
        "register",
        event.kind,
        commit=event.commit.hash,
        author=one_line(mask(event.commit.author), _LONGEST),
        committed_at=utc(event.commit.at),
        merge=event.merge.hash,
        pull_request=event.merge.pull_request,
        before=None if event.before is None else mask(event.before),
        after=None if event.after is None else mask(event.after),
        edited=event.edited,
    )


def _of_run(run: Run) -> Moment:
    return Moment(
        utc(run.at),
        "run",
        _what(run.before, run.after),
        commit=run.commit,
        plan=run.plan,
        run=run.kind,
        succeeded=run.succeeded,
        before=None if run.before is None else _state(run.before),
        after=None if run.after is None else _state(run.after),
    )


def _what(before: Managed | None, after: Managed | None) -> str:
    """Return in words what a run did."""
    if after is None:
        return "no longer managed"
    if before is not None and (before.ensure, before.status) == (after.ensure, after.status):
        return "label changed" if before.opted_out_at == after.opted_out_at else "repaired"
    if not is_as_asked(after.ensure, after.status):
        return "found otherwise than asked"
    return "released in the service" if after.ensure == Ensure.RELEASED else "opted out in the service"


def _state(managed: Managed) -> str:
    return f"{managed.label} {managed.status or 'absent'}"


def words(moment: Moment) -> str:
    """Return a moment as one line."""
    parts = [moment.what]
    if moment.edited:
        parts.append(f"({', '.join(moment.edited)})")
    if moment.source == "register":
        if moment.before and moment.after and moment.before != moment.after:
            parts.append(f"{moment.before} to {moment.after}")
        else:
            parts.append(f"at {moment.after}" if moment.after else f"from {moment.before}")
        parts.append(f"by {moment.author}, commit {(moment.commit or '')[:_SHORT]}")
        if moment.merge != moment.commit:
            parts.append(f"of {moment.committed_at}, merge {(moment.merge or '')[:_SHORT]}")
        if moment.pull_request is not None:
            parts.append(f"#{moment.pull_request}")
        return " ".join(parts)
    article = "an" if (moment.run or "").startswith("u") else "a"
    parts.append(f"by {article} {moment.run}{'' if moment.succeeded else ', which failed in part'}")
    if moment.plan is not None:
        parts[-1] += f", plan {moment.plan}"
    if moment.commit is not None:
        parts[-1] += f", commit {moment.commit[:_SHORT]}"
    return " ".join(parts)
