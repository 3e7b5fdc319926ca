"""``optout adopt``: take over into the register whom the service has opted out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voiceid_optout.cli import context as contexts
from voiceid_optout.cli.domain_walk import PageFile, read_domain
from voiceid_optout.cli.editing import carry_out, domain_option, dry_run_options, file_option, next_step
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.options import stack_options, with_options
from voiceid_optout.cli.output import console_of, echo, remember, reported
from voiceid_optout.cli.register_files import RegisterFiles, opened
from voiceid_optout.plan import people
from voiceid_optout.register import Ensure
from voiceid_optout.register.edit import FileChange, to_adopt
from voiceid_optout.register.fields import SPEAKER_ID
from voiceid_optout.register.sources import SUFFIXES, shown
from voiceid_optout.speakers import SpeakerStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voiceid_optout.cli.context import Context
    from voiceid_optout.cli.domain_walk import Seen


@click.command(name="adopt")
@with_options(
    *stack_options,
    domain_option,
    file_option,
    click.option(
        "--include-enrolled",
        is_flag=True,
        help="List the other speakers too, as comments with their status. A later run renews that list.",
    ),
    *dry_run_options,
)
def command(
    *,
    root: Path,
    stack: str,
    domain: str | None,
    file: Path | None,
    include_enrolled: bool,
    dry_run: bool,
    reveal: bool,
) -> None:
    """Add the people whom the service has opted out to the register.

    This reads the whole domain at the pace of its quota (100,000 people take about 200 seconds) and adds everybody
    who is opted out and not listed yet. Existing entries stay as they are. If no file of that domain exists, one
    is made. An interrupted run continues where it ended. Nothing changes in the service, now or at the next
    `optout up`.

    \b
    Example
      $ optout adopt --stack production --domain main
      Read 4,210 speakers: 1,207 opted out.
      Adopted 1,200 people: config/main.yaml:3 to 1202; 7 were listed already.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 register invalid, 8 another run adopts the same domain.
    """  # noqa: D301 - click's own mark for "do not wrap"
    console = console_of(err=True)
    with reported():
        context = contexts.find(root, stack)
        target = Target.find(context, domain, file)  # before the long walk: what is wrong is said at once
        with read_domain(context, target.domain_id, console, keep=not dry_run) as pages:
            for line in take_over(target, pages, include_enrolled=include_enrolled, dry_run=dry_run, reveal=reveal):
                echo(line)


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
    lines = [entry.line for entry in edited.listed if entry.file == name and entry.speaker_id in adopted]
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
    yield next_step(edited, files.folder, dry_run=dry_run)


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


SCHEMA = "optouts.schema.json"


@dataclass(frozen=True, slots=True)
class Target:
    """The domain that is adopted, and the file that people go to; ``file`` None is up to the register."""

    folder: Path
    domains: Mapping[str, str]
    default_domain: str | None
    domain_id: str
    file: Path | None

    @classmethod
    def find(cls, context: Context, domain: str | None, file: Path | None) -> Target:
        """Resolve the options, and make sure that the register is valid and the file can be told."""
        domains, default = context.domains()
        folder = context.register_folder
        name = domain or default
        if name is None:
            raise CommandError("say which domain: --domain, or voiceid-optout:domain in the stack", ExitCode.USAGE)
        with opened(folder, domains, default, may_be_missing=True) as files:
            target = cls(folder, domains, default, files.domain_id(name), file)
            target.choose(files)
            return target

    def choose(self, files: RegisterFiles) -> str:
        """Return the name of the file to write to; one that is to be made is taken in."""
        if self.file is not None:
            path = self._new_path(self.file)
            if path is None:
                return files.choose(self.file, self.domain_id)[0]
        else:
            candidates = files.choose(None, self.domain_id)
            if len(candidates) == 1:
                return candidates[0]
            if candidates:
                which = ", ".join(candidates)
                raise CommandError(
                    f"several files are about this domain: choose one with --file: {which}", ExitCode.USAGE
                )
            path = self.folder / f"{self._alias()}.yaml"
        if path.exists() or self.folder.is_file():
            raise CommandError(f"{shown(path)} is about another domain: say where to with --file", ExitCode.USAGE)
        modeline = f"# yaml-language-server: $schema={SCHEMA}\n" if (self.folder / SCHEMA).exists() else ""
        return files.start(path, f"{modeline}domain: {self._alias()}\nspeakers: []\n")

    def _new_path(self, file: Path) -> Path | None:
        """Return the path of a file that is to be made; None if it is there."""
        if any(path.exists() for path in (file, self.folder.parent / file, self.folder / file)):
            return None
        path = self.folder / file.name
        beside = file.parent == Path() or file.parent.resolve() == self.folder.resolve()
        below = (self.folder.parent / file.parent).resolve() == self.folder.resolve()
        if not (beside or below) or file.suffix.lower() not in SUFFIXES or file.name.startswith("."):
            folder = shown(Path(self.folder.name))
            raise CommandError(
                f"--file {shown(file)} would be no file of the register: choose {folder}/NAME.yaml", ExitCode.USAGE
            )
        return path

    def _alias(self) -> str:
        return next((alias for alias, found in self.domains.items() if found == self.domain_id), self.domain_id)
