"""What `optout adopt` makes of a domain that it has read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voiceid_optout.cli.editing import carry_out, next_step, people
from voiceid_optout.cli.register_files import opened
from voiceid_optout.cli.streams import remember
from voiceid_optout.register import Ensure
from voiceid_optout.register.edit import FileChange, to_adopt
from voiceid_optout.register.fields import SPEAKER_ID
from voiceid_optout.voiceid import SpeakerStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voiceid_optout.cli.adopt_target import Target
    from voiceid_optout.cli.page_file import PageFile, Seen
    from voiceid_optout.cli.register_files import RegisterFiles


def take_over(
    target: Target, pages: PageFile, *, include_enrolled: bool, dry_run: bool, reveal: bool
) -> Iterator[str]:
    """Write who was read, and yield what to tell."""
    out = [seen for seen in pages.speakers if seen.status == SpeakerStatus.OPTED_OUT]
    others = [seen for seen in pages.speakers if seen.status != SpeakerStatus.OPTED_OUT]
    yield f"Read {len(out) + len(others):,} speakers: {len(out):,} opted out."
    with opened(target.folder, target.domains, target.default_domain, may_be_missing=True) as files:
        name = target.choose(files)
        new, known = to_adopt(files.register, map(_names, out), domain_id=target.domain_id)
        unlisted, _ = to_adopt(files.register, map(_names, others), domain_id=target.domain_id)
        released = _released(files, target.domain_id, out)
        change = FileChange()
        change.add[Ensure.OPTED_OUT] += new
        status = {_names(seen)[0]: seen.status for seen in others}
        comments = [(person.speaker_id, status[person.speaker_id]) for person in unlisted]
        edited = carry_out(
            files, {name: change}, {name: comments} if include_enrolled else {}, dry_run=dry_run, reveal=reveal
        )
    if not dry_run:
        pages.remove()
    adopted = {person.speaker_id for person in new}
    lines = [
        entry.location.line
        for entry in edited.register.entries
        if entry.location.file == name and entry.speaker_id in adopted
    ]
    where = f": {name}:{lines[0]}{f' to {lines[-1]}' if lines[1:] else ''}" if lines else ""
    listed = f"{known:,} {'was' if known == 1 else 'were'} listed already"
    done = f"{'Would adopt' if dry_run else 'Adopted'} {people(len(new))}{where}; {listed}."
    remember(done)
    yield done
    if released:
        verb = "is" if released == 1 else "are"
        yield f"{released:,} of them {verb} under `released`: that stays, and the next `optout up` carries it out."
    if include_enrolled:
        how = "a comment" if len(comments) == 1 else "comments"
        yield f"{people(len(comments))} not opted out listed as {how}."
    yield next_step(edited, dry_run=dry_run)


def _names(seen: Seen) -> tuple[str, ...]:
    """Return a speaker's ids, the one to list first; an id that no register can hold is left out."""
    return tuple(name for name in seen.names if SPEAKER_ID.regexp.fullmatch(name)) or seen.names


def _released(files: RegisterFiles, domain_id: str, out: list[Seen]) -> int:
    """Count those opted out in the service whom the register releases."""
    released = {
        entry.speaker_id
        for entry in files.register.entries
        if entry.domain_id == domain_id and entry.ensure is Ensure.RELEASED
    }
    return sum(not released.isdisjoint(seen.names) for seen in out)
