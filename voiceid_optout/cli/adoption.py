"""What `optout adopt` does: finds the register, reads the domain a page at a time, and writes whom it found."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voiceid_optout.cli.connection import client_settings, in_environment
from voiceid_optout.cli.editing import carry_out, next_step, people
from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.page_file import PageFile
from voiceid_optout.cli.progress import WorkProgress
from voiceid_optout.cli.register_files import RegisterFiles, opened
from voiceid_optout.cli.sandbox import environment_for, make_private
from voiceid_optout.cli.streams import remember
from voiceid_optout.register import Ensure
from voiceid_optout.register.edit import FileChange, to_adopt
from voiceid_optout.register.fields import SPEAKER_ID
from voiceid_optout.register.sources import SUFFIXES, shown
from voiceid_optout.speakers import SpeakerStatus
from voiceid_optout.voiceid import RequestInvalid, VoiceIdError
from voiceid_optout.voiceid.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

    from voiceid_optout.cli.context import Context
    from voiceid_optout.cli.page_file import Seen
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


@contextmanager
def read_domain(context: Context, domain_id: str, console: Console, *, keep: bool) -> Iterator[PageFile]:
    """Give all pages of a domain, those first that an earlier run has read; not to ``keep`` them takes no file."""
    with environment_for(context) as environment, in_environment(environment):
        if keep:
            make_private(context.data_folder)
        try:
            settings = client_settings(context, environment)
            client = Client(settings, on_wait=lambda _operation, seconds: console.print(_waiting(seconds)))
        except VoiceIdError as error:
            raise CommandError(str(error)) from error
        path = context.data_folder / f"adopt-{domain_id}.jsonl" if keep else None
        with closing(client), PageFile(path, domain_id, settings.place()) as pages:
            if pages.outdated:
                console.print("What an earlier run had read is older than a day: starting anew.")
            if pages.pages:
                console.print(f"Going on after {pages.pages:,} pages that an earlier run has read.")
            with WorkProgress(console, "Reading pages of 100 speakers", None) as progress:
                _walk(client, domain_id, pages, progress, console)
            yield pages


def _walk(client: Client, domain_id: str, pages: PageFile, progress: WorkProgress, console: Console) -> None:
    resumed = pages.token is not None
    while not pages.complete:
        try:
            page, token = client.list_page(domain_id, pages.token)
        except RequestInvalid as error:
            if not resumed:
                raise CommandError(str(error)) from error
            console.print("The service does not go on where the earlier run ended: starting anew.")
            pages.start_over()
            resumed = False
            continue
        except VoiceIdError as error:
            kept = (
                f"; {pages.pages:,} pages are kept, run this again to go on" if pages.pages and pages.path else ""
            )
            raise CommandError(f"{error}{kept}") from error
        resumed = False
        pages.append(page, token)
        progress.advance()


def _waiting(seconds: float) -> str:
    return f"Waiting {seconds:.0f} s for the service's quota."
